import type { Message } from '../../message.ts';

/** The messages that came last, still in memory: what leaves soon is not read from the disk again. */
export class RecentMessages {
  readonly #messages = new Map<number, Message>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(id: number, message: Message): void {
    this.#messages.set(id, message);
    this.#bytes += message.bytes;
    if (this.#bytes > this.#maxBytes) this.#forgetOldest();
  }

  get(id: number): Message | undefined {
    return this.#messages.get(id);
  }

  #forgetOldest(): void {
    for (const oldest of this.#messages.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.forget(oldest);
    }
  }

  forget(id: number): void {
    const message = this.#messages.get(id);
    if (!message) return;
    this.#messages.delete(id);
    this.#bytes -= message.bytes;
  }
}
