export interface Outcome {
  readonly accepted: number;
  /** The places in the request of what was not settled in time. */
  readonly missing: readonly number[];
  readonly why: string;
}

/** A request of a publisher, until it is answered. */
export class Post {
  /** Resolves when all is settled, or nobody waits any longer. */
  readonly ended: Promise<Outcome>;
  /** Something of it was handed on: nobody knows what becomes of it. */
  taken = false;
  isOver = false;
  readonly #missing: Set<number>;
  readonly #count: number;
  readonly #timer: NodeJS.Timeout;
  #end: (outcome: Outcome) => void = () => undefined;

  constructor(count: number, timeoutMs: number) {
    this.#count = count;
    this.#missing = new Set(Array.from({ length: count }, (_, i) => i));
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#timer = setTimeout(() => this.giveUp('it was not settled in time'), timeoutMs);
  }

  settled(index: number): void {
    this.#missing.delete(index);
    if (this.#missing.size === 0) this.#over('');
  }

  /** What of it still waits is not handed on any more. */
  giveUp(why: string): void {
    this.#over(this.taken ? `${why}; it may arrive all the same, so send what is missing again` : `${why}; send it again`);
  }

  #over(why: string): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.#timer);
    this.#end({ accepted: this.#count - this.#missing.size, missing: [...this.#missing], why });
  }
}
