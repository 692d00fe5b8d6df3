/** Hashes, and what is made with them. */
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { spend } from '../budget.ts';
import { fail } from '../failure.ts';
import { bytesOf } from './encoding.ts';
import { murmur2 } from './murmur2.ts';
import type { Entry } from './registry.ts';

export const hashes: readonly Entry[] = [
  [
    'hash.sha256(dyn): string',
    'of bytes, or of text as UTF-8, in hexadecimal',
    'hash.sha256("abc").startsWith("ba7816bf")',
    (_: unknown, x: unknown) => digest('sha256', x),
  ],
  [
    'hash.sha512(dyn): string',
    'the same, SHA-512',
    'hash.sha512("abc").startsWith("ddaf35a1")',
    (_: unknown, x: unknown) => digest('sha512', x),
  ],
  ['hash.sha1(dyn): string', 'the same, SHA-1', 'hash.sha1("abc").startsWith("a9993e36")', (_: unknown, x: unknown) => digest('sha1', x)],
  ['hash.md5(dyn): string', 'the same, MD5', 'hash.md5("abc").startsWith("90015098")', (_: unknown, x: unknown) => digest('md5', x)],
  [
    'hash.hmacSha256(dyn, dyn): string',
    'HMAC with a key: `hash.hmacSha256("${HMAC_KEY}", raw)`; what `${…}` fills in is never shown',
    'hash.hmacSha256("key", "abc").startsWith("9c196e32")',
    hmac,
  ],
  ['hash.crc32(dyn): double', 'the checksum, 0 to 2^32-1', 'hash.crc32("abc") == 891568578', (_: unknown, x: unknown) => crc32(bytesOf(x))],
  [
    'kafka.partition(dyn, double): double',
    "of this key, of so many, by the rule of Java's client",
    'kafka.partition("order-7", 12) == 1',
    partition,
  ],
  [
    'uuid.v5(string, dyn): string',
    'always the same for the same namespace (a UUID) and name: for ids and keys, as copies of a message get the same',
    'uuid.v5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com") == "2ed6657d-e927-568b-95e1-2665a8aea6a2"',
    (_: unknown, space: string, x: unknown) => uuid5(space, x),
  ],
  ['uuid.v4(): string', 'random; a copy of the message gets another', 'uuid.v4().size() == 36', uuid4],
  [
    'uuid.v7(): string',
    'random, in the order of time; a copy of the message gets another',
    'uuid.v7().charAt(14) == "7"',
    (_: unknown) => uuid7(),
  ],
];

function digest(algorithm: string, value: unknown): string {
  const bytes = bytesOf(value);
  spend(10 + (bytes.length >> 7));
  return createHash(algorithm).update(bytes).digest('hex');
}

function hmac(_: unknown, key: unknown, value: unknown): string {
  const bytes = bytesOf(value);
  spend(20 + (bytes.length >> 7));
  return createHmac('sha256', bytesOf(key)).update(bytes).digest('hex');
}

function partition(_: unknown, key: unknown, count: number): number {
  if (!(Number.isInteger(count) && count > 0)) fail('there must be at least one partition');
  const bytes = bytesOf(key);
  spend(bytes.length >> 6);
  return (murmur2(bytes) & 0x7fffffff) % count;
}

function uuid5(space: string, name: unknown): string {
  const hex = space.replaceAll('-', '');
  if (!/^[0-9a-fA-F]{32}$/.test(hex)) fail('the namespace is not a UUID');
  spend(40);
  return uuidOf(createHash('sha1').update(Buffer.from(hex, 'hex')).update(bytesOf(name)).digest().subarray(0, 16), 5);
}

function uuid4(): string {
  spend(4);
  return randomUUID();
}

function uuid7(): string {
  spend(10);
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  return uuidOf(bytes, 7);
}

function uuidOf(bytes: Buffer, version: number): string {
  bytes[6] = ((bytes[6] as number) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
