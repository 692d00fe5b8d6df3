/** LZ4 (frames) and Snappy (raw blocks), by the WebAssembly of @platformatic/wasm-utils. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from '../lazily.ts';
import { broken, type Coding, tooLarge } from './coding.ts';
import { lz4Frames } from './lz4-frames.ts';

export const lz4: Coding = {
  compress: (body) => run('lz4_compress', body, 'LZ4'),
  decompress(body, maxBytes) {
    const parts = lz4Frames(body, maxBytes).map((frame) => run('lz4_decompress', frame, 'LZ4'));
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  },
};

export const snappy: Coding = {
  compress: (body) => run('snappy_compress', body, 'Snappy'),
  decompress(body, maxBytes) {
    if (snappyBytes(body) > maxBytes) throw tooLarge(maxBytes);
    return run('snappy_decompress', body, 'Snappy');
  },
};

/** The length that stands at the start; the decoder makes exactly so much, or fails. */
function snappyBytes(body: Buffer): number {
  let bytes = 0;
  for (let i = 0; i < 5; i++) {
    const byte = body[i];
    if (byte === undefined) break;
    bytes += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return bytes;
  }
  throw broken('Snappy');
}

type Name = 'lz4_compress' | 'lz4_decompress' | 'snappy_compress' | 'snappy_decompress';

/** As far as it is used here; Node's types leave it to those of browsers. */
declare const WebAssembly: {
  readonly Module: new (code: Buffer) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

type Exports = {
  readonly memory: { readonly buffer: ArrayBuffer };
  alloc(bytes: number): number;
  dealloc(at: number, bytes: number): void;
} & Readonly<Record<Name, (at: number, bytes: number) => bigint>>;

let code: object | undefined;
let instance: Exports | undefined;
const memoryMax = 64 * 2 ** 20;

/**
 * In an instance of our own, not the package's: it traps on a broken body and leaves its output behind in a memory that never shrinks. So an
 * instance that has trapped, or grown, is let go; the Kafka connector's is never touched.
 */
function run(name: Name, body: Buffer, shown: string): Buffer {
  const wasm = (instance ??= instantiate());
  try {
    const input = wasm.alloc(body.length + 1);
    new Uint8Array(wasm.memory.buffer, input, body.length).set(body);
    const result = BigInt.asUintN(64, wasm[name](input, body.length));
    const [at, bytes] = [Number(result >> 32n), Number(result & 0xffffffffn)];
    const output = Buffer.from(new Uint8Array(wasm.memory.buffer, at, bytes)); // a copy
    wasm.dealloc(at, bytes);
    wasm.dealloc(input, body.length + 1);
    if (wasm.memory.buffer.byteLength > memoryMax) instance = undefined;
    return output;
  } catch {
    instance = undefined;
    throw broken(shown);
  }
}

function instantiate(): Exports {
  code ??= new WebAssembly.Module(readFileSync(join(dirname(load.resolve('@platformatic/wasm-utils')), 'native.wasm')));
  return new WebAssembly.Instance(code).exports as Exports;
}
