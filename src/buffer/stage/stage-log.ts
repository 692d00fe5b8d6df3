/**
 * The memory of a stage: what has come, what was decided, and what is done with, in one log (entry.ts). A buffer forgets from the front;
 * a stage forgets what is done wherever it stands, and what stays behind for long is written again further on, so that it pins no file.
 *
 * Invariants, beside those of the log:
 *  18  A straggler is copied and the copy synced before its first place is given up; it keeps its id and its time.
 *  20  After a start exactly what is not done is there: from the cursor on, without the ids in `done`.
 *  24  A decision is on disk before what it decides leaves. After a start it stands, with the same members.
 *  25  At most `unsavedMax` ids are done and not so on disk: a crash repeats no more.
 *  26  What left together is done together: nothing of it is given up before an entry on disk says so of all.
 *  27  Writing down what is done, and copying, never waits for room that only they can make: arrivals leave some of it free.
 */
import type { Log as Logger } from '../../connector.ts';
import type { MqferryError } from '../../errors.ts';
import type { Message } from '../../message.ts';
import type { Refused } from '../appends.ts';
import type { FileSystem } from '../fs.ts';
import { Log, type LogOptions } from '../log.ts';
import type { FramePlace } from '../reader.ts';
import type { StoredFrame } from '../recent.ts';
import { MessageDecoder } from '../record.ts';
import { type Arrival, type Decision, type Entry, EntryDecoder, encodeEntry } from './entry.ts';
import type { Kept, Release } from './keeper.ts';
import { Ledger } from './ledger.ts';
import { FrameLoader } from './loader.ts';
import { RecentMessages } from './recent-messages.ts';

export interface StageLogOptions {
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly maxBytes: number;
  readonly segmentBytes: number;
  readonly frameBytes: number;
  readonly recordBytesMax: number;
  /** Of messages that came last, and of frames that were read last. */
  readonly cacheBytes: number;
  readonly unsavedMax: number;
  /** What is done together is so on disk together, or not at all. */
  readonly isAtomic: boolean;
  readonly saveDelayMs: number;
  readonly diskRetryMs: number;
  readonly closeTimeoutMs: number;
  /** A message has come and is on disk; at a start, those that are there, in the order in which they came, but for the released ones. */
  readonly onKept: (kept: Kept) => void;
}

/** What a start found, beside what it told of. */
export interface Found {
  /** Decided and not done, in the order of the decisions. */
  readonly decided: readonly { readonly id: number; readonly release: Release }[];
  /** The latest time in it, on the stage's clock. */
  readonly lastMs: number;
}

/** An arrival that is not on disk yet. */
export interface Arriving {
  readonly message: Message;
  readonly note: string;
  readonly at: number;
}

export class StageLog {
  readonly #options: StageLogOptions;
  readonly #log: Log<Entry>;
  readonly #ledger: Ledger;
  readonly #loader: FrameLoader;
  readonly #recent: RecentMessages;
  readonly #entries = new EntryDecoder();
  readonly #messages: MessageDecoder;
  /** Where the copy of an id stands, and when its first came. */
  readonly #moved = new Map<number, { readonly at: number; readonly cameMs: number | undefined }>();
  /** Whose copy stands at a sequence. */
  readonly #idsOfCopies = new Map<number, number>();
  /** Decisions that somebody waits for, until they are stored. */
  readonly #deciding = new Map<Entry, (id: number) => void>();
  /** Done one by one, and the disk does not say so: ids, and where they stood. */
  #unsaved: { readonly id: number; readonly at: number }[] = [];
  /** Done together, and the disk does not say so: nothing of them is given up before. */
  #leaving: (readonly number[])[] = [];
  #unsavedCount = 0;
  #saveTimer: NodeJS.Timeout | undefined;
  #saving: Promise<void> | undefined;
  #compacting: Promise<void> | undefined;
  #isClosed = false;

  private constructor(log: Log<Entry>, options: StageLogOptions, { ledger, moved }: Recovered) {
    this.#options = options;
    this.#log = log;
    this.#ledger = ledger;
    this.#loader = new FrameLoader(options.files, options.cacheBytes);
    this.#recent = new RecentMessages(options.cacheBytes);
    this.#messages = new MessageDecoder(log.id);
    for (const [id, { at, cameMs }] of moved) this.#move(id, at, cameMs);
  }

