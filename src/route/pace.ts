import { setTimeout as sleep } from 'node:timers/promises';

/** How many letters are sent again, and how fast. */
export interface Pace {
  /** Letters handed out, at most. */
  readonly limit: number;
  /** Between two letters, on average. */
  readonly everyMs: number;
}

/** Counts and slows down. */
export class Metronome {
  isWaiting = false;
  readonly #pace: Pace;
  #handedOut = 0;
  #nextAt = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** How many letters may be handed out now, once it resolves; 0: no more. */
  async beat(signal: AbortSignal): Promise<number> {
    const waitMs = this.#nextAt - performance.now();
    if (waitMs > 0) {
      this.isWaiting = true;
      await sleep(waitMs, undefined, { signal }).catch(() => undefined); // by the abort, which the caller sees
      this.isWaiting = false;
    }
    const left = this.#pace.limit - this.#handedOut;
    return this.#pace.everyMs === 0 ? left : Math.min(left, Math.max(1, Math.floor(burstMs / this.#pace.everyMs)));
  }

  gone(letters: number): void {
    this.#handedOut += letters;
    this.#nextAt = Math.max(performance.now(), this.#nextAt) + letters * this.#pace.everyMs;
  }
}

/** With a rate, so much of it at once. */
const burstMs = 100;
