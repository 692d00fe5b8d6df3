/**
 * A step that must know what becomes of its messages: it stands around all that comes behind it, up to the next stage or the sinks. What it
 * remembers is on disk.
 */
import type { Calls } from '../buffer/calls/calls.ts';
import type { Claims } from '../buffer/claims/claims.ts';
import type { KeyLimits, Keys } from '../buffer/keys/keys.ts';
import type { SinkEnd } from '../connector.ts';
import { type AnyStep, defineStep, type Step, type StepContext, type StepKind } from './step.ts';

/** What it may remember things in. */
export interface Memory {
  /** Those of this step alone. Throws BUFFER_FAILED when they are damaged. */
  keys(limits: KeyLimits): Promise<Keys>;
  /** The bodies of this name, the same for all routes. */
  claims(store: string): Promise<Claims>;
  /** The calls of this name, the same for all routes. */
  calls(name: string): Promise<Calls>;
}

export interface AroundStats {
  /** That it remembers. */
  readonly entries: number;
  /** On disk. */
  readonly bytes: number;
  /** Messages that it took for copies, since the start, where it looks for them. */
  readonly copies?: number;
  /** Calls that waited in vain, since the start. */
  readonly timedOut?: number;
  /** Age of the oldest, where each is waited for. */
  readonly oldestMs?: number | undefined;
}

/** Such a step in a route that runs. */
export interface Around {
  /** In its place among the steps. */
  readonly step: AnyStep;
  /** One of the sinks behind it: the `index`th of so many. */
  around(rest: SinkEnd, index: number, count: number): SinkEnd;
  stats(): AroundStats;
  close(): Promise<void>;
}

/** Such a step as the config has it. */
export interface AroundSpec {
  /** A fresh one for each start. */
  open(memory: Memory): Promise<Around>;
}

/** A step that stands around what is behind it. */
export function defineAround<V>(kind: Omit<StepKind<V>, 'compile'> & Required<Pick<StepKind<V>, 'around'>>): StepKind {
  const compile = (value: V, context: StepContext): Step => {
    kind.around(value, context);
    return (messages) => messages;
  };
  return defineStep({ ...kind, compile });
}