  /** Opens the log in a directory, or makes one. Throws BUFFER_FAILED. */
  static async open(directory: string, options: StageLogOptions): Promise<{ readonly log: StageLog; readonly found: Found }> {
    let stored: (frame: StoredFrame<Entry>) => void = () => undefined;
    const own = await Log.open<Entry>(
      directory,
      logOptions(options, (frame) => stored(frame)),
    );
    const recovered = await recoverFrom(own, options.onKept);
    const log = new StageLog(own, options, recovered);
    stored = (frame) => log.#stored(frame);
    return { log, found: recovered.found };
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

  /** Whether so many bytes may arrive: the rest is for what makes room. */
  hasRoom(bytes: number): boolean {
    return this.#log.bytes + bytes < this.#options.maxBytes - reserve(this.#options);
  }

  /** Nothing in it is needed. */
  get isEmpty(): boolean {
    return this.#ledger.live === 0;
  }

  /** When the oldest of it came, or a little earlier; undefined when there is nothing. */
  get oldestMs(): number | undefined {
    const written = this.#ledger.firstTimeMs;
    if (written === undefined) return undefined;
    let oldest = written;
    for (const { cameMs } of this.#moved.values()) if (cameMs !== undefined && cameMs < oldest) oldest = cameMs;
    return oldest;
  }

  /** So much is done and not written down that nothing more should leave. */
  get savesLag(): boolean {
    return this.#log.savesLag || this.#unsavedCount > this.#options.unsavedMax;
  }

  /** Resolves once they are on disk, but for the refused ones. In call order. `arriving` are in the order of their ids. */
  append(arriving: readonly Arriving[], writer: object): Promise<readonly Refused<Entry>[]> {
    return this.#log.append(
      arriving.map((one) => ({ kind: 'arrival', id: 0, ...one }) as const),
      writer,
    );
  }

  /** Ends the appends of one writer. */
  cancel(writer: object): Promise<void> {
    return this.#log.cancel(writer);
  }

  /** Resolves with an id for each once all are on disk. */
  async decide(releases: readonly Release[]): Promise<readonly number[]> {
    const ids: number[] = [];
    const decisions = releases.map(({ members, why }, i): Decision => {
      const decision = { kind: 'decision', id: 0, members, why } as const;
      this.#deciding.set(decision, (id) => (ids[i] = id));
      return decision;
    });
    await this.#log.append(decisions, this);
    return ids;
  }

  /** These are not needed any more, all of them or, after a crash, all of them again. */
  done(ids: readonly number[]): void {
    for (const id of ids) this.#recent.forget(id);
    if (this.#options.isAtomic) this.#leaving.push(ids);
    else for (const id of ids) this.#unsaved.push({ id, at: this.#free(id) });
    this.#unsavedCount += ids.length;
    if (!this.#options.isAtomic) this.#forget();
    this.#scheduleSave();
  }

  /** The messages of these ids. Throws BUFFER_FAILED. */
  async load(ids: readonly number[]): Promise<Message[]> {
    const messages: Message[] = [];
    for (const id of ids) messages.push(this.#recent.get(id) ?? (((await this.#read(id)) as Arrival).message as Message));
    return messages;
  }

  /** Resolves at the next change of the log. */
  change(signal: AbortSignal): Promise<void> {
    return this.#log.change(signal);
  }

  /** Wakes those who wait in `change`. */
  tell(): void {
    this.#log.tell();
  }

  /** What goes wrong where nothing may. */
  fail(error: unknown) {
    return this.#log.fail(error);
  }

  /** Resolves once the disk knows what is done. */
  async save(): Promise<void> {
    await this.#saving;
    await this.#saveDone();
    await this.#log.save();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#saveTimer);
    await this.#compacting;
    await this.#saving;
    if (!this.#log.failed) await this.#saveDone();
    await this.#log.close();
    this.#loader.clear();
  }

  /** Returns where it stood. */
  #free(id: number): number {
    const at = this.#placeOf(id);
    this.#ledger.free(at);
    if (this.#moved.delete(id)) this.#idsOfCopies.delete(at);
    return at;
  }

  #placeOf(id: number): number {
    return this.#moved.get(id)?.at ?? id;
  }

  #move(id: number, at: number, cameMs: number | undefined): void {
    const before = this.#moved.get(id);
    if (before) this.#idsOfCopies.delete(before.at);
    this.#moved.set(id, { at, cameMs });
    this.#idsOfCopies.set(at, id);
  }

  #stored({ items, base, segment, end, bytes, timeMs }: StoredFrame<Entry>): void {
    this.#ledger.add({ segment, position: end - bytes, bytes, base, count: items.length, timeMs });
    const share = bytes / items.length;
    for (const [i, entry] of items.entries()) this.#enter(entry, base + i, share);
  }

  #enter(entry: Entry, sequence: number, bytes: number): void {
    if (entry.kind === 'done') return;
    this.#ledger.need(sequence);
    if (entry.id !== 0) this.#enterCopy(entry, sequence);
    else if (entry.kind === 'decision') {
      this.#deciding.get(entry)?.(sequence);
      this.#deciding.delete(entry);
    } else {
      this.#recent.add(sequence, this.#messages.adopt(entry.message as Message, sequence));
      this.#options.onKept({ id: sequence, note: entry.note, at: entry.at, bytes });
    }
  }

  #enterCopy(entry: Arrival | Decision, sequence: number): void {
    const { id } = entry;
    const before = this.#placeOf(id);
    if (this.#ledger.isNeeded(before)) {
      this.#ledger.free(before);
      this.#move(id, sequence, entry.kind === 'arrival' ? entry.at : undefined);
    } else {
      // It was done while the copy was on its way: that is to be said of the copy, too.
      this.#ledger.free(sequence);
      this.#unsaved.push({ id, at: sequence });
      this.#unsavedCount++;
      this.#scheduleSave();
    }
  }

