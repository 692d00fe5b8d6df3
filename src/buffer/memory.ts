/** `buffer: memory`: the two ends of the disk buffer without the disk. What it holds is lost when mqferry ends. */
import type { Batch, Refusal, Room, Sink, Source } from '../connector.ts';
import { notConnected } from '../errors.ts';
import type { Message } from '../message.ts';
import { type BufferStats, everything, type RouteBuffer } from './buffer.ts';
import { Changes } from './waiting.ts';

export interface MemoryOptions {
  readonly maxBytes: number;
  readonly maxMessages: number;
}

/** A buffer that holds what is not acked on its far side. Writes wait for room; a message of any size fits into the empty buffer. */
export function memoryBuffer(options: MemoryOptions): RouteBuffer {
  const store = new Store(options);
  const carries = { ...everything, maxBytes: Number.POSITIVE_INFINITY };
  const unlimited = { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
  return {
    label: 'memory buffer',
    id: '',
    near: {
      can: { keepsOrder: 'lane', writes: 'many', maxWrite: unlimited, confirms: 'none', routed: true, carries },
      open: async () => new MemorySink(store),
    },
    far: {
      can: { settles: 'inOrder', redelivers: 'inOrder', diesWithProcess: true, stableIds: [], carries },
      open: async () => new MemorySource(store),
    },
    failed: undefined,
    stats: () => store.stats(),
    close: async () => store.close(),
  };
}

interface Held {
  readonly message: Message;
  readonly bytes: number;
  readonly sinceMs: number;
}

class Store {
  readonly changes = new Changes();
  /** In order; what is acked leaves at the front. */
  readonly held: Held[] = [];
  isClosed = false;
  isFull = false;
  #bytes = 0;
  readonly #options: MemoryOptions;

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  /** One call at a time. */
  async put(messages: readonly Message[], signal: AbortSignal): Promise<void> {
    const sinceMs = Date.now();
    for (const message of messages) {
      const own = message.asReceived(); // the pump behind sends it back to nobody
      const { bytes } = own;
      while (!this.#fits(bytes) && !this.isClosed && !signal.aborted) {
        this.isFull = true;
        this.changes.tell(); // of those that did fit
        await this.changes.next(signal);
      }
      this.isFull = false;
      if (this.isClosed || signal.aborted) throw notConnected('the buffer was closed before it had taken the message');
      this.held.push({ message: own, bytes, sinceMs });
      this.#bytes += bytes;
    }
    this.changes.tell();
  }

  forget(count: number): void {
    for (const { bytes } of this.held.splice(0, count)) this.#bytes -= bytes;
    this.changes.tell();
  }

  close(): void {
    this.isClosed = true;
    this.changes.tell();
  }

  stats(): BufferStats {
    const [oldest] = this.held;
    return {
      messages: this.held.length,
      bytes: this.#bytes,
      limitBytes: this.#options.maxBytes,
      oldestMs: oldest && Date.now() - oldest.sinceMs,
      recovered: 0,
      full: this.isFull,
    };
  }

  #fits(bytes: number): boolean {
    const { maxMessages, maxBytes } = this.#options;
    return this.held.length === 0 || (this.held.length < maxMessages && this.#bytes + bytes <= maxBytes);
  }
}

class MemorySink implements Sink {
  readonly #store: Store;
  readonly #stop = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    const before = this.#turn;
    const own = before.then(() => this.#store.put(messages, this.#stop.signal));
    this.#turn = own.catch(() => undefined); // told to its own caller
    await own;
    return [];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#turn;
  }
}

class MemorySource implements Source {
  readonly #store: Store;
  /** Of the messages held, how many this source has handed out. */
  #handed = 0;
  /** Batches not acked, or acked after one that is not. */
  readonly #batches: { readonly count: number; isAcked: boolean }[] = [];
  #isClosed = false;

  constructor(store: Store) {
    this.#store = store;
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    const { held, changes } = this.#store;
    while (!signal.aborted) {
      if (this.#isClosed || this.#store.isClosed) throw notConnected('the buffer is closed');
      if (held.length > this.#handed) return this.#take(room);
      await changes.next(signal);
    }
    return null;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#store.changes.tell();
  }

  #take(room: Room): Batch {
    const { held } = this.#store;
    const messages: Message[] = [];
    let bytes = 0;
    do {
      const { message, bytes: weight } = held[this.#handed++] as Held;
      messages.push(message);
      bytes += weight;
    } while (this.#handed < held.length && messages.length < room.messages && bytes < room.bytes);
    const batch = { count: messages.length, isAcked: false };
    this.#batches.push(batch);
    return { messages, ack: () => this.#ack(batch) };
  }

  #ack(batch: { isAcked: boolean }): void {
    if (this.#isClosed) return;
    batch.isAcked = true;
    let count = 0;
    while (this.#batches[0]?.isAcked) count += this.#batches.shift()?.count ?? 0;
    this.#handed -= count;
    if (count > 0) this.#store.forget(count);
  }
}
