/** Reads single records of a log again, wherever they are. Frames that were read last stay in memory, bounded. */
import { frameHeaderBytes, isWhole, readFrameHeader } from '../frame.ts';
import { type FileSystem, readAll } from '../fs.ts';
import type { FramePlace } from '../reader.ts';
import { damaged } from '../recover.ts';
import { opened } from '../segment.ts';

interface Loaded {
  readonly buffer: Buffer;
  /** Where each record starts, behind its length; and where the last one ends. */
  readonly starts: Uint32Array;
}

export class FrameLoader {
  readonly #files: FileSystem;
  readonly #maxBytes: number;
  /** By base, the one used last at the end. */
  readonly #frames = new Map<number, Loaded>();
  #bytes = 0;

  constructor(files: FileSystem, maxBytes: number) {
    this.#files = files;
    this.#maxBytes = maxBytes;
  }

  /** The bytes of a record: `buffer` from `start` to `end`. Throws BUFFER_FAILED on damage. */
  async record(place: FramePlace, sequence: number): Promise<{ readonly buffer: Buffer; readonly start: number; readonly end: number }> {
    const frame = this.#frames.get(place.base) ?? (await this.#load(place));
    const start = frame.starts[sequence - place.base] as number;
    return { buffer: frame.buffer, start, end: start + frame.buffer.readUInt32LE(start - 4) };
  }

  clear(): void {
    this.#frames.clear();
    this.#bytes = 0;
  }

  async #load(place: FramePlace): Promise<Loaded> {
    const { segment, position, bytes, base, count } = place;
    const buffer = Buffer.allocUnsafeSlow(bytes);
    const file = await this.#files.open(segment.path, 'read');
    try {
      await readAll(file, buffer, position);
    } finally {
      await file.close();
    }
    const header = readFrameHeader(buffer, 0);
    if (!header || header.base !== base || header.count !== count || !isWhole(buffer, header, segment.salt))
      throw damaged(segment.path, `at byte ${position} there is no whole frame with message ${base}`);
    const frame = opened({ header, buffer, start: frameHeaderBytes, end: bytes }, segment, this.#files);
    const starts = new Uint32Array(count);
    for (let i = 0, at = frame.start; i < count; i++) {
      starts[i] = at + 4;
      at += 4 + frame.buffer.readUInt32LE(at);
    }
    return this.#keep(base, { buffer: frame.buffer, starts });
  }

  #keep(base: number, loaded: Loaded): Loaded {
    this.#frames.set(base, loaded);
    this.#bytes += loaded.buffer.length;
    for (const [oldest, { buffer }] of this.#frames) {
      if (this.#bytes <= this.#maxBytes || oldest === base) break;
      this.#frames.delete(oldest);
      this.#bytes -= buffer.length;
    }
    return loaded;
  }
}
