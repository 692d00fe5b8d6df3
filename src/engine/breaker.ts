import type { Clock } from '../clock.ts';
import type { Log } from '../connector.ts';

export interface BreakerPlan {
  /** Refusals for now in a row that open it: nothing written since the first of them was confirmed. */
  readonly failures: number;
  /** How long nothing is written then. */
  readonly openForMs: number;
}

interface BreakerOptions {
  /** The name of the sink, for the log. */
  readonly end: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when nothing is written any more. */
  readonly signal: AbortSignal;
  /** Called when a message may be tried. */
  rested(): void;
}

const logEveryMs = 30_000;

/**
 * Whether a sink that keeps refusing "for now" is well enough to be written to.
 *
 * - *closed*: it is. After `failures` refusals for now in a row → *open*.
 * - *open*: nothing is written for `openForMs`; then one message alone, once all that is on its way has come back → *halfOpen*.
 * - *halfOpen*: that message is on its way. Confirmed → *closed*; refused for now → *open*. Refused for good, or the link is lost: that says nothing
 *   of the sink, another one is tried alone.
 *
 * Lost links are none of its business: they have a back-off of their own.
 */
export class Breaker {
  state: 'closed' | 'open' | 'halfOpen' = 'closed';
  /** Times that it was closed, and opened. */
  openings = 0;
  readonly #plan: BreakerPlan;
  readonly #o: BreakerOptions;
  /** Which row of refusals this is; for confirmed(). */
  row = 0;
  #inARow = 0;
  #isRested = false;
  #saidAt = Number.NEGATIVE_INFINITY;
  /** The log has it that it is open. */
  #isSaid = false;

  constructor(plan: BreakerPlan, options: BreakerOptions) {
    this.#plan = plan;
    this.#o = options;
  }

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  /** One message may be written if no other is on its way. */
  get mayTry(): boolean {
    return this.state === 'halfOpen' || this.#isRested;
  }

  /** One message is written alone. */
  tries(): void {
    this.state = 'halfOpen';
  }

  /** The sink has refused a message for now. */
  refused(): void {
    if (this.state === 'open') return; // it was written before
    if (this.state === 'closed') {
      if (this.#inARow === 0) this.row++;
      if (++this.#inARow < this.#plan.failures) return;
      this.openings++;
    }
    this.#open();
  }

  /** The sink has confirmed a message that was written in this row: an earlier one says nothing of how it is now. */
  confirmed(row: number): void {
    if (row < this.row || this.state === 'open') return;
    this.#inARow = 0;
    if (this.state === 'closed') return;
    this.state = 'closed';
    const { end, log } = this.#o;
    if (this.#isSaid) log.info({ end, breaker: 'closed' }, `${end} takes messages again`);
    this.#isSaid = false;
  }

  #open(): void {
    const { clock, signal, rested } = this.#o;
    this.state = 'open';
    this.#inARow = 0;
    this.#isRested = false;
    this.#say();
    void clock.sleep(this.#plan.openForMs, signal).then(() => {
      this.#isRested = true;
      rested();
    });
  }

  /** At most every 30 s. */
  #say(): void {
    const { end, clock, log } = this.#o;
    if (clock.now() - this.#saidAt < logEveryMs) return;
    this.#saidAt = clock.now();
    this.#isSaid = true;
    const text = `${end} refuses messages for now, again and again: nothing is written for ${this.#plan.openForMs} ms, then one alone`;
    log.warn({ end, breaker: 'open', openings: this.openings }, text);
  }
}
