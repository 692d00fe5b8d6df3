/** Which records of a log are still needed, frame by frame: a set, not a prefix, in a bit a record. */
import type { FramePlace } from '../reader.ts';

interface Frame {
  readonly place: FramePlace;
  /** A bit for each record. */
  readonly needed: Uint8Array;
  live: number;
  /** Of `needed`, no byte before it has a bit. */
  from: number;
}

export class Ledger {
  /** In order; those at the front that hold nothing needed are gone. */
  #frames: Frame[] = [];
  /** The one that was asked for last. */
  #last: Frame | undefined;
  #live = 0;
  /** Bytes of the frames, each by the share of its records that is needed. */
  #liveBytes = 0;

  /** Records that are needed. */
  get live(): number {
    return this.#live;
  }

  /** About how many bytes they take. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** A frame that is on disk; in order. */
  add(place: FramePlace): void {
    this.#frames.push({ place, needed: new Uint8Array((place.count + 7) >> 3), live: 0, from: 0 });
  }

  need(sequence: number): void {
    const frame = this.#frameOf(sequence);
    if (!frame) return;
    const at = sequence - frame.place.base;
    frame.needed[at >> 3] = (frame.needed[at >> 3] as number) | (1 << (at & 7));
    this.#count(frame, 1);
  }

  /** No effect on a record that is not needed. */
  free(sequence: number): void {
    const frame = this.#frameOf(sequence);
    if (!frame || !this.#isNeeded(frame, sequence)) return;
    const at = sequence - frame.place.base;
    frame.needed[at >> 3] = (frame.needed[at >> 3] as number) & ~(1 << (at & 7));
    this.#count(frame, -1);
  }

  isNeeded(sequence: number): boolean {
    const frame = this.#frameOf(sequence);
    return frame !== undefined && this.#isNeeded(frame, sequence);
  }

  /** The first record that is needed; undefined when none is. Forgets the frames before it. */
  first(): number | undefined {
    let gone = 0;
    while (this.#frames[gone]?.live === 0) gone++;
    if (gone > 0) this.#frames = this.#frames.slice(gone);
    const [frame] = this.#frames;
    return frame && this.#firstIn(frame);
  }

  /** When the frame with the first of them was written. */
  get firstTimeMs(): number | undefined {
    return this.#frames.find(({ live }) => live > 0)?.place.timeMs;
  }

  /** Where the frame of a record is. */
  placeOf(sequence: number): FramePlace | undefined {
    return this.#frameOf(sequence)?.place;
  }

  /** The records that are needed in the file that holds the first of them. */
  inFirstSegment(): number[] {
    const first = this.#frames.find(({ live }) => live > 0)?.place.segment;
    return this.#frames.filter(({ place }) => place.segment === first).flatMap((frame) => this.#neededIn(frame));
  }

  #count(frame: Frame, change: 1 | -1): void {
    frame.live += change;
    this.#live += change;
    this.#liveBytes += (change * frame.place.bytes) / frame.place.count;
  }

  #isNeeded({ place, needed }: Frame, sequence: number): boolean {
    const at = sequence - place.base;
    return ((needed[at >> 3] as number) & (1 << (at & 7))) !== 0;
  }

  /** Asked after each message that is done with: it does not look twice at what is gone. Of a frame that holds something. */
  #firstIn(frame: Frame): number {
    const { place, needed } = frame;
    while (needed[frame.from] === 0) frame.from++;
    const bits = needed[frame.from] as number;
    return place.base + frame.from * 8 + (31 - Math.clz32(bits & -bits));
  }

  #neededIn(frame: Frame): number[] {
    const { base, count } = frame.place;
    const all: number[] = [];
    for (let sequence = base; sequence < base + count; sequence++) if (this.#isNeeded(frame, sequence)) all.push(sequence);
    return all;
  }

  #frameOf(sequence: number): Frame | undefined {
    const last = this.#last;
    if (last && sequence >= last.place.base && sequence < last.place.base + last.place.count) return last;
    this.#last = this.#search(sequence);
    return this.#last;
  }

  #search(sequence: number): Frame | undefined {
    let low = 0;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { base, count } = (this.#frames[middle] as Frame).place;
      if (sequence < base) high = middle;
      else if (sequence >= base + count) low = middle + 1;
      else return this.#frames[middle];
    }
    return undefined;
  }
}