  /** The whole entry of an id, from the disk; undefined when it was done with, and its file is gone, meanwhile. */
  async #read(id: number): Promise<Entry | undefined> {
    const sequence = this.#placeOf(id);
    const place = this.#ledger.placeOf(sequence);
    if (!place) throw this.fail(new Error(`entry ${id} of the stage is not where it should be`));
    try {
      const { buffer, start, end } = await this.#loader.record(place, sequence);
      const { entry, messageAt } = this.#entries.read(buffer, start, end);
      return entry.kind === 'arrival' ? { ...entry, id, message: this.#messages.decode(buffer, messageAt, end, id) } : entry;
    } catch (error) {
      if (this.#placeOf(id) !== sequence) return this.#read(id); // it was copied meanwhile
      if (!this.#ledger.isNeeded(sequence)) return undefined;
      throw this.fail(error);
    }
  }

  /** What is done at the front is forgotten as a buffer forgets. */
  #forget(): void {
    this.#consume();
    this.#compactSoon();
  }

  #consume(): void {
    this.#log.consume(this.#ledger.first() ?? this.#log.readable, undefined);
  }

  #scheduleSave(): void {
    if (this.#isClosed || this.#log.failed) return;
    if (this.#unsavedCount * 2 >= this.#options.unsavedMax) void this.#saveNow();
    else this.#saveTimer ??= setTimeout(() => void this.#saveNow(), this.#options.saveDelayMs);
  }

  #saveNow(): Promise<void> {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    this.#saving ??= this.#saveDone().finally(() => {
      this.#saving = undefined;
      if (this.#unsavedCount > 0) this.#scheduleSave();
    });
    return this.#saving;
  }

  async #saveDone(): Promise<void> {
    const [saved, leaving, count] = [this.#unsaved, this.#leaving, this.#unsavedCount];
    [this.#unsaved, this.#leaving] = [[], []];
    // The cursor says it of what is below; of the rest an entry does.
    const { consumed } = this.#log;
    const ids = saved.filter(({ at }) => at >= consumed).map(({ id }) => id);
    for (let at = 0; at < ids.length; at += idsInEntry) leaving.push(ids.slice(at, at + idsInEntry));
    if (leaving.length > 0) await this.#writeDone(leaving);
    this.#unsavedCount -= count;
    this.#forget();
    this.tell();
  }

  async #writeDone(leaving: readonly (readonly number[])[]): Promise<void> {
    try {
      await this.#log.append(
        leaving.map((ids) => ({ kind: 'done', ids }) as const),
        this,
      );
    } catch {
      return; // The log has failed, and says so to everybody; or it is closed, and what is not written down comes again.
    }
    if (this.#options.isAtomic) for (const ids of leaving) for (const id of ids) this.#free(id);
  }

  /** Copies what holds the oldest file, when most of the log is done with. */
  #compactSoon(): void {
    if (this.#compacting || this.#isClosed || this.#log.failed || !this.#isWasteful) return;
    this.#compacting = this.#compact()
      .catch(() => undefined) // as above
      .finally(() => {
        this.#compacting = undefined;
        if (!this.#isClosed) this.#forget();
      });
  }

  get #isWasteful(): boolean {
    const { segmentBytes } = this.#options;
    return !this.isEmpty && this.#log.bytes > 2 * this.#ledger.liveBytes + 4 * segmentBytes;
  }

  async #compact(): Promise<void> {
    await this.#log.save(); // what can go without a copy
    if (!this.#isWasteful) return;
    const copies = new Map<number, Entry>();
    for (const sequence of this.#ledger.inFirstSegment()) {
      const id = this.#idsOfCopies.get(sequence) ?? sequence;
      if (!this.#ledger.isNeeded(sequence)) continue;
      const entry = await this.#read(id);
      if (entry && entry.kind !== 'done') copies.set(sequence, { ...entry, id });
    }
    // Nothing comes between this look and the append: what is done later is written down behind its copy.
    const needed = [...copies].filter(([sequence]) => this.#ledger.isNeeded(sequence)).map(([, entry]) => entry);
    if (needed.length > 0) await this.#log.append(needed, this);
    this.#consume();
    await this.#log.save();
  }
}

const idsInEntry = 4096;

/** What arrivals leave free. */
function reserve({ maxBytes, segmentBytes }: StageLogOptions): number {
  return Math.max(Math.floor(maxBytes / 8), Math.min(3 * segmentBytes, Math.floor(maxBytes / 2)));
}

function logOptions(options: StageLogOptions, onStored: (frame: StoredFrame<Entry>) => void): LogOptions<Entry> {
  const { files, logger, maxBytes, segmentBytes, frameBytes, recordBytesMax, unsavedMax, saveDelayMs, diskRetryMs, closeTimeoutMs } =
    options;
  return {
    files,
    logger,
    encode: encodeEntry,
    maxBytes,
    maxMessages: Number.POSITIVE_INFINITY,
    recordBytesMax,
    frameBytes,
    segmentBytes,
    recentBytes: 0,
    sync: 'always',
    everyMs: 0,
    unsavedMax,
    cursorDelayMs: saveDelayMs,
    diskRetryMs,
    closeTimeoutMs,
    onStored,
  };
}

interface Recovered {
  readonly found: Found;
  readonly ledger: Ledger;
  readonly moved: ReadonlyMap<number, { readonly at: number; readonly cameMs: number | undefined }>;
}

/** Reads the log from the cursor on, without its messages, twice: at first what is needed, then what that is. So little of it is in memory at once. */
async function recoverFrom(log: Log<Entry>, onKept: (kept: Kept) => void): Promise<Recovered> {
  const ledger = new Ledger();
  const copies = new Map<number, { readonly at: number; readonly kept: Kept | undefined }>();
  const decided = new Map<number, Release>();
  let lastMs = 0;
  await eachEntry(
    log,
    (entry, sequence, place) => {
      if (entry.kind === 'done') {
        for (const id of entry.ids) {
          ledger.free(copies.get(id)?.at ?? id);
          copies.delete(id);
          decided.delete(id);
        }
        return;
      }
      const id = entry.id === 0 ? sequence : entry.id;
      if (entry.id !== 0) {
        ledger.free(copies.get(id)?.at ?? id);
        copies.set(id, { at: sequence, kept: entry.kind === 'arrival' ? keptOf(entry, id, place) : undefined });
      }
      ledger.need(sequence);
      if (entry.kind === 'decision') decided.set(id, entry);
      else lastMs = Math.max(lastMs, entry.at);
    },
    (place) => ledger.add(place),
  );
  const released = new Set([...decided.values()].flatMap(({ members }) => members));
  const waiting = [...copies.values()].flatMap(({ kept }) => (kept && !released.has(kept.id) ? kept : [])).sort(byId);
  const tellUpTo = (id: number) => {
    while (waiting[0] && waiting[0].id < id) onKept(waiting.shift() as Kept);
  };
  await eachEntry(log, (entry, sequence, place) => {
    if (entry.kind !== 'arrival' || entry.id !== 0 || released.has(sequence) || !ledger.isNeeded(sequence)) return;
    tellUpTo(sequence);
    onKept(keptOf(entry, sequence, place));
  });
  tellUpTo(Number.POSITIVE_INFINITY);
  const decisions = [...decided].map(([id, { members, why }]) => ({ id, release: { members, why } })).sort(byId);
  const moved = new Map([...copies].map(([id, { at, kept }]) => [id, { at, cameMs: kept?.at }]));
  return { found: { decided: decisions, lastMs }, ledger, moved };
}

async function eachEntry(
  log: Log<Entry>,
  visit: (entry: Entry, sequence: number, place: FramePlace) => void,
  visitFrame: (place: FramePlace) => void = () => undefined,
): Promise<void> {
  const reader = log.reader(new EntryDecoder());
  let last: FramePlace | undefined;
  try {
    while (await reader.load()) {
      const { sequence, place } = reader as { sequence: number; place: FramePlace };
      if (place !== last) visitFrame(place);
      last = place;
      visit(reader.take(), sequence, place);
    }
  } finally {
    await reader.close();
  }
}

function keptOf({ note, at }: Arrival, id: number, { bytes, count }: FramePlace): Kept {
  return { id, note, at, bytes: bytes / count };
}

function byId(a: { readonly id: number }, b: { readonly id: number }): number {
  return a.id - b.id;
}
