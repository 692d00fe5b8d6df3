/** What Node can do by itself: gzip, deflate, Brotli. */
import zlib, { type BrotliOptions, type ZlibOptions } from 'node:zlib';
import { broken, type Coding, tooLarge } from './coding.ts';

export const gzip: Coding = { compress: (body) => zlib.gzipSync(body), decompress: whole('gzip', zlib.gunzipSync) };

/** The zlib format, which HTTP calls deflate. */
export const deflate: Coding = { compress: (body) => zlib.deflateSync(body), decompress: whole('deflate (zlib)', zlib.inflateSync) };

/** 11, the library's own choice, takes a second a megabyte. */
const quality = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } };

export const br: Coding = {
  compress: (body) => zlib.brotliCompressSync(body, quality),
  decompress: whole('Brotli', zlib.brotliDecompressSync),
};

/** Node stops when the output is larger, but takes no notice of what stands behind the end. */
function whole(name: string, run: (body: Buffer, options: ZlibOptions & BrotliOptions) => Buffer): Coding['decompress'] {
  return (body, maxBytes) => {
    let done: Info;
    try {
      done = run(body, { info: true, maxOutputLength: Math.max(1, maxBytes) }) as unknown as Info;
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : broken(name);
    }
    if (done.engine.bytesWritten !== body.length) throw broken(name);
    if (done.buffer.length > maxBytes) throw tooLarge(maxBytes);
    return done.buffer;
  };
}

interface Info {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}
