/** Encodings, JSON and hashes. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { readJson } from '../body.ts';
import { spend } from '../budget.ts';
import { fail } from '../failure.ts';
import { plain, textOf } from '../result.ts';
import type { Entry } from './registry.ts';

export const encoding: readonly Entry[] = [
  ['base64.encode(dyn): string', 'bytes, or text as UTF-8, in base64', (_: unknown, x: unknown) => bytesOf(x).toString('base64')],
  ['base64.decode(string): bytes', 'the bytes; also of base64url', (_: unknown, s: string) => decode(s, 'base64')],
  ['hex.encode(dyn): string', 'bytes, or text as UTF-8, in hexadecimal', (_: unknown, x: unknown) => bytesOf(x).toString('hex')],
  ['hex.decode(string): bytes', 'the bytes', (_: unknown, s: string) => decode(s, 'hex')],
  ['url.encode(string): string', 'percent-encoded', (_: unknown, s: string) => urlEncode(s)],
  ['json.parse(dyn): dyn', 'text or bytes as JSON', (_: unknown, x: unknown) => readJson(textOf(x))],
  ['json.stringify(dyn): string', 'as JSON', (_: unknown, x: unknown) => toJson(plain(x))],
  ['hash.sha256(dyn): string', 'of bytes, or of text as UTF-8, in hexadecimal', (_: unknown, x: unknown) => digest('sha256', x)],
  ['hash.sha1(dyn): string', 'the same, SHA-1', (_: unknown, x: unknown) => digest('sha1', x)],
  ['hash.md5(dyn): string', 'the same, MD5', (_: unknown, x: unknown) => digest('md5', x)],
  ['hash.crc32(dyn): double', 'the checksum, 0 to 2^32-1', (_: unknown, x: unknown) => crc32(bytesOf(x))],
  [
    'uuid.v5(string, dyn): string',
    'always the same for the same namespace (a UUID) and name',
    (_: unknown, space: string, x: unknown) => uuid5(space, x),
  ],
];

/** As JSON text; a bigint with all its digits. Numbers that are none, and bytes, have no JSON. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, jsonValue) ?? fail('this has no JSON');
}

function jsonValue(this: Record<string, unknown>, key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return rawJson(String(value));
  if (typeof value === 'number' && !Number.isFinite(value)) fail('a number that is not finite has no JSON');
  if (Buffer.isBuffer(this[key])) fail('bytes have no JSON; use base64.encode(...)');
  return value;
}

const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

function bytesOf(value: unknown): Buffer {
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

function digest(algorithm: string, value: unknown): string {
  spend(10);
  return createHash(algorithm).update(bytesOf(value)).digest('hex');
}

function uuid5(space: string, name: unknown): string {
  const hex = space.replaceAll('-', '');
  if (!/^[0-9a-fA-F]{32}$/.test(hex)) fail('the namespace is not a UUID');
  const bytes = createHash('sha1').update(Buffer.from(hex, 'hex')).update(bytesOf(name)).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
