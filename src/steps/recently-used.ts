import { hash } from 'node:crypto';

/** Longer ones are kept as their hash: keys come out of messages, and may be of any length. */
const longestKey = 100;

/**
 * How many are forgotten at once: to find the oldest of a Map, V8 walks over the places of all that were deleted before it, 38 µs among 100,000.
 */
const forgottenAtOnce = 1 / 16;

/** Values by key, at most so many: beyond it, those that were not asked for longest are forgotten. */
export class RecentlyUsed<V> {
  readonly #entriesMax: number;
  readonly #forgotten: (value: V) => void;
  readonly #values = new Map<string, V>();

  constructor(entriesMax: number, forgotten: (value: V) => void = () => {}) {
    this.#entriesMax = entriesMax;
    this.#forgotten = forgotten;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    const name = nameOf(key);
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    this.#values.delete(name); // a Map keeps the order in which its keys came
    this.#values.set(name, value);
    return value;
  }

  set(key: string, value: V): void {
    this.delete(key);
    this.#values.set(nameOf(key), value);
    if (this.#values.size > this.#entriesMax) this.forgetOldest();
  }

  delete(key: string): void {
    this.#remove(nameOf(key));
  }

  forgetOldest(): void {
    let count = Math.ceil(this.#values.size * forgottenAtOnce);
    for (const name of this.#values.keys()) {
      if (count-- === 0) break;
      this.#remove(name);
    }
  }

  #remove(name: string): void {
    const value = this.#values.get(name);
    if (value === undefined) return;
    this.#values.delete(name);
    this.#forgotten(value);
  }
}

function nameOf(key: string): string {
  return key.length <= longestKey ? key : `sha256 ${hash('sha256', key)}`;
}
