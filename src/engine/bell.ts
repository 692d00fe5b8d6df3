/** Wakes those who wait for a condition: they look again each time somebody rings. */
export class Bell {
  #waiting: (() => void)[] = [];

  ring(): void {
    if (this.#waiting.length === 0) return;
    const all = this.#waiting;
    this.#waiting = [];
    for (const wake of all) wake();
  }

  async until(ready: () => boolean): Promise<void> {
    while (!ready()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** As `until`, but false when the signal is aborted first: then `ready` is not asked any more. */
  async untilOr(signal: AbortSignal, ready: () => boolean): Promise<boolean> {
    const wake = () => this.ring();
    let isReady = false;
    signal.addEventListener('abort', wake);
    try {
      await this.until(() => {
        isReady = !signal.aborted && ready();
        return isReady || signal.aborted;
      });
    } finally {
      signal.removeEventListener('abort', wake);
    }
    return isReady;
  }
}
