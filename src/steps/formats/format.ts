/** A format of bodies, to JSON and back. */
import type { Field } from '../../config/fields.ts';
import { MqferryError } from '../../errors.ts';

/** One direction of a format. `V` is what its field yields. */
export interface Direction<V, F> {
  readonly field: Field<V | undefined>;
  /** Throws CONFIG_INVALID. */
  compile(options: V): F;
}

/** A JSON tree of a body, or JSON as text. Throws DECODE_FAILED; never quotes the body. */
export type Decode = (body: Buffer) => unknown;

/** The bytes for a JSON body, given as its text. Throws STEP_FAILED for what the format cannot say; never quotes the body. */
export interface Encode {
  readonly contentType: string;
  encode(json: string): Buffer;
}

/** As people write it. */
export function formatName(name: string): string {
  return name === 'json' || name.length === 3 ? name.toUpperCase() : name.charAt(0).toUpperCase() + name.slice(1);
}

export function undecodable(sentence: string): MqferryError {
  return new MqferryError('DECODE_FAILED', sentence);
}

export function unencodable(sentence: string): MqferryError {
  return new MqferryError('STEP_FAILED', sentence);
}

/** UTF-8 as text, without a byte order mark; anything else would be changed silently. */
export function utf8(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw undecodable('the body is not UTF-8');
  }
}

/** JSON with each number as its digits: text formats have no other. */
export function withDigits(json: string): unknown {
  return parse(json, (_number, digits) => digits);
}

/** JSON with whole numbers that a double would round as bigints. */
export function withBigints(json: string): unknown {
  return parse(json, (number, digits) => (isRounded(number, digits) ? BigInt(digits) : number));
}

/** JSON with whole numbers that a double would round as text. */
export function withLongText(json: string): unknown {
  return parse(json, (number, digits) => (isRounded(number, digits) ? digits : number));
}

function parse(json: string, number: (value: number, digits: string) => unknown): unknown {
  return JSON.parse(json, (_name: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? number(value, context?.source ?? String(value)) : value,
  );
}

function isRounded(number: number, digits: string): boolean {
  return !Number.isSafeInteger(number) && /^-?\d{1,40}$/.test(digits);
}
