/** The codings of bodies, by the names that `contentEncoding` has for them. */
import type { Coding } from './coding.ts';
import { lz4, snappy } from './wasm.ts';
import { br, deflate, gzip } from './zlib.ts';
import { zstd } from './zstd.ts';

export const codings = new Map<string, Coding>(Object.entries({ gzip, deflate, br, zstd, lz4, snappy }));

export const codingNames = ['gzip', 'deflate', 'br', 'zstd', 'lz4', 'snappy'] as const;
