import { type Message, MqferryError, type Refusal } from '../../src/connector.ts';

/** One call of `write`: ended when every message of it has been confirmed or refused. */
interface Write {
  readonly nowMs: number;
  readonly refusals: Refusal[];
  readonly resolve: (refusals: readonly Refusal[]) => void;
  readonly reject: (error: Error) => void;
  left: number;
}

/** What has been published and not been confirmed. */
export interface Unconfirmed {
  readonly message: Message;
  /** As it was published; a template may say something else the next time. */
  readonly routingKey: string;
  readonly write: Write;
  returned: boolean;
}

/**
 * The books of a confirm channel: which publish has which number, and what became of it. Numbers count from 1, as the broker's do.
 */
export class Confirms {
  /** By number - `#base`; undefined once it has ended. */
  #entries: (Unconfirmed | undefined)[] = [];
  #base = 1;
  /** The first entry that may not have ended. */
  #head = 0;
  /** Index of the entry after the last returned one: the broker returns in the order in which it got them. */
  #returnsFrom = 0;
  #count = 0;

  /** How many have not ended. */
  get count(): number {
    return this.#count;
  }

  /** Begins a write; `promise` ends when all its messages have, at the latest with {@link seal}. */
  begin(nowMs: number): { write: Write; promise: Promise<readonly Refusal[]> } {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Refusal[]>();
    return { write: { nowMs, refusals: [], resolve, reject, left: 1 }, promise };
  }

  /** The next publish on the channel. */
  published(message: Message, routingKey: string, write: Write): void {
    this.#entries.push({ message, routingKey, write, returned: false });
    this.#count++;
    write.left++;
  }

  /** No more messages in this write. */
  seal(write: Write): void {
    finish(write);
  }

  /** An ack or nack. Numbers that have ended already, or were never given, are ignored. */
  settle(number: number, multiple: boolean, nacked: boolean): void {
    const index = number - this.#base;
    if (multiple) for (let i = this.#head; i <= index && i < this.#entries.length; i++) this.#end(i, nacked);
    else this.#end(index, nacked);
    while (this.#head < this.#entries.length && this.#entries[this.#head] === undefined) this.#head++;
    if (this.#head >= 4096 || this.#head === this.#entries.length) this.#forgetEnded();
  }

  /**
   * Marks the publish that a return belongs to: the first after the last returned one for which `same` holds. False when there is none. Two
   * that are equal in every byte are exchangeable, so taking the first of them is right.
   */
  returned(error: MqferryError, same: (entry: Unconfirmed) => boolean): boolean {
    for (let i = Math.max(this.#returnsFrom, this.#head); i < this.#entries.length; i++) {
      const entry = this.#entries[i];
      if (!entry || entry.returned || !same(entry)) continue;
      entry.returned = true;
      entry.write.refusals.push({ message: entry.message, error, retry: true });
      this.#returnsFrom = i + 1;
      return true;
    }
    return false;
  }

  /** The link is lost: the outcome of every write that has not ended is unknown. */
  fail(error: Error): void {
    const open = new Set<Write>();
    for (const entry of this.#entries) if (entry) open.add(entry.write);
    this.#entries = [];
    this.#count = 0;
    for (const write of open) write.reject(error);
  }

  #end(index: number, nacked: boolean): void {
    const entry = this.#entries[index];
    if (!entry) return;
    this.#entries[index] = undefined;
    this.#count--;
    if (nacked && !entry.returned) entry.write.refusals.push({ message: entry.message, error: nackError(), retry: true });
    finish(entry.write);
  }

  #forgetEnded(): void {
    this.#entries = this.#entries.slice(this.#head);
    this.#base += this.#head;
    this.#returnsFrom -= this.#head;
    this.#head = 0;
  }
}

function finish(write: Write): void {
  if (--write.left === 0) write.resolve(write.refusals);
}

function nackError(): MqferryError {
  return new MqferryError('REFUSED', 'RabbitMQ refused the message (basic.nack): its queue is full or failing');
}
