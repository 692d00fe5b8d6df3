import type { Clock } from '../../src/clock.ts';

/** Time that stands still until somebody sleeps: then it jumps there. */
export class JumpClock implements Clock {
  time = 0;
  readonly slept: number[] = [];

  now(): number {
    return this.time;
  }

  date(): number {
    return this.time;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    this.slept.push(ms);
    this.time += ms;
  }

  random(): number {
    return 1;
  }
}
