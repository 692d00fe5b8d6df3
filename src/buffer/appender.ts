/** The appending half of a log: one frame after another, each on disk before those who wait are told. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type MqferryError, notConnected } from '../errors.ts';
import { Appends, type PackOptions, type Refused } from './appends.ts';
import { cursorBytes } from './cursor.ts';
import { segmentHeaderBytes } from './frame.ts';
import { isDiskFull } from './fs.ts';
import type { StoredFrame } from './recent.ts';
import type { Segments } from './segments.ts';

export interface AppenderOptions<T> extends PackOptions<T> {
  /** All files of the log together. A frame that would exceed it waits. */
  readonly maxBytes: number;
  /** `interval`: an append resolves before the sync, which follows within `everyMs`. */
  readonly sync: 'always' | 'interval';
  readonly everyMs: number;
  readonly diskRetryMs: number;
  /** A frame begins to wait because the log holds as much as it may. */
  readonly onFull?: (() => void) | undefined;
}

/** What it asks of the log, and tells it. */
interface Owner<T> {
  readonly messages: number;
  readonly failed: MqferryError | undefined;
  stored(frame: StoredFrame<T>): void;
  makeRoom(): void;
  diskFull(error: unknown): void;
  fail(error: unknown): MqferryError;
}

/** What is kept free of `maxBytes`: the cursor, and the headers of a new segment and of one that never got a frame. */
export const reserveBytes = cursorBytes + 2 * segmentHeaderBytes;

type Lack = 'bytes' | 'messages' | 'disk';

/**
 * States: *idle* (nothing to append) → *running* (frame after frame) → *parked* (no room; left by room, cancel, failure) → *running* → *idle*.
 */
export class Appender<T> {
  /** The sequence of the next record: all below are in the log. */
  next: number;
  /** Everything below is on disk for sure. */
  synced: number;
  readonly #segments: Segments;
  readonly #options: AppenderOptions<T>;
  readonly #owner: Owner<T>;
  readonly #appends: Appends<T>;
  #running: Promise<void> | undefined;
  #parked: { readonly lack: Lack; readonly wake: () => void } | undefined;
  #cancelled = false;
  #syncTimer: NodeJS.Timeout | undefined;
  #syncDue = false;

  constructor(segments: Segments, options: AppenderOptions<T>, owner: Owner<T>, next: number) {
    this.#segments = segments;
    this.#options = options;
    this.#owner = owner;
    this.#appends = new Appends(options);
    this.next = next;
    this.synced = next;
  }

  /** Whether it waits for room. */
  get parked(): boolean {
    return this.#parked !== undefined;
  }

  append(items: readonly T[], writer: object): Promise<readonly Refused<T>[]> {
    const stored = this.#appends.add(items, writer);
    this.#start();
    return stored;
  }

  /** Files were removed. */
  room(): void {
    this.#parked?.wake();
  }

  /** Records were consumed. */
  fewer(): void {
    if (this.#parked?.lack === 'messages') this.#parked.wake();
  }

  /**
   * Waits for the frame that is being written, as long as `patience` lets it; rejects what is in none: of one writer, or of all. The others
   * go on as if nothing had been.
   */
  async cancel(patience: (work: Promise<void>) => Promise<void>, writer?: object): Promise<void> {
    this.#cancelled = this.#running !== undefined;
    this.#parked?.wake();
    await patience(this.#running ?? Promise.resolve());
    this.#cancelled = false;
    this.#appends.reject(notConnected('the buffer was closed before it had taken the message'), writer);
    if (writer !== undefined) this.#goOn();
  }

  /** Everything is rejected. */
  fail(error: MqferryError): void {
    clearTimeout(this.#syncTimer);
    this.#appends.reject(error);
    this.#parked?.wake();
  }

  /** The last sync, when nothing is appended any more. */
  async finish(): Promise<void> {
    clearTimeout(this.#syncTimer);
    if (this.synced < this.next) await this.#sync();
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#goOn();
    });
  }

  #goOn(): void {
    if (!this.#cancelled && !this.#owner.failed && (this.#appends.waiting || this.#syncDue)) this.#start();
  }

  async #run(): Promise<void> {
    try {
      await nextTurn(); // appends of this turn go together
      while ((this.#appends.waiting || this.#syncDue) && !this.#owner.failed && !this.#cancelled) {
        const { frame, items } = this.#appends.pack();
        if (items.length > 0 && !(await this.#put(frame, items))) return this.#appends.unpack();
        if (this.#syncDue) await this.#sync();
        this.#appends.settle();
        if (!this.#appends.waiting) await nextTurn(); // so do those of the producers just woken
      }
    } catch (error) {
      this.#owner.fail(error);
    }
  }

  /** Stores the frame as soon as there is room; false when that was cancelled. */
  async #put(frame: Buffer, items: readonly T[]): Promise<boolean> {
    while (!this.#cancelled && !this.#owner.failed) {
      if (this.#syncDue) await this.#sync();
      const lack = this.#lack(this.#segments.sizeOf(frame.length), items.length);
      if (lack) {
        await this.#park(lack);
        continue;
      }
      try {
        await this.#store(frame, items);
        return true;
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        this.#owner.diskFull(error);
        await this.#park('disk');
      }
    }
    return false;
  }

  #lack(bytes: number, count: number): Lack | undefined {
    const { maxBytes, maxMessages } = this.#options;
    if (this.#segments.bytes + bytes + reserveBytes > maxBytes) return 'bytes';
    return this.#owner.messages + count > maxMessages ? 'messages' : undefined;
  }

  async #store(frame: Buffer, items: readonly T[]): Promise<void> {
    const base = this.next;
    const count = items.length;
    const timeMs = Date.now();
    const bytes = this.#segments.sizeOf(frame.length);
    const segment = await this.#segments.forFrame(bytes, base);
    await this.#segments.write(frame, { base, count, timeMs, synced: this.synced });
    if (this.#options.sync === 'always') await this.#segments.sync();
    if (this.#owner.failed) throw this.#owner.failed; // by the cursor's file, meanwhile
    this.#segments.grow(bytes, count);
    this.next = base + count;
    if (this.#options.sync === 'always') this.synced = this.next;
    else this.#syncTimer ??= setTimeout(() => this.#syncSoon(), this.#options.everyMs);
    this.#owner.stored({ items, base, timeMs, segment, end: segment.end, bytes });
  }

  // In the loop of the appends, so that it never meets a roll.
  #syncSoon(): void {
    this.#syncDue = true;
    this.#parked?.wake();
    this.#start();
  }

  async #sync(): Promise<void> {
    this.#syncTimer = undefined;
    this.#syncDue = false;
    await this.#segments.sync();
    this.synced = this.next;
  }

  /** Waits for room: what is consumed is removed at once; a full disk is tried again by itself. */
  async #park(lack: Lack): Promise<void> {
    if (this.#cancelled || this.#owner.failed) return;
    const woken = new Promise<void>((wake) => {
      this.#parked = { lack, wake };
    });
    const timer = lack === 'disk' ? setTimeout(() => this.#parked?.wake(), this.#options.diskRetryMs) : undefined;
    if (lack !== 'messages') this.#owner.makeRoom();
    if (lack !== 'disk') this.#options.onFull?.();
    await woken;
    clearTimeout(timer);
    this.#parked = undefined;
  }
}
