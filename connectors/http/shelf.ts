/** Messages that wait to be pulled, and those that were and are not acked. */
import { randomBytes } from 'node:crypto';
import type { Message } from '../../src/connector.ts';

export interface Held {
  readonly message: Message;
  /** How often it was handed out. */
  attempts: number;
  /** It was acked; or it was handed out too often. */
  ended(how: 'acked' | 'spent'): void;
}

export interface ShelfLimits {
  readonly visibilityMs: number;
  readonly maxDeliveries: number;
}

interface Out {
  readonly held: Held;
  readonly timer: NodeJS.Timeout;
}

/** The highest priority first; of the same, what came first, also when it comes back. */
export class Shelf {
  readonly #limits: ShelfLimits;
  /** By priority. */
  readonly #waiting = new Map<number, Held[]>();
  /** By receipt. */
  readonly #out = new Map<string, Out>();
  #wake: (() => void)[] = [];

  constructor(limits: ShelfLimits) {
    this.#limits = limits;
  }

  put(held: Held): void {
    const priority = held.message.priority ?? 0;
    const queue = this.#waiting.get(priority);
    // What comes back goes to the front: it has waited for longer.
    if (queue && held.attempts > 0) queue.unshift(held);
    else if (queue) queue.push(held);
    else this.#waiting.set(priority, [held]);
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Hands out at most so many, each with the receipt by which it is acked. */
  take(max: number, visibilityMs = this.#limits.visibilityMs): { readonly receipt: string; readonly held: Held }[] {
    const taken = [];
    for (let held = this.#next(); held && taken.length < max; held = taken.length < max ? this.#next() : undefined) {
      const receipt = randomBytes(12).toString('base64url');
      const timer = setTimeout(() => this.giveBack(receipt), visibilityMs);
      held.attempts++;
      this.#out.set(receipt, { held, timer });
      taken.push({ receipt, held });
    }
    return taken;
  }

  /** False when it is not known: its time is over, or it is of another life. */
  ack(receipt: string): boolean {
    const held = this.#takeBack(receipt);
    held?.ended('acked');
    return held !== undefined;
  }

  /** It is handed out again, unless that was often enough. `isUnseen`: it never reached anybody. */
  giveBack(receipt: string, isUnseen = false): boolean {
    const held = this.#takeBack(receipt);
    if (!held) return false;
    if (isUnseen) held.attempts--;
    if (held.attempts >= this.#limits.maxDeliveries) held.ended('spent');
    else this.put(held);
    return true;
  }

  /** Resolves when something has been put, the signal is aborted, or the shelf is closed. */
  arrival(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        this.#wake = this.#wake.filter((one) => one !== wake);
        resolve();
      };
      const wake = () => {
        signal.removeEventListener('abort', over);
        resolve();
      };
      this.#wake.push(wake);
      signal.addEventListener('abort', over, { once: true });
      if (signal.aborted) over();
    });
  }

  close(): void {
    for (const { timer } of this.#out.values()) clearTimeout(timer);
    this.#out.clear();
    this.#waiting.clear();
    for (const wake of this.#wake.splice(0)) wake();
  }

  #next(): Held | undefined {
    const highest = Math.max(...this.#waiting.keys());
    const queue = this.#waiting.get(highest);
    const held = queue?.shift();
    if (queue?.length === 0) this.#waiting.delete(highest);
    return held;
  }

  #takeBack(receipt: string): Held | undefined {
    const out = this.#out.get(receipt);
    if (!out) return undefined;
    clearTimeout(out.timer);
    this.#out.delete(receipt);
    return out.held;
  }
}
