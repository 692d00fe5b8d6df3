import type { TapPlan } from '../../../src/engine/plan.ts';
import type { RouteRun } from '../../../src/engine/route-run.ts';
import { MqferryError } from '../../../src/errors.ts';
import type { Message } from '../../../src/message.ts';
import type { Aside } from '../../../src/steps/step.ts';
import { wildSink } from './wild-sink.ts';
import type { Process, Random } from './world.ts';

const limit = { messages: 8, bytes: 4000 };

/** A tap whose sink does anything, and what may be asked of the engine about it. */
export class Tapping {
  /** Messages handed over in this life. */
  #tapped = 0;
  #run: RouteRun | undefined;
  readonly #random: Random;
  readonly #problems: string[] = [];
  readonly #step = {};

  constructor(random: Random) {
    this.#random = random;
  }

  plan(process: Process): TapPlan {
    const outbound = (message: Message) => {
      if (this.#random.chance(0.02)) throw new Error('threw in outbound');
      return this.#random.chance(0.05) ? new MqferryError('UNMAPPABLE', 'no slot') : message;
    };
    return { step: this.#step, sink: { name: 'tap', end: wildSink(this.#random, process), outbound }, limit };
  }

  /** A new life. */
  begin(run: RouteRun): void {
    this.#run = run;
    this.#tapped = 0;
  }

  tap(messages: readonly Message[], aside: Aside): readonly Message[] {
    for (const message of messages) {
      this.#tapped++;
      try {
        aside.tap(message, this.#step);
      } catch (error) {
        this.#problems.push(`tap: it threw ${error}`);
      }
    }
    return messages;
  }

  /** What is wrong now. */
  problems(): string[] {
    const tap = this.#run?.taps.get(this.#step);
    if (!tap) return [];
    const { copied, dropped, waiting } = tap;
    const problems = this.#problems.splice(0);
    if (copied + dropped + waiting !== this.#tapped) problems.push(`tap: ${copied} + ${dropped} + ${waiting} of ${this.#tapped}`);
    if (waiting < 0 || waiting > limit.messages) problems.push(`tap: ${waiting} wait`);
    return problems;
  }
}
