/** Reads the items of an open log in order, from any sequence on, never beyond what is readable. */
import type { FileSystem } from './fs.ts';
import { RecentFrames, type StoredFrame } from './recent.ts';
import { damaged } from './recover.ts';
import { type Frame, FrameReader, opened, type Segment } from './segment.ts';

/** What the reader needs to know of the log. */
export interface Readable {
  readonly files: FileSystem;
  readonly segments: readonly Segment[];
  /** The sequence behind the last record that may be read. */
  readonly readable: number;
}

export interface Decoder<T> {
  /** The item of the record that stands in `buffer` between `start` and `end`. May keep slices of it. */
  decode(buffer: Buffer, start: number, end: number, sequence: number): T;
  /** What `decode` would return for the record of this item. */
  adopt(item: T, sequence: number): T;
}

/** Where a frame starts in its segment. */
interface Place {
  readonly segment: Segment;
  readonly position: number;
  readonly sequence: number;
}

/** A frame on disk: enough to read it again by itself. */
export interface FramePlace {
  readonly segment: Segment;
  /** Where it starts in the file. */
  readonly position: number;
  readonly bytes: number;
  readonly base: number;
  readonly count: number;
  /** When it was written. */
  readonly timeMs: number;
}

export class LogReader<T> {
  /** The sequence of the next record. */
  sequence: number;
  /** When the record read last was written. */
  timeMs = 0;
  /** The frame that was read from the disk last. */
  place: FramePlace | undefined;
  readonly #log: Readable;
  readonly #decoder: Decoder<T>;
  readonly #recent: RecentFrames<T>;
  #isClosed = false;
  #segment: Segment | undefined;
  #frames: FrameReader | undefined;
  /** Behind the last frame that came from memory: from there the files are read. */
  #behind: Place | undefined;
  // At most one of the two is at hand, and has something left.
  #stored: StoredFrame<T> | undefined;
  #frame: Frame | undefined;
  #at = 0;

  /** `recentBytes`: of the frames stored last that may stay in memory. */
  constructor(log: Readable, sequence: number, decoder: Decoder<T>, recentBytes: number) {
    this.#log = log;
    this.sequence = sequence;
    this.#decoder = decoder;
    this.#recent = new RecentFrames(recentBytes);
  }

  /** Whether a record can be had without reading from the disk. */
  get ready(): boolean {
    return this.#frame !== undefined || this.#stored !== undefined;
  }

  /** A frame is readable now. */
  stored(frame: StoredFrame<T>): void {
    if (!this.#isClosed) this.#recent.add(frame);
  }

  /** Gets hold of the next frame unless one is at hand; false when nothing more is readable. Throws BUFFER_FAILED on damage. */
  async load(): Promise<boolean> {
    while (!this.ready) {
      if (this.sequence >= this.#log.readable) return false;
      const stored = this.#recent.take(this.sequence);
      if (stored) this.#enterStored(stored);
      else await this.#readFrame();
    }
    return true;
  }

  /** The next item of the frame at hand. */
  take(): T {
    const sequence = this.sequence++;
    const stored = this.#stored;
    if (stored) {
      if (this.sequence === stored.base + stored.items.length) this.#stored = undefined;
      return this.#decoder.adopt(stored.items[sequence - stored.base] as T, sequence);
    }
    const frame = this.#frame as Frame;
    const start = this.#at + 4;
    const end = start + frame.buffer.readUInt32LE(this.#at);
    this.#at = end;
    if (end >= frame.end) this.#frame = undefined;
    return this.#decoder.decode(frame.buffer, start, end, sequence);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#recent.clear();
    this.#stored = undefined;
    this.#frame = undefined;
    await this.#leaveSegment();
  }

  #enterStored(stored: StoredFrame<T>): void {
    this.#stored = stored;
    this.timeMs = stored.timeMs;
    this.#behind = { segment: stored.segment, position: stored.end, sequence: stored.base + stored.items.length };
  }

  async #readFrame(): Promise<void> {
    const segment = await this.#enterSegment();
    const frames = this.#frames as FrameReader;
    const frame = await frames.next(segment.end);
    if (!frame) throw damaged(segment.path, `at byte ${frames.position} there is no whole frame with message ${frames.sequence}`);
    const { base, count, timeMs, bytes } = frame.header;
    this.place = { segment, position: frames.position - bytes, bytes, base, count, timeMs };
    if (base + count <= this.sequence) return;
    const { buffer, start, end } = opened(frame, segment, this.#log.files);
    this.#frame = { header: frame.header, buffer, start, end };
    this.#at = start;
    this.timeMs = timeMs;
    for (let skipped = base; skipped < this.sequence; skipped++) this.#at += 4 + buffer.readUInt32LE(this.#at);
  }

  /** The segment that holds the next record, opened, and at the next frame or before it. */
  async #enterSegment(): Promise<Segment> {
    const wanted = Math.max(this.sequence, this.#frames?.sequence ?? 0);
    if (!this.#segment || !this.#frames || wanted >= this.#segment.next) {
      const segment = this.#log.segments.find(({ base, next }) => base <= wanted && wanted < next);
      if (!segment) throw damaged('a segment', `message ${wanted} is in none`);
      await this.#leaveSegment();
      this.#segment = segment;
      this.#frames = new FrameReader(await this.#log.files.open(segment.path, 'read'), segment);
    }
    if (this.#behind?.segment === this.#segment) this.#frames.leap(this.#behind);
    this.#behind = undefined;
    return this.#segment;
  }

  async #leaveSegment(): Promise<void> {
    const frames = this.#frames;
    this.#frames = undefined;
    this.#segment = undefined;
    await frames?.close();
  }
}
