import type { Clock } from '../../../src/clock.ts';
import { VirtualTime } from '../../../src/engine/virtual-clock.ts';

/** mulberry32: one seed gives one run, exactly. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** In [0, 1). */
  next(): number {
    this.#state += 0x6d2b79f5;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }
  chance(p: number): boolean {
    return this.next() < p;
  }
}

export { VirtualTime as World };

/** One life of mqferry. After kill() none of its timers fires and nothing that it waits for arrives. */
export class Process implements Clock {
  isAlive = true;
  readonly world: VirtualTime;
  readonly #random: Random;

  constructor(world: VirtualTime, random: Random) {
    this.world = world;
    this.#random = random;
  }
  now(): number {
    return this.world.now;
  }
  date(): number {
    return this.world.now;
  }
  random(): number {
    return this.#random.next();
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        if (this.isAlive) resolve();
      };
      this.world.at(ms, wake);
      signal?.addEventListener('abort', wake, { once: true });
      if (signal?.aborted) wake();
    });
  }
  kill(): void {
    this.isAlive = false;
  }
}

export interface Faults {
  isOn: boolean;
  /** Chance that a link is cut at a message the sink broker handles. */
  readonly sinkCut: number;
  /** Chance that a message is refused for now. */
  readonly refuse: number;
  /** Chance that bytes of a dead link are still processed. */
  readonly zombie: number;
}
