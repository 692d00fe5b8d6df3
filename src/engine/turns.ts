import { Bell } from './bell.ts';

/** Who handles a message in this process: any number together, or one alone. Who wants to be alone waits only for those who are at it. */
export class Turns {
  #together = 0;
  #isAlone = false;
  #wantAlone = 0;
  readonly #bell = new Bell();

  /** Resolves when it is one's turn, with what ends it (safe to call twice). Once the signal is aborted nobody waits. */
  async take(alone: boolean, signal: AbortSignal): Promise<() => void> {
    if (!alone) return this.#turn(await this.#bell.untilOr(signal, () => this.#join()), () => this.#together--);
    this.#wantAlone++;
    const isMine = await this.#bell.untilOr(signal, () => this.#reserve());
    if (!isMine) this.#wantAlone--;
    return this.#turn(isMine, () => {
      this.#isAlone = false;
    });
  }

  // Taken within the look: of several who are woken, the next one sees it.
  #join(): boolean {
    if (this.#isAlone || this.#wantAlone > 0) return false;
    this.#together++;
    return true;
  }

  #reserve(): boolean {
    if (this.#isAlone || this.#together > 0) return false;
    this.#wantAlone--;
    this.#isAlone = true;
    return true;
  }

  #turn(isMine: boolean, end: () => void): () => void {
    let isOver = !isMine;
    this.#bell.ring();
    return () => {
      if (isOver) return;
      isOver = true;
      end();
      this.#bell.ring();
    };
  }
}
