/** Two ways to wait: for a change, and not for ever. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Tells those who wait that something has changed; what it was they look up themselves. */
export class Changes {
  #listeners = new Set<() => void>();

  /** Resolves at the next `tell`, or on abort. */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        this.#listeners.delete(done);
        resolve();
      };
      if (signal.aborted) return done();
      signal.addEventListener('abort', done);
      this.#listeners.add(done);
    });
  }

  tell(): void {
    const listeners = this.#listeners;
    this.#listeners = new Set();
    for (const listener of listeners) listener();
  }
}

/** Whether the work was done in time. It goes on when it was not. */
export async function inTime(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const patience = new AbortController();
  const late = sleep(limitMs, false, { signal: patience.signal }).catch(() => true);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    patience.abort();
  }
}
