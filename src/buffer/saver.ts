/** The consuming half of a log: how far it is consumed, and bringing that to the disk in good time. */
import type { Cursor } from './cursor.ts';
import { isDiskFull } from './fs.ts';
import type { Segments } from './segments.ts';

export interface SaverOptions {
  /** Consumed positions that may be missing on disk; what a crash repeats. */
  readonly unsavedMax: number;
  readonly cursorDelayMs: number;
}

/** What it asks of the log, and tells it. */
interface Owner {
  /** Everything below is on disk for sure. */
  readonly synced: number;
  /** Somebody waits for room. */
  readonly full: boolean;
  readonly failed: unknown;
  saved(freed: boolean): void;
  diskFull(error: unknown): void;
  fail(error: unknown): void;
}

export class Saver {
  /** Everything below is done with. */
  consumed: number;
  readonly #cursor: Cursor;
  readonly #segments: Segments;
  readonly #options: SaverOptions;
  readonly #owner: Owner;
  #saving: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** The disk was full: again after a while, not at once. */
  #isLate = false;

  constructor(cursor: Cursor, segments: Segments, options: SaverOptions, owner: Owner) {
    this.#cursor = cursor;
    this.#segments = segments;
    this.#options = options;
    this.#owner = owner;
    this.consumed = cursor.saved.consumed;
  }

  /** Positions that a crash now would repeat. */
  get unsaved(): number {
    return this.consumed - this.#cursor.saved.consumed;
  }

  consume(sequence: number): void {
    this.consumed = sequence;
    this.#schedule();
  }

  /** Resolves once the disk says what is consumed now and the files below are gone, or the log has failed. */
  async save(): Promise<void> {
    await this.#save(); // may be one that had begun before
    await this.#save();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.save();
    this.stop();
    await this.#cursor.close();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A closed log knows its end: a shorter one at the next start is damage and no torn write. */
  get #lastWord(): boolean {
    return this.#closed && this.#cursor.saved.synced < this.#owner.synced;
  }

  #schedule(): void {
    if (this.unsaved === 0 || this.#saving || this.#closed || this.#owner.failed) return;
    if (this.unsaved * 2 >= this.#options.unsavedMax && !this.#isLate) void this.#save();
    else this.#timer ??= setTimeout(() => void this.#save(), this.#options.cursorDelayMs);
  }

  #save(): Promise<void> {
    this.#saving ??= this.#saveNow();
    return this.#saving;
  }

  async #saveNow(): Promise<void> {
    this.stop();
    try {
      await this.#write();
      this.#isLate = false;
    } catch (error) {
      this.#isLate = true;
      if (isDiskFull(error)) this.#owner.diskFull(error);
      else this.#owner.fail(error);
    }
    // In this order and without a pause: an ack that comes in between would wait for ever.
    this.#saving = undefined;
    this.#schedule();
  }

  async #write(): Promise<void> {
    if (this.#owner.failed) return;
    if (this.unsaved > 0 || this.#lastWord) await this.#cursor.save(this.consumed, this.#owner.synced);
    this.#owner.saved(await this.#segments.removeBelow(this.#cursor.saved.consumed, this.#owner.full));
  }
}
