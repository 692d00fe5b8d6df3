/** Records of one partition on their way out: one send at a time, so that nothing can overtake and a repeat is recognised by the broker. */

import type { Message } from '../../src/connector.ts';
import { MqferryError, type Refusal } from '../../src/connector.ts';
import type { OutRecord } from './port.ts';

/** One `write` that waits for its records. */
export class PendingWrite {
  readonly done: Promise<readonly Refusal[]>;
  readonly #refusals: Refusal[] = [];
  #left: number;
  #resolve!: (refusals: readonly Refusal[]) => void;
  #reject!: (error: MqferryError) => void;

  constructor(count: number) {
    this.#left = count;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (count === 0) this.#resolve([]);
  }

  confirm(): void {
    if (--this.#left === 0) this.#resolve(this.#refusals);
  }

  /** For good: what holds one message back would hold back all that follow it. */
  refuse(message: Message, error: MqferryError): void {
    this.#refusals.push({ message, error, retry: false });
    this.confirm();
  }

  fail(error: MqferryError): void {
    this.#reject(error);
  }
}

/** A record and whose it is. */
export interface QueuedRecord extends OutRecord {
  readonly message: Message;
  readonly write: PendingWrite;
  readonly bytes: number;
}

interface QueueLimits {
  readonly messages: number;
  readonly bytes: number;
}

export class PartitionQueue {
  /** When the send in flight began; 0 while there is none. */
  sendingSince = 0;
  #records: QueuedRecord[] = [];
  #next = 0;
  readonly #limits: QueueLimits;
  readonly #send: (records: readonly OutRecord[]) => Promise<void>;
  readonly #onLost: (error: unknown) => void;
  #running = false;
  #stopped = false;

  constructor(limits: QueueLimits, send: (records: readonly OutRecord[]) => Promise<void>, onLost: (error: unknown) => void) {
    this.#limits = limits;
    this.#send = send;
    this.#onLost = onLost;
  }

  push(record: QueuedRecord): void {
    this.#records.push(record);
  }

  /** Starts sending what was pushed, unless it is at it already. */
  kick(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#run().catch((error: unknown) => this.#onLost(error));
  }

  /** Sends nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#records = [];
  }

  async #run(): Promise<void> {
    while (this.#next < this.#records.length && !this.#stopped) await this.#deliver(this.#cut());
    // In the same step as the look at the queue: a record pushed between the two would lie there for ever.
    this.#running = false;
  }

  #cut(): QueuedRecord[] {
    const start = this.#next;
    const end = batchEnd(this.#records, start, this.#limits);
    this.#next = end;
    if (end < this.#records.length) return this.#records.slice(start, end);
    const batch = start === 0 ? this.#records : this.#records.slice(start);
    this.#records = [];
    this.#next = 0;
    return batch;
  }

  /** Sends a batch; when the broker will not have it, halves it until the bad record stands alone. */
  async #deliver(batch: readonly QueuedRecord[]): Promise<void> {
    if (this.#stopped) return;
    this.sendingSince = Date.now();
    try {
      await this.#send(batch);
    } catch (error) {
      const bad = error instanceof MqferryError && (error.code === 'TOO_LARGE' || error.code === 'REFUSED');
      if (!bad) throw error;
      const [only] = batch;
      if (batch.length === 1 && only) return only.write.refuse(only.message, error);
      const middle = batch.length >> 1;
      await this.#deliver(batch.slice(0, middle));
      return await this.#deliver(batch.slice(middle)); // awaited here, or `finally` would say that nothing is sent
    } finally {
      this.sendingSince = 0;
    }
    for (const record of batch) record.write.confirm();
  }
}

/** Where the batch that begins at `start` must end. */
export function batchEnd(records: readonly { readonly bytes: number }[], start: number, limits: QueueLimits): number {
  let bytes = 0;
  let end = start;
  while (end < records.length && end - start < limits.messages) {
    bytes += (records[end] as { readonly bytes: number }).bytes;
    if (end > start && bytes > limits.bytes) break;
    end++;
  }
  return end;
}
