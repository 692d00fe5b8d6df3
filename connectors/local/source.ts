import { type Batch, notConnected, type Room, type Source } from '../../src/connector.ts';
import { received } from './message.ts';
import { type Entry, type LocalQueue, localQueue } from './queue.ts';

/** Reads a local queue. What it has handed out and was not acked is back in the queue, at its place, once it is closed. */
export function localSource(name: string): Source {
  return new LocalSource(localQueue(name));
}

class LocalSource implements Source {
  readonly #queue: LocalQueue;
  readonly #unsettled = new Set<readonly Entry[]>();
  readonly #closed = new AbortController();

  constructor(queue: LocalQueue) {
    this.#queue = queue;
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    for (;;) {
      if (signal.aborted) return null;
      if (this.#closed.signal.aborted) throw notConnected(`the link to the local queue ${this.#queue.name} is closed`);
      const entries = this.#queue.take(room);
      if (entries.length > 0) return this.#batch(entries);
      await this.#queue.arrival([signal, this.#closed.signal]);
    }
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#queue.putBack([...this.#unsettled].flat());
    this.#unsettled.clear();
  }

  #batch(entries: readonly Entry[]): Batch {
    this.#unsettled.add(entries);
    return {
      messages: entries.map(({ message, number }) => received(message, this.#queue.name, this.#queue.id, number)),
      ack: () => {
        if (this.#unsettled.delete(entries)) this.#queue.settle(entries.length);
      },
    };
  }
}
