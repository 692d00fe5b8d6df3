import type { Message } from '../../message.ts';

/**
 * The messages that came last, still in memory: what leaves soon is not read from the disk again.
 *
 * In two generations, each of at most half the room: the older one is let go as a whole. A Map from which the oldest goes again and again is
 * slow, as V8 walks over the places of all that were deleted to find the next one.
 */
export class RecentMessages {
  #young = new Map<number, Message>();
  #old = new Map<number, Message>();
  readonly #halfBytes: number;
  /** Of all that were put into the young one, also of those that have left it. */
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#halfBytes = maxBytes / 2;
  }

  add(id: number, message: Message): void {
    if (message.bytes > this.#halfBytes) return;
    if (this.#bytes + message.bytes > this.#halfBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#bytes = 0;
    }
    this.#young.set(id, message);
    this.#bytes += message.bytes;
  }

  get(id: number): Message | undefined {
    return this.#young.get(id) ?? this.#old.get(id);
  }

  forget(id: number): void {
    if (!this.#young.delete(id)) this.#old.delete(id);
  }
}
