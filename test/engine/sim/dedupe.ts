import type { Key, Keys } from '../../../src/buffer/keys/keys.ts';
import type { Refusal, Sink, SinkEnd } from '../../../src/connector.ts';
import type { Message } from '../../../src/message.ts';
import { DedupeSink } from '../../../src/steps/dedupe.ts';
import type { Process, Random } from './world.ts';

/** `shared` is the product; the others are wrong, or not good enough. */
export type DedupeWay =
  | 'shared'
  /** A copy of a message in flight counts as confirmed at once. */
  | 'dropped'
  /** What is to be written is known from then on. */
  | 'knownBefore';

/** Keys on a disk that takes its time: after a crash some that were on their way are there, too. */
export class KeysModel implements Keys {
  readonly #known: Set<Key>;
  readonly #process: Process;
  readonly #random: Random;

  constructor(known: Set<Key>, process: Process, random: Random) {
    this.#known = known;
    this.#process = process;
    this.#random = random;
  }

  has(key: Key): boolean {
    return this.#known.has(key);
  }

  async add(keys: readonly Key[]): Promise<void> {
    await this.#process.sleep(this.#random.int(0, 8));
    for (const key of keys) this.#known.add(key);
    await this.#process.sleep(this.#random.int(0, 8));
  }

  forgetOld(): void {}

  stats(): never {
    throw new Error('nobody asks');
  }

  async close(): Promise<void> {}
}

export function dedupe(inner: SinkEnd, keys: Keys, way: DedupeWay): SinkEnd {
  const keyOf = (message: Message) => message.id as string;
  return {
    can: inner.can,
    open: async (signal) => {
      const link = await inner.open(signal);
      if (way === 'shared') return new DedupeSink(link, keys, keyOf);
      return way === 'dropped' ? new DroppingSink(link, keys) : new HastySink(link, keys);
    },
  };
}

abstract class WrongSink implements Sink {
  protected readonly link: Sink;
  protected readonly keys: Keys;

  constructor(link: Sink, keys: Keys) {
    this.link = link;
    this.keys = keys;
  }

  abstract write(messages: readonly Message[]): Promise<readonly Refusal[]>;

  close(): Promise<void> {
    return this.link.close();
  }
}

class DroppingSink extends WrongSink {
  readonly #reserved = new Set<Key>();

  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    const fresh = messages.filter(({ id }) => {
      if (this.keys.has(id as string) || this.#reserved.has(id as string)) return false;
      this.#reserved.add(id as string);
      return true;
    });
    const refusals = fresh.length > 0 ? await this.link.write(fresh) : [];
    const refused = new Set(refusals.map(({ message }) => message));
    await this.keys.add(fresh.filter((message) => !refused.has(message)).map(({ id }) => id as string));
    for (const { id } of fresh) this.#reserved.delete(id as string);
    return refusals;
  }
}

class HastySink extends WrongSink {
  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    const fresh = messages.filter(({ id }) => !this.keys.has(id as string));
    if (fresh.length === 0) return [];
    void this.keys.add(fresh.map(({ id }) => id as string));
    return this.link.write(fresh);
  }
}
