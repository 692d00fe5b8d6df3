import type { Batch } from '../connector.ts';
import type { Message } from '../message.ts';
import type { Books } from './books.ts';

/** How a delivery can end otherwise than delivered or filtered. */
export type BadEnd = 'dropped' | 'deadLettered' | 'postponed';

/**
 * A batch on its way through a pump: it is done when every part made from it has ended.
 *
 * One counter per batch and no other reference counts; only what goes wrong is remembered by message.
 */
export class Ticket {
  readonly batch: Batch;
  readonly bytes: number;
  readonly readAt: number;
  /** Parts that have not ended, and one for the pump while it still adds parts. */
  #pending = 1;
  #bad: Map<Message, BadEnd> | undefined;
  /** Deliveries of which at least one part went to a sink; `all` saves the set when no step can filter or split. */
  routed: Set<Message> | 'all' = 'all';
  readonly #ended: (ticket: Ticket) => void;

  constructor(batch: Batch, bytes: number, readAt: number, ended: (ticket: Ticket) => void) {
    this.batch = batch;
    this.bytes = bytes;
    this.readAt = readAt;
    this.#ended = ended;
  }

  get isDone(): boolean {
    return this.#pending === 0;
  }

  begin(parts: number): void {
    this.#pending += parts;
  }

  /** One part has ended. */
  end(): void {
    if (--this.#pending === 0) this.#ended(this);
  }

  /** Remembers how this delivery ends; of the two that keep it, the first stays. False when it was already known to end so, or to be kept. */
  mark(received: Message, how: BadEnd): boolean {
    this.#bad ??= new Map();
    const before = this.#bad.get(received);
    if (before === 'deadLettered' || before === 'postponed' || before === how) return false;
    this.#bad.set(received, how);
    return true;
  }

  /** Enters the whole batch into the books. */
  enter(books: Books): void {
    const count = this.batch.messages.length;
    let badRouted = 0;
    for (const [message, how] of this.#bad ?? []) {
      books[how]++;
      if (this.routed === 'all' || this.routed.has(message)) badRouted++;
    }
    const routed = this.routed === 'all' ? count : this.routed.size;
    const delivered = routed - badRouted;
    books.inFlight -= count;
    books.delivered += delivered;
    books.filtered += count - delivered - (this.#bad?.size ?? 0);
  }
}
