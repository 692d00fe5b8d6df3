import type { Clock } from '../../clock.ts';
import { RecentlyUsed } from '../recently-used.ts';

export interface Answer {
  /** Undefined: there is none. */
  readonly value: unknown;
  readonly bytes: number;
}

export interface CacheSettings {
  readonly ttl: number;
  readonly missingTtl: number | undefined;
  readonly maxEntries: number;
  readonly maxBytes: number;
}

interface Kept {
  readonly answer: Answer;
  /** Monotonic ms. */
  readonly until: number;
}

/** Answers that are asked for once: who asks while one is on its way gets the same, and later ones for as long as it is kept. */
export class Answers {
  readonly #settings: CacheSettings;
  readonly #clock: Clock;
  readonly #kept: RecentlyUsed<Kept>;
  readonly #onTheirWay = new Map<string, Promise<Answer>>();
  #bytes = 0;

  constructor(settings: CacheSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#kept = new RecentlyUsed(settings.maxEntries, ({ answer }) => {
      this.#bytes -= answer.bytes;
    });
  }

  /** `ask` is called when nobody knows it yet; what it rejects with is told to all who wait, and not kept. */
  get(key: string, ask: () => Promise<Answer>): Answer | Promise<Answer> {
    const kept = this.#kept.get(key);
    if (kept && this.#clock.now() < kept.until) return kept.answer;
    let asked = this.#onTheirWay.get(key);
    if (!asked) {
      asked = this.#ask(key, ask);
      this.#onTheirWay.set(key, asked);
    }
    return asked;
  }

  async #ask(key: string, ask: () => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await ask();
      this.#keep(key, answer);
      return answer;
    } finally {
      this.#onTheirWay.delete(key);
    }
  }

  #keep(key: string, answer: Answer): void {
    const { ttl, missingTtl = ttl, maxBytes } = this.#settings;
    const forMs = answer.value === undefined ? missingTtl : ttl;
    this.#kept.delete(key);
    if (forMs === 0) return;
    this.#bytes += answer.bytes;
    this.#kept.set(key, { answer, until: this.#clock.now() + forMs });
    while (this.#bytes > maxBytes) this.#kept.forgetOldest();
  }
}
