/**
 * Lets a push-style client drop items in and {@link Source.read} pick them up in batches.
 *
 * It has no limit of its own: the broker's window (prefetch, receive maximum) is the limit, as nothing is acked before it has gone through.
 * One reader at a time.
 */
export class Inbox<T> {
  #items: T[] = [];
  #next = 0;
  #wake: (() => void) | undefined;
  #ended = false;
  #error: Error | undefined;
  readonly #bytesOf: (item: T) => number;

  constructor(bytesOf: (item: T) => number) {
    this.#bytesOf = bytesOf;
  }

  /** Items that wait to be taken. */
  get length(): number {
    return this.#items.length - this.#next;
  }

  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** No more items. What waits is forgotten when there is an error (it comes again on the next link), else it can still be taken. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    if (error) this.#items = [];
    if (error) this.#next = 0;
    this.#wake?.();
  }

  /** What is waiting, at least one item, at most `room`; null at the end and on abort. Throws the error it was ended with. */
  async take(room: { messages: number; bytes: number }, signal: AbortSignal): Promise<T[] | null> {
    while (this.length === 0) {
      if (this.#error) throw this.#error;
      if (this.#ended || signal.aborted) return null;
      await this.#arrival(signal);
    }
    return this.#cut(room);
  }

  #arrival(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake);
    });
  }

  #cut(room: { messages: number; bytes: number }): T[] {
    const start = this.#next;
    let bytes = 0;
    do bytes += this.#bytesOf(this.#items[this.#next++] as T);
    while (this.#next < this.#items.length && this.#next - start < room.messages && bytes < room.bytes);
    if (start === 0 && this.#next === this.#items.length) {
      const all = this.#items;
      this.#items = [];
      this.#next = 0;
      return all;
    }
    const cut = this.#items.slice(start, this.#next);
    // What was taken must not grow old in here; moving the rest only then keeps it cheap.
    if (this.#next * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#next);
      this.#next = 0;
    }
    return cut;
  }
}
