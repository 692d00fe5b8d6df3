/** The disk buffer of a route: a sink on its near side, a source on its far side, a durable log between them. */
import type { Batch, Carries, Log as Logger, Refusal, Room, Sink, SinkCan, SinkEnd, Source, SourceCan, SourceEnd } from '../connector.ts';
import { MqferryError, notConnected } from '../errors.ts';
import { type Message, propertyNames } from '../message.ts';
import { reserveBytes } from './appender.ts';
import { cipherBytes } from './cipher.ts';
import { frameHeaderBytes } from './frame.ts';
import { codeOf, type FileSystem, realFiles } from './fs.ts';
import { Log, type LogOptions } from './log.ts';
import type { LogReader } from './reader.ts';
import { encodeMessage, MessageDecoder } from './record.ts';

export interface DiskOptions {
  /** All its files together. */
  readonly maxBytes: number;
  readonly maxMessages?: number | undefined;
  readonly sync: 'always' | 'interval';
  /** With `interval`: the longest time between a write and its sync. */
  readonly everyMs: number;
}

export interface BufferContext {
  readonly log: Logger;
  /** Acked positions that may be missing on disk; a crash repeats them. Default 1000. */
  readonly prefetch?: number;
  /** A write begins to wait because the log holds as much as it may. */
  readonly onFull?: () => void;
  readonly files?: FileSystem;
  /** For tests. */
  readonly tuning?: Partial<LogOptions<Message>>;
}

export interface BufferStats {
  readonly messages: number;
  /** Of its files. */
  readonly bytes: number;
  readonly limitBytes: number;
  /** How long ago the oldest message came in, or a little longer; undefined when it is empty. */
  readonly oldestMs: number | undefined;
  /** Messages that were there at the start. */
  readonly recovered: number;
  /** Writes wait for room. */
  readonly full: boolean;
}

export interface RouteBuffer {
  readonly label: string;
  /** Carried by its messages as `origin.bufferId`; with `origin.bufferSequence` it names a message for ever. */
  readonly id: string;
  readonly near: SinkEnd;
  readonly far: SourceEnd;
  /** Why nothing is put into it or taken from it any more. */
  readonly failed: MqferryError | undefined;
  /** Cheap. */
  stats(): BufferStats;
  /** Ends both sides and saves where it stands. Safe to call twice. */
  close(): Promise<void>;
}

const mebibyte = 1024 * 1024;
const recordBytesMax = 64 * mebibyte;
const openDirectories = new WeakMap<FileSystem, Set<string>>();

export const everything: Carries = {
  headers: 'typed',
  repeats: true,
  key: true,
  properties: propertyNames,
  maxBytes: recordBytesMax,
};

/** Not so with `sync: interval`: after a power cut, a sequence that was read already may be another message's. */
const bufferPlace = ['bufferId', 'bufferSequence'];

export function farCan(sync: DiskOptions['sync']): SourceCan {
  return { settles: 'inOrder', redelivers: 'inOrder', stableIds: sync === 'always' ? bufferPlace : [], carries: everything };
}

