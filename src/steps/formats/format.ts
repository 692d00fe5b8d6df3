/** A format of bodies, to JSON and back. */
import type { Field } from '../../config/fields.ts';
import { MqferryError } from '../../errors.ts';

/** One direction of a format. `V` is what its field yields. */
export interface Direction<V, F> {
  readonly field: Field<V | undefined>;
  /** Throws CONFIG_INVALID. */
  compile(options: V): F;
}

/** A JSON tree of a body. Throws DECODE_FAILED; never quotes the body. */
export type Decode = (body: Buffer) => unknown;

/** The bytes for a JSON body, given as its text. Throws STEP_FAILED for what the format cannot say; never quotes the body. */
export interface Encode {
  readonly contentType: string;
  encode(json: string): Buffer;
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
  return JSON.parse(json, (_name: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value,
  );
}
