/** At most so many at work at once; the others wait, and come in turn. */
export class Turns {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #atWork = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#atWork >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#atWork++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next)
        next(); // it has the place of this one
      else this.#atWork--;
    }
  }
}
