/**
 * The memory of a stage: what has come, what was decided, and what is done with, in one log (entry.ts). A buffer forgets from the front;
 * a stage forgets what is done wherever it stands, and what stays behind for long is written again further on, so that it pins no file.
 *
 * Invariants, beside those of the log:
 *  18  A straggler is copied and the copy synced before its first place is given up; it keeps its id and its time. No copy stands behind an
 *      entry that says its id is done.
 *  20  After a start exactly what is not done is there: from the cursor on, without the ids in `done`.
 *  24  A decision is on disk before what it decides leaves. After a start it stands, with the same members.
 *  25  At most `unsavedMax` ids are done and not so on disk, and those of what leaves at once: a crash repeats no more.
 *  26  What left together is done together: nothing of it is given up before an entry on disk says so of all.
 *  27  Writing down what is done, and copying, never waits for room that only they can make: arrivals leave some of it free.
 */
import type { Log as Logger } from '../../connector.ts';
import type { MqferryError } from '../../errors.ts';
import type { Message } from '../../message.ts';
import type { Refused } from '../appends.ts';
import type { FileSystem } from '../fs.ts';
import { Log, type LogOptions } from '../log.ts';
import type { StoredFrame } from '../recent.ts';
import { MessageDecoder } from '../record.ts';
import { inTime } from '../waiting.ts';
import { DoneSaver, type DoneSaverOptions } from './done-saver.ts';
import { type Arrival, type Decision, type Entry, EntryDecoder, encodeEntry } from './entry.ts';
import type { Kept, Release } from './keeper.ts';
import { FrameLoader } from './loader.ts';
import type { Places } from './places.ts';
import { RecentMessages } from './recent-messages.ts';
import { type Found, recoverFrom } from './recovery.ts';
import type { Arriving, StageStore } from './store.ts';

export interface StageLogOptions extends DoneSaverOptions {
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly maxBytes: number;
  readonly segmentBytes: number;
  readonly frameBytes: number;
  readonly recordBytesMax: number;
  /** Of messages that came last, and of frames that were read last. */
  readonly cacheBytes: number;
  readonly diskRetryMs: number;
  readonly closeTimeoutMs: number;
  /** A message has come and is on disk; at a start, those that are there, in the order in which they came, but for the released ones. */
  readonly onKept: (kept: Kept) => void;
}

export class StageLog implements StageStore {
  readonly #options: StageLogOptions;
  readonly #log: Log<Entry>;
  readonly #places: Places;
  readonly #saver: DoneSaver;
  readonly #loader: FrameLoader;
  readonly #recent: RecentMessages;
  readonly #entries = new EntryDecoder();
  readonly #messages: MessageDecoder;
  /** Decisions that somebody waits for, until they are stored. */
  readonly #deciding = new Map<Entry, (id: number) => void>();
  #compacting: Promise<void> | undefined;
  #isClosed = false;

