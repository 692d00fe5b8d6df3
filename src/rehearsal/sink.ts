import type { EndModel } from '../config/model.ts';
import type { Fields, Refusal, Sink, SinkEnd } from '../connector.ts';
import type { VirtualClock } from '../engine/virtual-clock.ts';
import { describeError, MqferryError, notConnected } from '../errors.ts';
import type { Message } from '../message.ts';
import type { Fault } from './fields.ts';

/** A message that a sink has taken, and where it would have written it to. */
export interface Taken {
  readonly message: Message;
  readonly to: Readonly<Record<string, string>>;
  /** Counts over all sinks of the route. */
  readonly order: number;
}

/** A fault and how often it still comes. */
interface Cue {
  readonly fault: Fault;
  left: number;
}

/** A sink in memory in the place of the real one: it declares what that declares, works out its `${{ }}` settings, and fails on cue. */
export class RehearsedSink implements SinkEnd {
  readonly can: SinkEnd['can'];
  readonly taken: Taken[] = [];
  /** Conditions of faults that could not be worked out. */
  readonly troubles: string[] = [];
  readonly #model: EndModel;
  readonly #cues: readonly Cue[];
  readonly #clock: VirtualClock;
  readonly #count: () => number;
  #downUntilMs = 0;

  constructor(can: SinkEnd['can'], model: EndModel, faults: readonly Fault[], clock: VirtualClock, count: () => number) {
    this.can = can;
    this.#model = model;
    this.#cues = faults.map((fault) => ({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }));
    this.#clock = clock;
    this.#count = count;
  }

  async open(): Promise<Sink> {
    if (this.#clock.now() < this.#downUntilMs) throw notConnected('the test keeps this link down');
    let isDead = false;
    return {
      write: async (messages) => {
        if (isDead) throw notConnected('the test has ended this link');
        try {
          return this.#write(messages);
        } catch (error) {
          isDead = true;
          throw error;
        }
      },
      close: async () => {
        isDead = true;
      },
    };
  }

  /** Throws when the link is lost. */
  #write(messages: readonly Message[]): readonly Refusal[] {
    const refusals: Refusal[] = [];
    const taken: Omit<Taken, 'order'>[] = [];
    for (const message of messages) {
      const to = this.#destination(message);
      if (to instanceof MqferryError) {
        refusals.push({ message, error: to, retry: false });
        continue;
      }
      const fault = this.#cue(message);
      const answer = fault && this.#answer(fault);
      if (answer === 'hangUp') throw this.#hangUp(fault as Fault);
      if (fault && (answer === 'refuse' || answer === 'refuseForNow')) {
        const error = new MqferryError(fault.code, 'the test has the sink refuse it');
        refusals.push({ message, error, retry: answer === 'refuseForNow' });
        continue;
      }
      taken.push({ message, to });
      if (answer !== 'loseConfirm') continue;
      this.#take(taken);
      throw this.#hangUp(fault as Fault);
    }
    this.#take(taken);
    return refusals;
  }

  #take(taken: readonly Omit<Taken, 'order'>[]): void {
    for (const one of taken) this.taken.push({ ...one, order: this.#count() });
  }

  #hangUp({ downFor }: Fault): MqferryError {
    this.#downUntilMs = this.#clock.now() + downFor;
    return notConnected('the test has the sink hang up');
  }

  /** A sink that keeps order never refuses for now. */
  #answer({ answer }: Fault): Fault['answer'] {
    return answer === 'refuseForNow' && this.can.keepsOrder !== 'none' ? 'hangUp' : answer;
  }

  /** The first fault that still comes, and is for this message. */
  #cue(message: Message): Fault | undefined {
    const cue = this.#cues.find(({ fault, left }) => left > 0 && this.#isFor(fault, message));
    if (cue) cue.left--;
    return cue?.fault;
  }

  #isFor({ when }: Fault, message: Message): boolean {
    try {
      return when === undefined || when(message) === true;
    } catch (error) {
      this.troubles.push(describeError(error));
      return false;
    }
  }

  /** What the settings with `${{ }}` are for this message: a real sink refuses one of which it cannot say where it goes. */
  #destination(message: Message): Readonly<Record<string, string>> | MqferryError {
    const { connector, config } = this.#model;
    const found: [string, string][] = [];
    try {
      for (const [name, { kind, options }] of Object.entries((connector.sink?.fields ?? {}) as Fields)) {
        const value = options.secret ? undefined : config[name];
        if (kind.kind === 'template' && value !== undefined) found.push([name, (value as (message: Message) => string)(message)]);
        else if (kind.kind === 'text' && typeof value === 'string') found.push([name, value]);
      }
    } catch (error) {
      return error instanceof MqferryError ? error : new MqferryError('STEP_FAILED', describeError(error), { cause: error });
    }
    return Object.fromEntries(found);
  }
}
