import type { Life } from '../buffer/lives.ts';
import type { Clock } from '../clock.ts';
import type { Message } from '../message.ts';
import type { Aside } from '../steps/step.ts';
import { CarefulSource } from './careful-source.ts';
import { Gate } from './gate.ts';
import { identify, identityOf } from './identity.ts';
import type { PumpPlan, QuarantinePlan, RoutePlan } from './plan.ts';
import type { Turns } from './turns.ts';

/** What has ended is on disk with the message that comes next; when none comes for so long, without one. */
const quietMs = 20;

/** What came back after a kill begins at most a window and as many lost acks before what was under way. */
export const careWindows = 2;

/**
 * Finds out, over the lives of a route, the message that ends the process: after an unclean stop its pumps take few messages at a time for a
 * while (see {@link Gate}), and what was under way at several unclean stops in a row fails with QUARANTINED instead of being handled.
 * One life of it. It costs nothing when the life before was stopped: the sources are asked straight.
 */
export class Quarantine {
  /** Messages that were not handled. */
  refused = 0;
  readonly #plan: RoutePlan;
  readonly #memory: QuarantinePlan;
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #gates: Gate[] = [];
  #life: Life | undefined;
  #begun: Promise<void> | undefined;
  #isRunning = false;
  #wasCareful = false;
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #changes = 0;

  constructor(plan: RoutePlan, memory: QuarantinePlan, clock: Clock, turns: Turns) {
    this.#plan = plan;
    this.#memory = memory;
    this.#clock = clock;
    this.#turns = turns;
  }

  get isCareful(): boolean {
    return this.#gates.some((gate) => gate.isCareful);
  }

  /** The pump with a gate at its entrance, and none where nothing comes again. Before the pump starts. */
  around(pump: PumpPlan): PumpPlan {
    const { source } = pump;
    if (source.can.diesWithProcess) return pump;
    const gate = this.#gate(source.can.stableIds);
    this.#gates.push(gate);
    return {
      ...pump,
      source: {
        can: source.can,
        open: async (signal) => {
          await this.#begin();
          const link = await source.open(signal);
          return gate.isCareful ? new CarefulSource(link, gate) : link;
        },
      },
      share: this.#sifted(pump.share, gate),
    };
  }

  #sifted(share: PumpPlan['share'], gate: Gate): PumpPlan['share'] {
    const sift = (messages: readonly Message[], aside: Aside) =>
      gate.sift(messages, (message, error) => {
        this.#tell(message);
        aside.fail(message, error);
      });
    if (typeof share === 'function') return (messages, aside) => share(sift(messages, aside), aside);
    return { pass: (messages, aside, hand, signal) => share.pass(sift(messages, aside), aside, hand, signal) };
  }

  /** Says that the route did not end by a message. After the pumps are closed; safe to call when none was opened. */
  async close(): Promise<void> {
    await this.#begun;
    for (const gate of this.#gates) gate.close();
    this.#isRunning = false;
    await this.#save();
    this.#life = undefined;
  }

  #gate(stableIds: readonly string[]): Gate {
    return new Gate({
      after: this.#memory.after,
      withinMs: this.#memory.withinMs,
      careMessages: careWindows * this.#plan.window.messages,
      turns: this.#turns,
      clock: this.#clock,
      identityOf: (message) => identityOf(message, stableIds),
      save: () => this.#save(),
      changed: () => void this.#saveSoon(),
    });
  }

  #begin(): Promise<void> {
    this.#begun ??= this.#recall();
    return this.#begun;
  }

  async #recall(): Promise<void> {
    this.#life = await this.#memory.open();
    if (!this.#life) return;
    const { last } = this.#life;
    const isUnclean = last?.isRunning === true;
    for (const [i, gate] of this.#gates.entries()) gate.recall(last?.pumps[i] ?? {}, isUnclean);
    this.#isRunning = true;
    await this.#save();
    if (!this.isCareful) return;
    this.#wasCareful = true;
    const { name, window, log } = this.#plan;
    const why = isUnclean ? 'was not stopped, its process ended' : 'looks for a message that has ended its process';
    log.warn({ route: name }, `route ${name} ${why}: it takes few messages at a time until ${careWindows * window.messages} have ended`);
  }

  #tell(message: Message): void {
    const { name, log } = this.#plan;
    this.refused++;
    log.error(
      { route: name },
      `message ${identify(message.received)} seems to end the process: it is not handled, it goes the way of onError`,
    );
  }

  async #saveSoon(): Promise<void> {
    if (this.#wasCareful && !this.isCareful) {
      this.#wasCareful = false;
      this.#plan.log.info({ route: this.#plan.name }, `route ${this.#plan.name} takes as many messages at a time as ever`);
    }
    const change = ++this.#changes;
    await this.#clock.sleep(quietMs);
    if (change === this.#changes) await this.#save();
  }

  /** Resolves once what stands now is on disk. */
  #save(): Promise<void> {
    this.#changes++;
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined;
      this.#writing = this.#write();
      return this.#writing;
    });
    return this.#next;
  }

  /** Whatever the disk says, the route goes on: without quarantine, if need be. */
  async #write(): Promise<void> {
    try {
      await this.#life?.save({ isRunning: this.#isRunning, pumps: this.#gates.map((gate) => gate.record) });
    } catch (error) {
      this.#life = undefined;
      for (const gate of this.#gates) gate.open();
      const { name, log } = this.#plan;
      log.warn({ route: name, err: error }, `route ${name} cannot keep on disk which message is under way: it goes on without quarantine`);
    }
  }
}
