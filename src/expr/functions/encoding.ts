/** Encodings and JSON. */
import type { Environment } from '@marcbachmann/cel-js';
import { readJson } from '../body.ts';
import { fail } from '../failure.ts';
import { plain, textOf } from '../result.ts';
import type { Entry } from './registry.ts';

export const encoding: readonly Entry[] = [
  [
    'base64.encode(dyn): string',
    'bytes, or text as UTF-8, in base64',
    'base64.encode("hi") == "aGk="',
    (_: unknown, x: unknown) => bytesOf(x).toString('base64'),
  ],
  [
    'base64.decode(string): bytes',
    'the bytes; also of base64url',
    'string(base64.decode("aGk=")) == "hi"',
    (_: unknown, s: string) => decode(s, 'base64'),
  ],
  [
    'base64url.encode(dyn): string',
    'for URLs: - and _, no =',
    'base64url.encode(b"\\xff") == "_w"',
    (_: unknown, x: unknown) => bytesOf(x).toString('base64url'),
  ],
  ['base64url.decode(string): bytes', 'the bytes', 'base64url.decode("_w") == b"\\xff"', (_: unknown, s: string) => decode(s, 'base64')],
  [
    'hex.encode(dyn): string',
    'bytes, or text as UTF-8, in hexadecimal',
    'hex.encode("hi") == "6869"',
    (_: unknown, x: unknown) => bytesOf(x).toString('hex'),
  ],
  ['hex.decode(string): bytes', 'the bytes', 'hex.decode("ff") == b"\\xff"', (_: unknown, s: string) => decode(s, 'hex')],
  ['url.encode(string): string', 'percent-encoded', 'url.encode("a/b c") == "a%2Fb%20c"', (_: unknown, s: string) => urlEncode(s)],
  ['url.decode(string): string', 'the other way round', 'url.decode("a%2Fb") == "a/b"', (_: unknown, s: string) => urlDecode(s)],
  [
    'json.parse(dyn): dyn',
    'text or bytes as JSON',
    'json.parse("{\\"t\\": [1]}").t[0] == 1',
    (_: unknown, x: unknown) => readJson(textOf(x)),
  ],
  [
    'json.stringify(dyn): string',
    'as JSON',
    'json.stringify({"a": [1, null]}) == "{\\"a\\":[1,null]}"',
    (_: unknown, x: unknown) => toJson(plain(x)),
  ],
];

/** Byte by byte; of two that begin alike the shorter one is first. */
export function registerOrderOfBytes(environment: Environment): void {
  environment.registerOperator('bytes < bytes', (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) < 0);
  environment.registerOperator('bytes <= bytes', (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) <= 0);
  environment.registerOperator('bytes > bytes', (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) > 0);
  environment.registerOperator('bytes >= bytes', (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) >= 0);
}

/** As JSON text; a bigint with all its digits. Numbers that are none, and bytes, have no JSON. */
export function toJson(value: unknown): string {
  // With a function that looks at each value, JSON.stringify takes several times as long.
  return (isOrdinary(value) ? JSON.stringify(value) : JSON.stringify(value, jsonValue)) ?? fail('this has no JSON');
}

function isOrdinary(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isOrdinary);
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key in value) if (!isOrdinary((value as Record<string, unknown>)[key])) return false;
  return true;
}

function jsonValue(this: Record<string, unknown>, key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return rawJson(String(value));
  if (typeof value === 'number' && !Number.isFinite(value)) fail('a number that is not finite has no JSON');
  if (Buffer.isBuffer(this[key])) fail('bytes have no JSON; use base64.encode(...)');
  return value;
}

const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

/** Bytes as they are, all else as the UTF-8 of its text. */
export function bytesOf(value: unknown): Buffer {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : Buffer.from(textOf(value));
}

/** Node leaves out what it cannot decode; we do not. */
function decode(s: string, encoding: 'base64' | 'hex'): Buffer {
  const wellFormed = encoding === 'hex' ? /^(?:[0-9a-fA-F]{2})*$/ : /^[A-Za-z0-9+/_-]*={0,2}$/;
  if (!wellFormed.test(s) || (encoding === 'base64' && s.replace(/=+$/, '').length % 4 === 1)) fail(`this is not ${encoding}`);
  return Buffer.from(s, encoding);
}

function urlEncode(s: string): string {
  return s.isWellFormed() ? encodeURIComponent(s) : fail('this text is not well-formed Unicode');
}

function urlDecode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return fail('this text is not percent-encoded UTF-8');
  }
}
