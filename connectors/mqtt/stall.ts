/** Calls `stalled` when there was work, but no progress, for `timeoutMs` to a quarter more. Reads no clock on the way of a message. */
export class Stall {
  readonly #timeoutMs: number;
  readonly #stalled: () => void;
  #timer: NodeJS.Timeout | undefined;
  #quietQuarters = 0;

  constructor(timeoutMs: number, stalled: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#stalled = stalled;
  }

  /** There is work from now on. */
  watch(): void {
    this.#timer ??= setInterval(() => this.#tick(), this.#timeoutMs / 4);
  }

  progress(): void {
    this.#quietQuarters = 0;
  }

  /** All work is done. */
  rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#quietQuarters = 0;
  }

  #tick(): void {
    if (++this.#quietQuarters > 4) this.#stalled();
  }
}
