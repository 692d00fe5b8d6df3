/** How long keys are remembered: in epochs, sixteen to a window, each forgotten as a whole. */
import type { KeyLimits } from './keys.ts';

/** Keys that came one after the other. */
export interface Epoch {
  /** One more than that of the epoch before. */
  readonly number: number;
  /** When its first key came, on a clock that never goes back. */
  readonly fromMs: number;
  /** Of its first record in the log. */
  readonly sequence: number;
  keys: number;
}

const inWindow = 16;

export class Epochs {
  readonly #limits: KeyLimits;
  /** The oldest first. */
  readonly #epochs: Epoch[] = [];
  keys = 0;

  constructor(limits: KeyLimits) {
    this.#limits = limits;
  }

  get oldest(): Epoch | undefined {
    return this.#epochs[0];
  }

  get last(): Epoch | undefined {
    return this.#epochs.at(-1);
  }

  /** Whether what comes now belongs to a new epoch. */
  isOver(nowMs: number): boolean {
    const { last } = this;
    if (!last) return true;
    return last.keys >= this.#limits.maxKeys / inWindow || nowMs - last.fromMs >= this.#limits.windowMs / inWindow;
  }

  begin(epoch: Epoch): void {
    this.#epochs.push(epoch);
    this.keys += epoch.keys;
  }

  added(epoch: Epoch): void {
    epoch.keys++;
    this.keys++;
  }

  /** Takes out the oldest epoch, if none of its keys must be remembered any more. */
  takeForgotten(nowMs: number): Epoch | undefined {
    const [oldest, next] = this.#epochs;
    if (!oldest) return undefined;
    const { maxKeys, windowMs } = this.#limits;
    // All its keys came before the next epoch began, and those of the last one within the time that an epoch takes.
    const lastMs = next?.fromMs ?? oldest.fromMs + windowMs / inWindow;
    if (nowMs - lastMs < windowMs && this.keys - oldest.keys < maxKeys) return undefined;
    this.keys -= oldest.keys;
    return this.#epochs.shift();
  }
}
