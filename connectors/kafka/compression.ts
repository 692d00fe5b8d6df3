/** What Kafka compresses batches with. Snappy also as Java frames it. */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { lz4Compress, lz4Decompress, snappyCompress, snappyDecompress } from '@platformatic/wasm-utils';

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** As a batch's attributes say it. */
export const compressionCode: Readonly<Record<Compression, number>> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 };

interface Codec {
  compress(data: Buffer): Uint8Array;
  decompress(data: Buffer): Uint8Array;
}

/** A batch is at most as large as one message may be; what grows beyond this is a bomb. */
const decompressedMax = 256 * 1024 * 1024;

export const codecs: Readonly<Record<Exclude<Compression, 'none'>, Codec>> = {
  gzip: { compress: (data) => gzipSync(data), decompress: (data) => gunzipSync(data, { maxOutputLength: decompressedMax }) },
  snappy: { compress: snappyCompress, decompress: unframed },
  lz4: { compress: lz4Compress, decompress: lz4Decompress },
  zstd: {
    compress: (data) => zstdCompressSync(data),
    decompress: (data) => zstdDecompressSync(data, { maxOutputLength: decompressedMax }),
  },
};

const names = Object.keys(compressionCode) as Compression[];

export function compress(compression: Exclude<Compression, 'none'>, data: Buffer): Buffer {
  return asBuffer(codecs[compression].compress(data));
}

/** `code` as in a batch's attributes. Throws on an unknown one. */
export function decompress(code: number, data: Buffer): Buffer {
  const name = names.find((each) => compressionCode[each] === code);
  if (name === undefined) throw new Error(`a record batch is compressed in a way that is not known (${code})`);
  return name === 'none' ? data : asBuffer(codecs[name].decompress(data));
}

const xerial = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeader = 16;

/** Java writes blocks of its own framing: a header of 16 bytes, then length and data of each block. */
function unframed(data: Buffer): Uint8Array {
  if (!data.subarray(0, xerial.length).equals(xerial)) return unsnappy(data);
  const blocks: Uint8Array[] = [];
  for (let at = xerialHeader; at < data.length; ) {
    const length = data.readInt32BE(at);
    blocks.push(unsnappy(data.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

/** A block begins with its length, unpacked: the memory for it is taken before anything else is looked at. */
function unsnappy(block: Buffer): Uint8Array {
  let length = 0;
  for (let i = 0, scale = 1; i < 5; i++, scale *= 128) {
    const byte = block[i] ?? 0;
    length += (byte & 127) * scale;
    if (byte < 128) break;
  }
  if (length > decompressedMax) throw new Error(`a snappy block of ${length} bytes is more than the ${decompressedMax} that are allowed`);
  return snappyDecompress(block);
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
