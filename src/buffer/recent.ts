/** What was stored last, still in memory: a reader that keeps up with the writers takes it from here instead of from the disk. */
import type { Segment } from './segment.ts';

/** A frame that is on disk, and the items it was made of. */
export interface StoredFrame<T> {
  readonly items: readonly T[];
  /** Sequence of its first item. */
  readonly base: number;
  readonly timeMs: number;
  readonly segment: Segment;
  /** Where it ends in the file of the segment. */
  readonly end: number;
  readonly bytes: number;
}

/** The last frames that the reader has not come to. Bounded: the oldest are let go, they can be read from the disk. */
export class RecentFrames<T> {
  readonly #frames: StoredFrame<T>[] = [];
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(frame: StoredFrame<T>): void {
    this.#frames.push(frame);
    this.#bytes += frame.bytes;
    while (this.#bytes > this.#maxBytes) this.#shift();
  }

  /** The frame that starts at this sequence, if it is still held. Those before it are let go, as is the frame. */
  take(sequence: number): StoredFrame<T> | undefined {
    while (this.#frames[0] && this.#frames[0].base < sequence) this.#shift();
    return this.#frames[0]?.base === sequence ? this.#shift() : undefined;
  }

  clear(): void {
    this.#frames.length = 0;
    this.#bytes = 0;
  }

  #shift(): StoredFrame<T> {
    const frame = this.#frames.shift() as StoredFrame<T>;
    this.#bytes -= frame.bytes;
    return frame;
  }
}