export function nearCan(sync: DiskOptions['sync']): SinkCan {
  const unlimited = { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
  const confirms = sync === 'always' ? 'stored' : 'received';
  return { keepsOrder: 'lane', writes: 'many', maxWrite: unlimited, confirms, routed: true, carries: everything };
}

/** Opens the buffer in a directory of its own, or makes one. Throws BUFFER_FAILED when it is damaged, DATA_LOCKED when it is open already. */
export async function openBuffer(directory: string, options: DiskOptions, context: BufferContext): Promise<RouteBuffer> {
  const files = context.files ?? realFiles;
  const free = claim(files, directory);
  try {
    const log = await Log.open(directory, logOptions(options, context, files));
    return new DiskBuffer(log, options, free);
  } catch (error) {
    free();
    if (error instanceof MqferryError) throw error;
    throw new MqferryError('BUFFER_FAILED', `cannot open the buffer in ${directory}: ${codeOf(error)}`, { cause: error });
  }
}

function claim(files: FileSystem, directory: string): () => void {
  const open = openDirectories.get(files) ?? new Set();
  openDirectories.set(files, open);
  if (open.has(directory)) throw new MqferryError('DATA_LOCKED', `the buffer in ${directory} is open already`);
  open.add(directory);
  return () => void open.delete(directory);
}

function logOptions(options: DiskOptions, context: BufferContext, files: FileSystem): LogOptions<Message> {
  const { maxBytes, maxMessages = Number.POSITIVE_INFINITY, sync, everyMs } = options;
  const room = maxBytes - reserveBytes - frameHeaderBytes - 4 - (files.cipher ? cipherBytes : 0);
  if (room < 1024) throw new MqferryError('CONFIG_INVALID', `a buffer of ${maxBytes} bytes holds nothing; give it 64KiB or more`);
  return {
    files,
    logger: context.log,
    encode: encodeMessage,
    maxBytes,
    maxMessages: Math.max(1, maxMessages),
    // What fits into the empty buffer never waits for ever.
    recordBytesMax: Math.min(recordBytesMax, room),
    frameBytes: Math.min(mebibyte, room),
    // Small enough that what is consumed soon makes room, large enough that a roll (a few syncs) costs nothing.
    segmentBytes: Math.min(32 * mebibyte, Math.max(64 * 1024, Math.floor(maxBytes / 16))),
    // Some frames: what the far side takes while the next ones are written.
    recentBytes: 4 * mebibyte,
    sync,
    everyMs,
    unsavedMax: context.prefetch ?? 1000,
    cursorDelayMs: 10,
    diskRetryMs: 500,
    closeTimeoutMs: 5000,
    onFull: context.onFull,
    ...context.tuning,
  };
}

class DiskBuffer implements RouteBuffer {
  readonly label = 'disk buffer';
  readonly id: string;
  readonly near: SinkEnd;
  readonly far: SourceEnd;
  readonly #log: Log<Message>;
  readonly #limitBytes: number;
  readonly #free: () => void;
  #far: FarSource | undefined;

  constructor(log: Log<Message>, options: DiskOptions, free: () => void) {
    this.#log = log;
    this.id = log.id;
    this.#limitBytes = options.maxBytes;
    this.#free = free;
    this.near = { can: nearCan(options.sync), open: async () => new NearSink(usable(log)) };
    this.far = { can: farCan(options.sync), open: async () => this.#openFar() };
  }

  get failed(): MqferryError | undefined {
    return this.#log.failed;
  }

  stats(): BufferStats {
    const { messages, bytes, oldestMs, recovered, full } = this.#log;
    return {
      messages,
      bytes,
      limitBytes: this.#limitBytes,
      oldestMs: oldestMs === undefined ? undefined : Math.max(0, Date.now() - oldestMs),
      recovered,
      full,
    };
  }

  async close(): Promise<void> {
    try {
      await this.#far?.close();
      await this.#log.close();
    } finally {
      this.#free(); // whatever the disk has said: else nobody could open it again
    }
  }

  /** One reader at a time: opening the next one ends the one before. */
  async #openFar(): Promise<Source> {
    usable(this.#log);
    await this.#far?.close();
    this.#far = new FarSource(this.#log);
    return this.#far;
  }
}

function usable(log: Log<Message>): Log<Message> {
  if (log.failed) throw log.failed;
  return log;
}

class NearSink implements Sink {
  readonly #log: Log<Message>;
  #closing: Promise<void> | undefined;

  constructor(log: Log<Message>) {
    this.#log = log;
  }

  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    if (this.#closing) throw notConnected('this end of the buffer is closed');
    const refused = await this.#log.append(messages, this);
    return refused.map(({ item, error }) => ({ message: item, error, retry: false }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#log.cancel(this);
    return this.#closing;
  }
}

interface Handed {
  /** Sequence behind its last message. */
  readonly end: number;
  readonly timeMs: number;
  isAcked: boolean;
}

class FarSource implements Source {
  readonly #log: Log<Message>;
  readonly #reader: LogReader<Message>;
  /** Batches not acked, or acked after one that is not. */
  #handed: Handed[] = [];
  #isClosed = false;

  constructor(log: Log<Message>) {
    this.#log = log;
    this.#reader = log.reader(new MessageDecoder(log.id));
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    for (;;) {
      this.#check();
      if (signal.aborted) return null;
      if (this.#mayRead && (await this.#load())) return this.#batch(await this.#take(room));
      await this.#log.change(signal);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handed = [];
    this.#log.tell();
    await this.#reader.close();
    await this.#log.save();
  }

  /** What a crash repeats is bounded: nothing is handed out while too many acks are not on disk. */
  get #mayRead(): boolean {
    return this.#log.readable > this.#reader.sequence && !this.#log.savesLag;
  }

  #check(): void {
    if (this.#isClosed) throw notConnected('this end of the buffer is closed');
    if (this.#log.failed) throw this.#log.failed;
    if (this.#log.isClosed) throw notConnected('the buffer is closed');
  }

  async #load(): Promise<boolean> {
    try {
      return await this.#reader.load();
    } catch (error) {
      this.#check();
      if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(codeOf(error) ?? '')) throw notConnected('cannot read the buffer', error);
      throw this.#log.fail(error);
    }
  }

  async #take(room: Room): Promise<Message[]> {
    const messages: Message[] = [];
    let bytes = 0;
    do {
      const message = this.#reader.take();
      bytes += message.bytes;
      messages.push(message);
    } while (messages.length < room.messages && bytes < room.bytes && (this.#reader.ready || (await this.#load())));
    this.#check();
    return messages;
  }

  #batch(messages: readonly Message[]): Batch {
    const handed: Handed = { end: this.#reader.sequence, timeMs: this.#reader.timeMs, isAcked: false };
    if (this.#handed.length === 0) this.#log.oldestMs = handed.timeMs;
    this.#handed.push(handed);
    return { messages, ack: () => this.#ack(handed) };
  }

  // The engine acks in read order. Should it not, nothing is lost: the cursor waits for the earlier ones.
  #ack(handed: Handed): void {
    if (this.#isClosed) return;
    handed.isAcked = true;
    let done = 0;
    while (this.#handed[done]?.isAcked) done++;
    if (done === 0) return;
    const last = this.#handed[done - 1] as Handed;
    this.#handed.splice(0, done);
    this.#log.consume(last.end, this.#handed[0]?.timeMs ?? last.timeMs);
  }
}
