/** Gives kafkajs the codecs that it lacks: snappy (also as Java frames it), lz4 and zstd. */
import kafkajs from 'kafkajs';
import { asBuffer, type Compression, codecs } from '../compression.ts';

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
  for (const name of ['snappy', 'lz4', 'zstd'] as const) {
    const { compress, decompress } = codecs[name];
    (CompressionCodecs as Record<number, unknown>)[compressionTypes[name]] = () => ({
      compress: async (encoder: Encoder) => asBuffer(compress(encoder.buffer)),
      decompress: async (data: Buffer) => asBuffer(decompress(data)),
    });
  }
}
