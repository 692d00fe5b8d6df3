import { hash } from 'node:crypto';

/** Longer ones are kept as their hash: keys come out of messages, and may be of any length. */
const longestKey = 100;

/** Values by key, at most so many: beyond it, the one that was not asked for longest is forgotten. */
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
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#remove(oldest);
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
