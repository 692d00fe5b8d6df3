/**
 * Header values as text, and back exactly. The type goes beside the text as a short code, in `mqf-types`:
 *
 *   bool i64 f64 null   true, 42, 0.5, nothing          b    bytes that are UTF-8, as they are
 *   big                 a bigint                        b64  other bytes, in base64
 *   time                2025-01-31T10:00:00.000Z        s    a string
 *   json                a list, a map, or a string with characters that the target forbids; what JSON cannot say is tagged with `$`
 *   int16/i64           a value of the wire type int16, itself written as i64
 *   h  h.json           it is a header, although one of its name would be taken for a property: as it is, or of that code
 */
import { isUtf8 } from 'node:buffer';
import { type HeaderValue, Typed } from '../message.ts';

export const headerMark = 'h';

/** Text that every text protocol can carry: no control characters, half surrogate pairs or non-characters. */
const unsendable = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;
const unsendableUnits = /[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/g;

export function isSendable(text: string): boolean {
  return !unsendable.test(text);
}

/** The text of a value and the code of its type. */
export function toText(value: HeaderValue): [text: string, code: string] {
  if (typeof value === 'string') return isSendable(value) ? [value, 's'] : [jsonText(value), 'json'];
  if (typeof value === 'boolean') return [String(value), 'bool'];
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'bigint') return [String(value), 'big'];
  if (value === null) return ['', 'null'];
  if (Buffer.isBuffer(value)) return bytesText(value);
  if (value instanceof Date) return [Number.isNaN(value.getTime()) ? '' : value.toISOString(), 'time'];
  if (value instanceof Typed) {
    const [text, code] = toText(value.value);
    return [text, `${encodeURIComponent(value.type.toWellFormed())}/${code}`];
  }
  return [jsonText(toJson(value)), 'json'];
}

/** The value that {@link toText} was given; undefined when text and code do not fit together. */
export function fromText(wire: HeaderValue, code: string): HeaderValue | undefined {
  const slash = code.indexOf('/');
  if (slash >= 0) return typedFrom(wire, code.slice(0, slash), code.slice(slash + 1));
  const text = wireText(wire);
  if (text === undefined) return undefined;
  try {
    return readers.get(code)?.(text);
  } catch {
    return undefined; // not a number, not JSON, or JSON of another shape: somebody else has written it
  }
}

/** A value as text, whatever kind of text the protocol has; undefined for lists and maps. */
export function wireText(wire: HeaderValue): string | undefined {
  if (typeof wire === 'string') return wire;
  if (typeof wire === 'number' || typeof wire === 'bigint' || typeof wire === 'boolean') return String(wire);
  if (Buffer.isBuffer(wire)) return wire.toString();
  if (wire instanceof Typed) return wireText(wire.value);
  return undefined;
}

const readers = new Map<string, (text: string) => HeaderValue>(
  Object.entries({
    s: (text) => text,
    bool: (text) => text === 'true',
    i64: (text) => Number(BigInt(text)),
    f64: (text) => Number(text),
    big: (text) => BigInt(text),
    null: () => null,
    b: (text) => Buffer.from(text),
    b64: (text) => Buffer.from(text, 'base64'),
    time: (text) => new Date(text),
    json: (text) => fromJson(JSON.parse(text)),
  }),
);

function numberText(value: number): [string, string] {
  if (Object.is(value, -0)) return ['-0', 'f64'];
  return [String(value), Number.isSafeInteger(value) ? 'i64' : 'f64'];
}

function bytesText(bytes: Buffer): [string, string] {
  const text = isUtf8(bytes) ? bytes.toString() : undefined;
  return text !== undefined && isSendable(text) ? [text, 'b'] : [bytes.toString('base64'), 'b64'];
}

function typedFrom(wire: HeaderValue, type: string, code: string): HeaderValue | undefined {
  const value = fromText(wire, code);
  return isTypedValue(value) ? new Typed(decode(type), value) : undefined;
}

function isTypedValue(value: HeaderValue | undefined): value is Typed['value'] {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' || Buffer.isBuffer(value);
}

/** Percent-escapes undone; text that has none of ours comes back as it is. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(unsendableUnits, escapeUnit);
}

function escapeUnit(unit: string, at: number, all: string): string {
  const code = unit.charCodeAt(0);
  if (code >= 0xd800 && code <= 0xdfff && !isAstralNonCharacter(all, at)) return unit;
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** JSON.stringify has escaped half pairs; of whole ones only the last two characters of each plane are forbidden. */
function isAstralNonCharacter(all: string, at: number): boolean {
  const isLow = all.charCodeAt(at) >= 0xdc00;
  return ((all.codePointAt(isLow ? at - 1 : at) as number) & 0xfffe) === 0xfffe;
}

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

function toJson(value: HeaderValue): Json {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number' && Number.isFinite(value) && !Object.is(value, -0)) return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return mapToJson(value);
  if (value instanceof Typed) return { $type: value.type, value: toJson(value.value) };
  const [text, code] = toText(value as number | bigint | Buffer | Date);
  return { [`$${code}`]: text };
}

/** Names that objects reorder or that look like our tags are written as pairs. */
function mapToJson(map: ReadonlyMap<string, HeaderValue>): Json {
  const entries = [...map].map(([name, item]): [string, Json] => [name, toJson(item)]);
  return entries.some(([name]) => /^[$\d]/.test(name)) ? { $map: entries } : Object.fromEntries(entries);
}

function fromJson(json: Json): HeaderValue {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(fromJson);
  const entries = Object.entries(json);
  const [name, item] = entries[0] ?? ['', null];
  if (!name.startsWith('$')) return new Map(entries.map(([key, value]) => [key, fromJson(value)]));
  if (name === '$map') return new Map((item as [string, Json][]).map(([key, value]) => [key, fromJson(value)]));
  const value = name === '$type' ? fromJson(json['value'] as Json) : undefined;
  if (isTypedValue(value)) return new Typed(String(item), value);
  const plain = fromText(item as string, name.slice(1));
  if (plain === undefined) throw new TypeError(`no value is tagged ${name}`);
  return plain;
}
