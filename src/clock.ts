import { setTimeout as wait } from 'node:timers/promises';

/** What time it is: for a simulation, or a test, to own. */
export interface Time {
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since the epoch. */
  date(): number;
}

/** Time and chance, so that a simulation can own both. */
export interface Clock extends Time {
  /** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  sleep: (ms, signal) =>
    wait(ms, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    }),
  random: Math.random,
};

/** How long to wait after so many failures: exponential, capped, with jitter: between half and the whole of it. */
export function pause(backoff: { readonly fromMs: number; readonly toMs: number }, failures: number, clock: Clock): number {
  const whole = Math.min(backoff.fromMs * 2 ** Math.min(failures, 30), backoff.toMs);
  return whole * (0.5 + clock.random() / 2);
}
