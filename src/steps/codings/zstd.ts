/**
 * Zstandard. Node 24.9 takes the first frame and no notice of more, and makes nothing at all, without an error, of a frame that is cut short:
 * so that frames are found here, by their headers (RFC 8878 3.1.1), and given to it one by one.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { broken, type Coding, framesMax, tooLarge } from './coding.ts';

export const zstd: Coding = {
  compress: (body) => zstdCompressSync(body),
  decompress(body, maxBytes) {
    const parts: Buffer[] = [];
    let bytes = 0;
    for (const frame of framesOf(body)) {
      const part = decompressFrame(frame, maxBytes - bytes, maxBytes);
      bytes += part.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      parts.push(part);
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  },
};

function decompressFrame(frame: Buffer, roomBytes: number, maxBytes: number): Buffer {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: Math.max(1, roomBytes) });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : broken('Zstandard');
  }
}

const magic = 0xfd2fb528;
const dictionaryBytes = [0, 1, 2, 4];

/** The frames, without those that are to be skipped. */
function framesOf(body: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  try {
    for (let at = 0; at < body.length; ) {
      const end = endOfFrame(body, at);
      if (end > body.length || frames.length === framesMax) throw broken('Zstandard');
      if (body.readUInt32LE(at) === magic) frames.push(body.subarray(at, end));
      at = end;
    }
  } catch {
    throw broken('Zstandard'); // a header that is cut short
  }
  if (frames.length === 0) throw broken('Zstandard');
  return frames;
}

function endOfFrame(body: Buffer, start: number): number {
  const kind = body.readUInt32LE(start);
  if ((kind & 0xfffffff0) >>> 0 === 0x184d2a50) return start + 8 + body.readUInt32LE(start + 4);
  if (kind !== magic) throw broken('Zstandard');
  const descriptor = body.readUInt8(start + 4);
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  let at = start + 5 + (isSingle ? 0 : 1) + (dictionaryBytes[descriptor & 3] as number) + sizeBytes;
  for (let isLast = false; !isLast; ) {
    const header = body.readUIntLE(at, 3);
    isLast = (header & 1) === 1;
    const isRun = ((header >> 1) & 3) === 1; // one byte, many times over
    at += 3 + (isRun ? 1 : header >> 3);
  }
  return at + ((descriptor & 4) !== 0 ? 4 : 0);
}