  private constructor(log: Log<Entry>, options: StageLogOptions, places: Places) {
    this.#options = options;
    this.#log = log;
    this.#places = places;
    this.#loader = new FrameLoader(options.files, options.cacheBytes);
    this.#recent = new RecentMessages(options.cacheBytes);
    this.#messages = new MessageDecoder(log.id);
    const own = this;
    this.#saver = new DoneSaver(options, {
      get consumed() {
        return log.consumed;
      },
      get isOver() {
        return own.#isClosed || log.failed !== undefined;
      },
      write: (entries) => this.#append(entries),
      free: (id) => places.free(id),
      saved: () => {
        this.#forget();
        log.tell();
      },
    });
  }

  /** Opens the log in a directory, or makes one. Throws BUFFER_FAILED. */
  static async open(directory: string, options: StageLogOptions): Promise<{ readonly log: StageLog; readonly found: Found }> {
    let stored: (frame: StoredFrame<Entry>) => void = () => undefined;
    const own = await Log.open<Entry>(
      directory,
      logOptions(options, (frame) => stored(frame)),
    );
    const { found, places } = await recoverFrom(own, options.onKept);
    const log = new StageLog(own, options, places);
    stored = (frame) => log.#stored(frame);
    return { log, found };
  }

  get id(): string {
    return this.#log.id;
  }

  get bytes(): number {
    return this.#log.bytes;
  }

  get failed(): MqferryError | undefined {
    return this.#log.failed;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isEmpty(): boolean {
    return this.#places.ledger.live === 0;
  }

  get savesLag(): boolean {
    return this.#log.savesLag || this.#saver.lags;
  }

  get oldestMs(): number | undefined {
    return this.#places.oldestMs;
  }

  hasRoom(bytes: number): boolean {
    return this.#log.bytes + bytes < this.#options.maxBytes - reserve(this.#options);
  }

  async append(arriving: readonly Arriving[], writer: object): Promise<readonly Refused<Message>[]> {
    const refused = await this.#log.append(
      arriving.map(({ message, note, at }): Arrival => ({ kind: 'arrival', id: 0, at, note, message })),
      writer,
    );
    return refused.map(({ item, error }) => ({ item: (item as Arrival).message as Message, error }));
  }

  cancel(writer: object): Promise<void> {
    return this.#log.cancel(writer);
  }

  async decide(releases: readonly Release[]): Promise<readonly number[]> {
    const ids: number[] = [];
    const decisions = releases.map(({ members, why }, i): Decision => {
      const decision = { kind: 'decision', id: 0, members, why } as const;
      this.#deciding.set(decision, (id) => (ids[i] = id));
      return decision;
    });
    await this.#append(decisions);
    return ids;
  }

  done(groups: readonly (readonly number[])[]): void {
    for (const ids of groups) {
      for (const id of ids) this.#recent.forget(id);
      this.#saver.done(ids);
    }
    this.#forget();
  }

  recent(ids: readonly number[]): readonly Message[] | undefined {
    const messages: Message[] = [];
    for (const id of ids) {
      const message = this.#recent.get(id);
      if (!message) return undefined;
      messages.push(message);
    }
    return messages;
  }

  async load(ids: readonly number[]): Promise<readonly Message[]> {
    const messages: Message[] = [];
    for (const id of ids) messages.push(this.#recent.get(id) ?? (((await this.#read(id)) as Arrival).message as Message));
    return messages;
  }

  change(signal: AbortSignal): Promise<void> {
    return this.#log.change(signal);
  }

  tell(): void {
    this.#log.tell();
  }

  async save(): Promise<void> {
    await inTime(this.#saver.save(), this.#options.closeTimeoutMs);
    await this.#log.save();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    if (!this.#log.failed) await inTime(this.#saver.save(), this.#options.closeTimeoutMs);
    this.#isClosed = true;
    this.#saver.stop();
    await this.#log.close(); // ends what waits for room, a copy among it
    await this.#compacting;
    this.#loader.clear();
  }

  /** Resolves once all of its own entries are on disk. One that the log does not take is a fault of ours: nothing may go on without it. */
  async #append(entries: readonly Entry[]): Promise<void> {
    const [refused] = await this.#log.append(entries, this);
    if (refused) throw this.#log.fail(refused.error);
  }

  #stored({ items, base, segment, end, bytes, timeMs }: StoredFrame<Entry>): void {
    this.#places.ledger.add({ segment, position: end - bytes, bytes, base, count: items.length, timeMs });
    const share = bytes / items.length;
    for (let i = 0; i < items.length; i++) this.#enter(items[i] as Entry, base + i, share);
  }

  #enter(entry: Entry, sequence: number, bytes: number): void {
    if (entry.kind === 'done') return;
    this.#places.ledger.need(sequence);
    if (entry.id !== 0) {
      const cameMs = entry.kind === 'arrival' ? entry.at : undefined;
      // What was done while its copy was on its way: that is to be said of the copy, too.
      if (!this.#places.move(entry.id, { at: sequence, cameMs })) this.#saver.doneAt(entry.id, sequence);
    } else if (entry.kind === 'decision') {
      this.#deciding.get(entry)?.(sequence);
      this.#deciding.delete(entry);
    } else {
      this.#recent.add(sequence, this.#messages.adopt(entry.message as Message, sequence));
      this.#options.onKept({ id: sequence, note: entry.note, at: entry.at, bytes });
    }
  }

  /** The whole entry of an id, from the disk; undefined when it was done with, and its file is gone, meanwhile. */
  async #read(id: number): Promise<Entry | undefined> {
    const sequence = this.#places.of(id);
    const place = this.#places.ledger.placeOf(sequence);
    if (!place) throw this.#log.fail(new Error(`entry ${id} of the stage is not where it should be`));
    try {
      const { buffer, start, end } = await this.#loader.record(place, sequence);
      const { entry, messageAt } = this.#entries.read(buffer, start, end);
      return entry.kind === 'arrival' ? { ...entry, id, message: this.#messages.decode(buffer, messageAt, end, id) } : entry;
    } catch (error) {
      if (this.#places.of(id) !== sequence) return this.#read(id); // it was copied meanwhile
      if (!this.#places.ledger.isNeeded(sequence)) return undefined;
      throw this.#log.fail(error);
    }
  }

  /** What is done at the front is forgotten as a buffer forgets. */
  #forget(): void {
    this.#log.consume(this.#places.ledger.first() ?? this.#log.readable, undefined);
    if (this.#compacting || this.#isClosed || this.#log.failed || !this.#isWasteful) return;
    this.#compacting = this.#compact()
      .catch(() => false) // the log has failed, or is closed
      .then((hasCopied) => {
        this.#compacting = undefined;
        if (hasCopied && !this.#isClosed) this.#forget();
      });
  }

  /** Most of it is done with. */
  get #isWasteful(): boolean {
    return !this.isEmpty && this.#log.bytes > 2 * this.#places.ledger.liveBytes + 4 * this.#options.segmentBytes;
  }

  /** Copies what holds the oldest file; false when it copied nothing. */
  async #compact(): Promise<boolean> {
    await this.#log.save(); // what can go without a copy
    if (!this.#isWasteful) return false;
    const copies = new Map<number, Entry>();
    for (const sequence of this.#places.ledger.inFirstSegment()) {
      if (!this.#isToCopy(sequence)) continue;
      const id = this.#places.idAt(sequence);
      const entry = await this.#read(id);
      if (entry && entry.kind !== 'done') copies.set(sequence, { ...entry, id });
    }
    // Nothing comes between this look and the append: what is done later is written down behind its copy.
    const entries = [...copies].filter(([sequence]) => this.#isToCopy(sequence)).map(([, entry]) => entry);
    const refused = await this.#log.append(entries, this);
    this.#log.consume(this.#places.ledger.first() ?? this.#log.readable, undefined);
    await this.#log.save();
    return entries.length > refused.length;
  }

  #isToCopy(sequence: number): boolean {
    return this.#places.ledger.isNeeded(sequence) && !this.#saver.isLeaving(this.#places.idAt(sequence));
  }
}

/** What arrivals leave free. */
function reserve({ maxBytes, segmentBytes }: StageLogOptions): number {
  return Math.max(Math.floor(maxBytes / 8), Math.min(3 * segmentBytes, Math.floor(maxBytes / 2)));
}

function logOptions(options: StageLogOptions, onStored: (frame: StoredFrame<Entry>) => void): LogOptions<Entry> {
  const { saveDelayMs, isAtomic: _atomic, cacheBytes: _cache, onKept: _kept, ...same } = options;
  const always = { sync: 'always', everyMs: 0, maxMessages: Number.POSITIVE_INFINITY, recentBytes: 0 } as const;
  return { ...same, ...always, encode: encodeEntry, cursorDelayMs: saveDelayMs, onStored };
}
