import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../engine/engine.ts';
import type { LinkStatus } from '../engine/supervise.ts';
import { Leave } from './exit-codes.ts';

const lookEveryMs = 50;

/** Watches for the end that a run may have by itself. */
export class Idle {
  readonly #engine: Engine;
  readonly #idleMs: number | undefined;
  readonly #connectTimeoutMs: number;
  readonly #downSince = new Map<LinkStatus, number>();

  constructor(engine: Engine, idleMs: number | undefined, connectTimeoutMs: number) {
    this.#engine = engine;
    this.#idleMs = idleMs;
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  /**
   * `over`: no route runs any more. `finished`: every source has ended and everything is delivered. `idle`: nothing happened for as long
   * as was asked. Leaves with 69 when a link stays down, where an idle end was asked for.
   */
  async outcome(): Promise<'over' | 'finished' | 'idle'> {
    let idleSince: number | undefined;
    for (;;) {
      await sleep(lookEveryMs);
      const now = performance.now();
      if (this.#engine.isOver) return 'over';
      if (this.#engine.routes.every((route) => route.run?.isFinished)) return 'finished';
      if (this.#idleMs === undefined) continue;
      this.#giveUpOnDownLinks(now);
      idleSince = this.#engine.isIdle ? (idleSince ?? now) : undefined;
      if (idleSince !== undefined && now - idleSince >= this.#idleMs) return 'idle';
    }
  }

  #giveUpOnDownLinks(now: number): void {
    for (const route of this.#engine.routes)
      for (const link of route.run?.links ?? []) {
        if (link.state === 'open' || link.state === 'closed') this.#downSince.delete(link);
        else if (!this.#downSince.has(link)) this.#downSince.set(link, now);
        const since = this.#downSince.get(link);
        if (since !== undefined && now - since >= this.#connectTimeoutMs)
          throw new Leave(
            'linkDown',
            `route ${route.name}: ${link.end} was down for ${this.#connectTimeoutMs} ms: ${link.error ?? 'no answer'}`,
          );
      }
  }
}
