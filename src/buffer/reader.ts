/** Reads the records of an open log in order, from any sequence on, never beyond what is readable. */
import type { FileSystem } from './fs.ts';
import { damaged } from './recover.ts';
import { type Frame, FrameReader, type Segment } from './segment.ts';

/** What the reader needs to know of the log. */
export interface Readable {
  readonly files: FileSystem;
  readonly segments: readonly Segment[];
  /** The sequence behind the last record that may be read. */
  readonly readable: number;
}

/** A record: its bytes stand in `buffer` between `start` and `end`. */
export interface RecordBytes {
  readonly sequence: number;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

export class LogReader {
  /** The sequence of the next record. */
  sequence: number;
  /** When the record read last was written. */
  timeMs = 0;
  readonly #log: Readable;
  #segment: Segment | undefined;
  #frames: FrameReader | undefined;
  #frame: Frame | undefined;
  #at = 0;

  constructor(log: Readable, sequence: number) {
    this.#log = log;
    this.sequence = sequence;
  }

  /** Whether a record can be had without reading from the disk. */
  get ready(): boolean {
    return this.#frame !== undefined;
  }

  /** Reads the next frame unless one is at hand; false when nothing more is readable. Throws BUFFER_FAILED on damage. */
  async load(): Promise<boolean> {
    while (!this.#frame) {
      if (this.sequence >= this.#log.readable) return false;
      const segment = await this.#enter();
      const frames = this.#frames as FrameReader;
      const frame = await frames.next(segment.end);
      if (!frame) throw damaged(segment.path, `at byte ${frames.position} there is no whole frame with message ${frames.sequence}`);
      const { base, count, timeMs } = frame.header;
      if (base + count <= this.sequence) continue;
      this.#frame = frame;
      this.#at = frame.start;
      this.timeMs = timeMs;
      this.#skip(this.sequence - base);
    }
    return true;
  }

  /** The next record of the frame at hand. */
  take(): RecordBytes {
    const frame = this.#frame as Frame;
    const start = this.#at + 4;
    const end = start + frame.buffer.readUInt32LE(this.#at);
    const record = { sequence: this.sequence, buffer: frame.buffer, start, end };
    this.#at = end;
    this.sequence++;
    if (this.#at >= frame.end) this.#frame = undefined;
    return record;
  }

  async close(): Promise<void> {
    this.#frame = undefined;
    const frames = this.#frames;
    this.#frames = undefined;
    await frames?.close();
  }

  #skip(count: number): void {
    const { buffer } = this.#frame as Frame;
    for (let i = 0; i < count; i++) this.#at += 4 + buffer.readUInt32LE(this.#at);
  }

  /** The segment that holds the next record, opened. */
  async #enter(): Promise<Segment> {
    const wanted = Math.max(this.sequence, this.#frames?.sequence ?? 0);
    if (this.#segment && this.#frames && wanted < this.#segment.next) return this.#segment;
    const segment = this.#log.segments.find(({ base, next }) => base <= wanted && wanted < next);
    if (!segment) throw damaged('a segment', `message ${wanted} is in none`);
    await this.#frames?.close();
    this.#frames = undefined;
    this.#segment = segment;
    this.#frames = new FrameReader(await this.#log.files.open(segment.path, 'read'), segment);
    return segment;
  }
}
