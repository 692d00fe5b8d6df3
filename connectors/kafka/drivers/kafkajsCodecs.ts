/** The codecs that kafkajs lacks: snappy (also as Java frames it), lz4 and zstd. */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { lz4Compress, lz4Decompress, snappyCompress, snappyDecompress } from '@platformatic/wasm-utils';
import kafkajs from 'kafkajs';
import type { Compression } from '../port.ts';

const { CompressionCodecs, CompressionTypes } = kafkajs;

export const compressionTypes: Readonly<Record<Compression, number>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

interface Encoder {
  readonly buffer: Buffer;
}

let registered = false;

/** kafkajs keeps codecs for the whole process; done once. */
export function registerCodecs(): void {
  if (registered) return;
  registered = true;
  const codec = (compress: (data: Buffer) => Uint8Array, decompress: (data: Buffer) => Uint8Array) => () => ({
    compress: async (encoder: Encoder) => asBuffer(compress(encoder.buffer)),
    decompress: async (data: Buffer) => asBuffer(decompress(data)),
  });
  CompressionCodecs[CompressionTypes.Snappy] = codec(snappyCompress, unsnappy);
  CompressionCodecs[CompressionTypes.LZ4] = codec(lz4Compress, lz4Decompress);
  CompressionCodecs[CompressionTypes.ZSTD] = codec(zstdCompressSync, zstdDecompressSync);
}

const xerial = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeader = 16;

/** Java writes blocks of its own framing: a header of 16 bytes, then length and data of each block. */
function unsnappy(data: Buffer): Uint8Array {
  if (!data.subarray(0, xerial.length).equals(xerial)) return snappyDecompress(data);
  const blocks: Uint8Array[] = [];
  for (let at = xerialHeader; at < data.length; ) {
    const length = data.readInt32BE(at);
    blocks.push(snappyDecompress(data.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
