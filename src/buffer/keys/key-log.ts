/**
 * Keys on disk, in the log of a buffer, and all of them in memory. A record is
 *
 *   1 | epoch whole | at double, when its keys came | keys, 16 bytes each
 *
 * Invariants, beside those of the log:
 *  28  It has a key only when that is on disk: what was said to be known is known after a crash.
 *  29  Keys are forgotten from the front and by whole epochs, none before its time is over or too many newer ones have come.
 */
import type { Clock } from '../../clock.ts';
import type { Log as Logger } from '../../connector.ts';
import { MqferryError } from '../../errors.ts';
import { ByteReader, type ByteWriter } from '../bytes.ts';
import { codeOf, type FileSystem, realFiles } from '../fs.ts';
import { Log } from '../log.ts';
import type { Decoder } from '../reader.ts';
import type { StoredFrame } from '../recent.ts';
import { Epochs } from './epochs.ts';
import { KeyTable } from './key-table.ts';
import { type Key, type KeyLimits, type KeyStats, type Keys, keyBytes } from './keys.ts';

export interface KeyLogContext {
  readonly log: Logger;
  readonly clock: Clock;
  readonly files?: FileSystem | undefined;
  /** For tests. */
  readonly segmentBytes?: number;
}

/** Keys that came together. */
interface Entry {
  readonly epoch: number;
  /** On a clock that never goes back. */
  readonly at: number;
  readonly keys: readonly Key[];
}

const mebibyte = 1024 * 1024;
const keysKind = 1;

export class KeyLog implements Keys {
  readonly #log: Log<Entry>;
  readonly #table = new KeyTable();
  readonly #epochs: Epochs;
  readonly #clock: Clock;
  /** Its clock at the monotonic 0. */
  #offsetMs = 0;
  /** The number of the next epoch when none is remembered. */
  #nextNumber = 0;

  private constructor(log: Log<Entry>, limits: KeyLimits, clock: Clock) {
    this.#log = log;
    this.#epochs = new Epochs(limits);
    this.#clock = clock;
  }

  /** Opens the log in a directory, or makes one. Throws BUFFER_FAILED when it is damaged. */
  static async open(directory: string, limits: KeyLimits, context: KeyLogContext): Promise<KeyLog> {
    let stored: (frame: StoredFrame<Entry>) => void = () => undefined;
    try {
      const log = await Log.open<Entry>(
        directory,
        logOptions(context, (frame) => stored(frame)),
      );
      const keys = new KeyLog(log, limits, context.clock);
      await keys.#recover();
      stored = (frame) => keys.#stored(frame);
      return keys;
    } catch (error) {
      if (error instanceof MqferryError) throw error;
      throw new MqferryError('BUFFER_FAILED', `cannot open the keys in ${directory}: ${codeOf(error)}`, { cause: error });
    }
  }

  has(key: Key): boolean {
    return this.#table.has(key);
  }

  async add(keys: readonly Key[]): Promise<void> {
    const at = this.#now;
    const last = this.#epochs.last?.number ?? this.#nextNumber - 1;
    const refused = await this.#log.append([{ epoch: this.#epochs.isOver(at) ? last + 1 : last, at, keys }], this);
    if (refused[0]) throw this.#log.fail(refused[0].error);
  }

  forgetOld(): void {
    const now = this.#now;
    let isFewer = false;
    for (let epoch = this.#epochs.takeForgotten(now); epoch; epoch = this.#epochs.takeForgotten(now)) {
      this.#table.forget(epoch.number);
      isFewer = true;
    }
    if (isFewer) this.#log.consume(this.#epochs.oldest?.sequence ?? this.#log.readable, undefined);
  }

  stats(): KeyStats {
    return { keys: this.#epochs.keys, bytes: this.#log.bytes };
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  get #now(): number {
    return this.#offsetMs + this.#clock.now();
  }

  #stored({ items, base }: StoredFrame<Entry>): void {
    for (const [i, entry] of items.entries()) this.#enter(entry, base + i);
    this.forgetOld();
  }

  #enter({ epoch, at, keys }: Entry, sequence: number): void {
    if (epoch >= this.#nextNumber) {
      this.#epochs.begin({ number: epoch, fromMs: at, sequence, keys: 0 });
      this.#table.begin(epoch);
      this.#nextNumber = epoch + 1;
    }
    const { last } = this.#epochs;
    // Its epoch was forgotten while it was on its way, by its age.
    if (!last) return;
    for (const key of keys) if (this.#table.add(key, last.number)) this.#epochs.added(last);
  }

  async #recover(): Promise<void> {
    const reader = this.#log.reader(new EntryDecoder());
    let lastMs = 0;
    try {
      while (await reader.load()) {
        const { sequence } = reader;
        const entry = reader.take();
        lastMs = Math.max(lastMs, entry.at);
        this.#enter(entry, sequence);
      }
    } finally {
      await reader.close();
    }
    // Time has gone on while nothing ran; if the wall clock says that it went back, it has stood still.
    this.#offsetMs = Math.max(this.#clock.date(), lastMs) - this.#clock.now();
    this.forgetOld();
  }
}

function logOptions(
  { log, files = realFiles, segmentBytes = 8 * mebibyte }: KeyLogContext,
  onStored: (frame: StoredFrame<Entry>) => void,
): Parameters<typeof Log.open<Entry>>[1] {
  return {
    files,
    logger: log,
    encode,
    onStored,
    sync: 'always',
    everyMs: 0,
    // It is bounded by what is forgotten: 72 bytes a key when each came alone, 16 and little more when many came together.
    maxBytes: Number.POSITIVE_INFINITY,
    maxMessages: Number.POSITIVE_INFINITY,
    segmentBytes,
    frameBytes: Math.min(mebibyte, segmentBytes),
    recordBytesMax: segmentBytes,
    recentBytes: 0,
    unsavedMax: Number.MAX_SAFE_INTEGER,
    cursorDelayMs: 1000,
    diskRetryMs: 500,
    closeTimeoutMs: 5000,
  };
}

function encode({ epoch, at, keys }: Entry, into: ByteWriter): void {
  into.byte(keysKind);
  into.whole(epoch);
  into.double(at);
  into.reserve(keys.length * keyBytes);
  for (const key of keys) into.at += into.buffer.write(key, into.at, keyBytes, 'latin1');
}

export class EntryDecoder implements Decoder<Entry> {
  readonly #reader = new ByteReader(Buffer.alloc(0));

  decode(buffer: Buffer, start: number, end: number): Entry {
    const from = this.#reader;
    from.buffer = buffer;
    from.at = start;
    from.end = end;
    const kind = from.byte();
    if (kind !== keysKind) throw new MqferryError('BUFFER_FAILED', `a log of keys has an entry of kind ${kind}; use the newer mqferry`);
    const [epoch, at] = [from.whole(), from.double()];
    const keys: Key[] = [];
    for (let place = from.at; place + keyBytes <= end; place += keyBytes) keys.push(buffer.toString('latin1', place, place + keyBytes));
    return { epoch, at, keys };
  }

  adopt(entry: Entry): Entry {
    return entry;
  }
}
