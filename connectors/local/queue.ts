import { randomBytes } from 'node:crypto';
import { type Message, notConnected, type Room } from '../../src/connector.ts';

/** A message in the queue; its number says where it belongs when it comes back. */
export interface Entry {
  readonly number: number;
  readonly message: Message;
}

interface Waiting {
  readonly owner: object;
  readonly messages: readonly Message[];
  readonly maxMessages: number;
  next: number;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * A queue in memory. Each entry is *waiting*, or *handed out* and not yet settled; both count as its depth.
 * Writers that find it full wait in turn, so the order of writes is the order of the queue.
 */
export class LocalQueue {
  readonly name: string;
  /** No other queue has it, of this process or of another: positions begin again with each. */
  readonly id = randomBytes(12).toString('base64url');
  #waiting: Entry[] = [];
  #head = 0;
  #handedOut = 0;
  #lastNumber = 0;
  #writers: Waiting[] = [];
  readonly #readers = new Set<() => void>();

  constructor(name: string) {
    this.name = name;
  }

  get depth(): number {
    return this.#waiting.length - this.#head + this.#handedOut;
  }

  /** Resolves when all of them are in the queue. They go in as room appears. */
  put(messages: readonly Message[], maxMessages: number, owner: object): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#writers.push({ owner, messages, maxMessages, next: 0, resolve, reject });
      this.#admit();
    });
  }

  /** Ends the waiting writes of an owner; what they had put in stays. */
  giveUp(owner: object): void {
    const mine = this.#writers.filter((writer) => writer.owner === owner);
    this.#writers = this.#writers.filter((writer) => writer.owner !== owner);
    for (const writer of mine) writer.reject(notConnected(`the link to the local queue ${this.name} was closed`));
    this.#admit();
  }

  /** What waits, at most `room`, at least one if there is any. */
  take(room: Room): Entry[] {
    const start = this.#head;
    let bytes = 0;
    while (this.#head < this.#waiting.length && (this.#head === start || (this.#head - start < room.messages && bytes < room.bytes))) {
      bytes += (this.#waiting[this.#head++] as Entry).message.bytes;
    }
    const taken = this.#waiting.slice(start, this.#head);
    if (this.#head === this.#waiting.length || this.#head > 10_000) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    this.#handedOut += taken.length;
    return taken;
  }

  /** Entries that were handed out are done with. */
  settle(count: number): void {
    this.#handedOut -= count;
    this.#admit();
  }

  /** Entries that were handed out come again, at the place they had. */
  putBack(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#handedOut -= entries.length;
    this.#waiting = [...entries, ...this.#waiting.slice(this.#head)].sort((a, b) => a.number - b.number);
    this.#head = 0;
    this.#wakeReaders();
  }

  /** Resolves when something waits, on abort, and when the link is closed. */
  arrival(signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#readers.delete(wake);
        for (const signal of signals) signal.removeEventListener('abort', wake);
        resolve();
      };
      if (this.#waiting.length > this.#head || signals.some((signal) => signal.aborted)) return resolve();
      this.#readers.add(wake);
      for (const signal of signals) signal.addEventListener('abort', wake);
    });
  }

  #admit(): void {
    while (this.#writers.length > 0) {
      const writer = this.#writers[0] as Waiting;
      while (writer.next < writer.messages.length && this.depth < writer.maxMessages) {
        this.#waiting.push({ number: ++this.#lastNumber, message: writer.messages[writer.next++] as Message });
      }
      if (writer.next < writer.messages.length) break;
      this.#writers.shift();
      writer.resolve();
    }
    if (this.#waiting.length > this.#head) this.#wakeReaders();
  }

  #wakeReaders(): void {
    for (const wake of [...this.#readers]) wake();
  }
}

const queues = new Map<string, LocalQueue>();

/** The queue of this name; made when it is first asked for. All routes of the process see the same one. */
export function localQueue(name: string): LocalQueue {
  let queue = queues.get(name);
  if (!queue) queues.set(name, (queue = new LocalQueue(name)));
  return queue;
}

/** Forgets all queues and what is in them. For tests. */
export function resetLocalQueues(): void {
  queues.clear();
}
