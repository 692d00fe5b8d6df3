import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../engine/engine.ts';
import type { LinkStatus } from '../engine/supervise.ts';

const lookEveryMs = 50;

/** How a run ended by itself. */
export type Outcome = 'over' | 'finished' | 'idle' | 'linkDown';

/** Watches for the end that a run may have by itself. */
export class Idle {
  readonly #engine: Engine;
  readonly #idleMs: number | undefined;
  readonly #connectTimeoutMs: number;
  readonly #downSince = new Map<LinkStatus, number>();
  /** With `linkDown`: which, and why. */
  reason = '';

  constructor(engine: Engine, idleMs: number | undefined, connectTimeoutMs: number) {
    this.#engine = engine;
    this.#idleMs = idleMs;
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  /**
   * `over`: no route runs any more. `finished`: every source has ended and everything is delivered. `idle`: nothing happened for as long
   * as was asked. `linkDown`: an idle end was asked for, and a link stays down.
   */
  async outcome(): Promise<Outcome> {
    let idleMs = 0;
    let before = this.#engine.moved;
    for (let lookedAt = performance.now(); ; ) {
      await sleep(lookEveryMs);
      await nextTurn(); // what has come meanwhile is heard first
      const now = performance.now();
      // Time in which the process did not run says nothing about its sources.
      const passedMs = Math.min(now - lookedAt, 2 * lookEveryMs);
      lookedAt = now;
      if (this.#engine.isOver) return 'over';
      if (this.#engine.isFinished) return 'finished';
      if (this.#idleMs === undefined) continue;
      if (this.#hasGivenUp(now)) return 'linkDown';
      // Between two turns a busy route may look idle each time; one that was idle all the while has read nothing either.
      idleMs = this.#engine.isIdle && this.#engine.moved === before ? idleMs + passedMs : 0;
      before = this.#engine.moved;
      if (idleMs >= this.#idleMs) return 'idle';
    }
  }

  #hasGivenUp(now: number): boolean {
    for (const route of this.#engine.routes)
      for (const link of route.run?.links ?? []) {
        const isIll = link.breaker !== undefined && link.breaker.state !== 'closed';
        if (!isIll && (link.state === 'open' || link.state === 'closed')) this.#downSince.delete(link);
        else if (!this.#downSince.has(link)) this.#downSince.set(link, now);
        const since = this.#downSince.get(link);
        if (since === undefined || now - since < this.#connectTimeoutMs) continue;
        this.reason = `route ${route.name}: ${link.end} was down for ${this.#connectTimeoutMs} ms: ${link.error ?? (isIll ? 'it refuses messages for now' : 'no answer')}`;
        return true;
      }
    return false;
  }
}
