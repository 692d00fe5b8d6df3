import type { Clock } from '../clock.ts';

export interface Timer {
  readonly at: number;
  readonly fire: () => void;
  isCancelled: boolean;
}

/** Virtual time. One timer fires per turn, after every promise that could move has moved; no time passes otherwise. */
export class VirtualTime {
  /** Milliseconds since it began. */
  now = 0;
  /** By time, then by age. */
  readonly #timers: Timer[] = [];

  at(delayMs: number, fire: () => void): Timer {
    const timer = { at: this.now + delayMs, fire, isCancelled: false };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#timers[middle] as Timer).at <= timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return timer;
  }

  /** Runs until `done`; false when nothing more happens before the limit. */
  async run(done: () => boolean, limitMs: number): Promise<boolean> {
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (done()) return true;
      const timer = this.#next();
      if (!timer) return false;
      if (timer.at > limitMs) {
        this.#timers.unshift(timer); // for who goes on from here
        return false;
      }
      this.now = timer.at;
      timer.fire();
    }
  }

  #next(): Timer | undefined {
    for (;;) {
      const timer = this.#timers.shift();
      if (!timer?.isCancelled) return timer;
    }
  }
}

/** The clock of one run in virtual time that begins at a given date. Nothing is left to chance: every back-off takes its longest. */
export class VirtualClock implements Clock {
  readonly time = new VirtualTime();
  readonly #startMs: number;

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  date(): number {
    return Math.round(this.#startMs + this.time.now);
  }

  now(): number {
    return this.time.now;
  }

  random(): number {
    return 1 - Number.EPSILON;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        timer.isCancelled = true;
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = this.time.at(ms, wake);
      signal?.addEventListener('abort', wake);
    });
  }
}
