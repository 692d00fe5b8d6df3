/**
 * A signal that is aborted when one of several is, until it is dropped. `AbortSignal.any` leaves some 300 bytes behind at each of its signals for as long as
 * that lives (Node 24.9), which for one of a route that is asked for each read is too long.
 */
export class Either {
  readonly #stop = new AbortController();
  readonly #of: readonly AbortSignal[];
  readonly #over = () => this.#stop.abort();

  constructor(...of: readonly AbortSignal[]) {
    this.#of = of;
    for (const signal of of) signal.addEventListener('abort', this.#over, { once: true });
    if (of.some(({ aborted }) => aborted)) this.#over();
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  abort(): void {
    this.#stop.abort();
  }

  /** It listens to none of them any more. */
  drop(): void {
    for (const signal of this.#of) signal.removeEventListener('abort', this.#over);
  }
}
