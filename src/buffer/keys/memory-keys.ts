/** Keys that nothing outlives: for tests of routes. */
import type { Clock } from '../../clock.ts';
import type { Key, KeyLimits, KeyStats, Keys } from './keys.ts';

export class MemoryKeys implements Keys {
  readonly #limits: KeyLimits;
  readonly #clock: Clock;
  /** When each came, the oldest first. */
  readonly #keys = new Map<Key, number>();

  constructor(limits: KeyLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  has(key: Key): boolean {
    return this.#keys.has(key);
  }

  async add(keys: readonly Key[]): Promise<void> {
    for (const key of keys) if (!this.#keys.has(key)) this.#keys.set(key, this.#clock.now());
    this.forgetOld();
  }

  forgetOld(): void {
    const { windowMs, maxKeys } = this.#limits;
    for (const [key, at] of this.#keys) {
      if (this.#keys.size <= maxKeys && this.#clock.now() - at < windowMs) return;
      this.#keys.delete(key);
    }
  }

  stats(): KeyStats {
    return { keys: this.#keys.size, bytes: 0 };
  }

  async close(): Promise<void> {}
}
