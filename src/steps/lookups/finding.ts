/** What a lookup has come to, and what becomes of the message then. */
import type { Clock } from '../../clock.ts';
import type { Log } from '../../connector.ts';
import { describeError, MqferryError } from '../../errors.ts';
import type { Message } from '../../message.ts';
import { Draft } from '../draft.ts';
import type { Target } from '../target.ts';
import type { Lookup } from './lookup.ts';

export const fates = ['fail', 'skip', 'default'] as const;
export type Fate = (typeof fates)[number];

/** On a message that has gone on without: `<into>: missing` or `<into>: failed`. */
export const skippedHeader = 'enrich-skipped';

export type Finding =
  | { readonly kind: 'found'; readonly value: unknown }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Never rejects. */
export async function lookUp(lookup: Lookup, message: Message, signal: AbortSignal): Promise<Finding> {
  try {
    const value = await lookup.find(message, signal);
    return value === undefined || value === null ? { kind: 'missing' } : { kind: 'found', value };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

export interface Policy {
  readonly into: string;
  readonly missing: Fate;
  readonly failed: Fate;
  readonly default: unknown;
}

/** Puts what was found into messages, or does what the config says of none. */
export class Settling {
  readonly #policy: Policy;
  readonly #target: Target;
  readonly #place: string;
  readonly #complaints: Complaints;

  constructor(policy: Policy, target: Target, place: string, log: Log, clock: Clock) {
    this.#policy = policy;
    this.#target = target;
    this.#place = place;
    this.#complaints = new Complaints(log, clock);
  }

  /** Throws what the message fails with. */
  settled(message: Message, finding: Finding): Message {
    if (finding.kind === 'found') return this.#with(message, finding.value);
    const error = this.#errorOf(finding);
    // What is wrong with the message itself, such as a key that it does not have, is not an answer that is missing.
    const fate = error.code === 'STEP_FAILED' ? 'fail' : this.#policy[finding.kind];
    if (fate === 'fail') throw error;
    if (finding.kind === 'failed') this.#complaints.add(error);
    if (fate === 'default') return this.#with(message, this.#policy.default);
    return message.withHeaders([...message.headers, [skippedHeader, `${this.#policy.into}: ${finding.kind}`]]);
  }

  #with(message: Message, value: unknown): Message {
    const draft = new Draft(message);
    draft.set(this.#target, value);
    return draft.finish();
  }

  #errorOf(finding: Exclude<Finding, { kind: 'found' }>): MqferryError {
    if (finding.kind === 'missing') return new MqferryError('NOT_FOUND', `there is nothing of this key ${this.#place}`);
    const { error } = finding;
    return error instanceof MqferryError ? error : new MqferryError('STEP_FAILED', describeError(error), { cause: error });
  }
}

const complainEveryMs = 30_000;

/** Failures that no message shows: the first at once, then one line each 30 s. */
class Complaints {
  readonly #log: Log;
  readonly #clock: Clock;
  #saidAt = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  add(error: MqferryError): void {
    const now = this.#clock.now();
    if (now - this.#saidAt < complainEveryMs) {
      this.#unsaid++;
      return;
    }
    this.#log.warn(
      { code: error.code, suppressed: this.#unsaid },
      `enrich: ${describeError(error)}; the messages go on, as the config says`,
    );
    this.#saidAt = now;
    this.#unsaid = 0;
  }
}
