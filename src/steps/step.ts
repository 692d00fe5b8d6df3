/** What a step is. A step never changes a message: it makes a changed copy, so that what came in can still be retried or dead-lettered. */
import type { Keeper } from '../buffer/stage/keeper.ts';
import type { StageOptions } from '../buffer/stage/stage.ts';
import type { Clock } from '../clock.ts';
import type { Field } from '../config/fields.ts';
import type { StepExample, Touch } from '../config/model.ts';
import type { Log, Table } from '../connector.ts';
import { describeError, MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import type { AroundSpec } from './around.ts';

/** Where messages go that do not go on. */
export interface Aside {
  /** A step failed on it; `message` is what was received. `step`: one that has an `onError` of its own. */
  fail(message: Message, error: MqferryError, step?: object): void;
  /** The config says to drop it; it is counted. */
  drop(message: Message): void;
  /** A copy of the message, as it is here, for the sink of `step`, best effort: never waits, never throws. */
  tap(message: Message, step?: object): void;
}

/** Messages in, messages out, in the same order. What is neither returned nor set aside was filtered. */
export type Step = (messages: readonly Message[], aside: Aside) => readonly Message[];

/** A step that waits, for its time or for an answer. */
export interface WaitingStep {
  /**
   * Hands messages on in their order, piece by piece, as they are ready. It is pulled: nobody asks for the next piece while one is on its way
   * through the steps behind. One batch at a time. When `signal` is aborted it ends soon; nothing of it is heard any more.
   */
  pass(messages: readonly Message[], aside: Aside, signal: AbortSignal): AsyncIterable<readonly Message[]>;
}

export type AnyStep = Step | WaitingStep;

/** What a step may know of the route it stands in. */
export interface StepContext {
  readonly log: Log;
  /** What a step goes by that waits, or that asks how late it is. */
  readonly clock: Clock;
  /** The table of this name, one for all routes. */
  table(name: string): Table;
  /** Whoever writes the config may run code. */
  readonly allowScripts: boolean;
}

/** A kind of step as the config names it. `V` is what its field yields. */
export interface StepKind<V = unknown> {
  readonly name: string;
  readonly summary: string;
  /** Undefined: a bare word. */
  readonly value: Field<V> | undefined;
  /** What else to know; paragraphs for the reference. */
  readonly notes?: string;
  /** Shown in the reference; a test runs it. */
  readonly example: StepExample;
  /**
   * It stands behind the buffer, with all that follows it. It may make several messages of one: there the parts share the fate of the stored
   * whole. Or it waits: there the source does not wait with it.
   */
  readonly behindBuffer?: true;
  /** The parts of the body that it changes. Absent: it may make any other body. */
  readonly touches?: 'nothing' | ((value: V) => readonly Touch[]);
  /** The table that it looks into: some route must feed it. */
  table?(value: V): string | undefined;
  /** The store of bodies that it uses, and how large it may be, where it says so. */
  claims?(value: V): { readonly store: string; readonly maxBytes?: number } | undefined;
  /** It makes calls of this name, or answers them; at most so many wait. */
  calls?(
    value: V,
  ): { readonly name: string; readonly role: 'asks' } | { readonly name: string; readonly role: 'answers'; readonly maxCalls: number };
  /** It can only tell that all of a message has arrived where that is one message at one sink, or in a stage. */
  needsOneWay?(value: V): boolean;
  /** Its value is a sink, bare or as `sink:` among the fields of `value`, a group: its messages go to {@link Aside.tap}. */
  readonly hasSink?: true;
  /** It keeps messages beyond their ack: the route is divided there. Its `compile` only checks the value. */
  stage?(value: V, context: StepContext): StageSpec;
  /** It must know what becomes of its messages behind it. Its `compile` only checks the value. */
  around?(value: V, context: StepContext): AroundSpec;
  /** A sentence for `explain`. `sink`: the name of its sink, where it has one. */
  explain(value: V, sink?: string): string;
  /** Throws CONFIG_INVALID for what the field alone cannot check. */
  compile(value: V, context: StepContext): AnyStep;
}

/** A stage as the config has it. */
export interface StageSpec extends StageOptions {
  /** A fresh one for each start. */
  keeper(): Keeper;
  /** Messages of one lane leave in the order in which they came; undefined: they do not, and why. */
  readonly orderLimit: string | undefined;
}

/** A step that is a stage. */
export function defineStage<V>(kind: Omit<StepKind<V>, 'behindBuffer' | 'compile'> & Required<Pick<StepKind<V>, 'stage'>>): StepKind {
  const compile = (value: V, context: StepContext): Step => {
    kind.stage(value, context).keeper();
    return identity;
  };
  return defineStep({ ...kind, behindBuffer: true, compile });
}

/** Keeps the type of the field's value, so that `compile` gets it typed. */
export function defineStep<V>(kind: StepKind<V>): StepKind {
  return kind as StepKind;
}

const identity: Step = (messages) => messages;

/** One step after the other. Of no step: the messages themselves. It waits only when one of them does. */
export function chain(steps: readonly Step[]): Step;
export function chain(steps: readonly AnyStep[]): AnyStep;
export function chain(steps: readonly AnyStep[]): AnyStep {
  const at = steps.findIndex((step) => typeof step !== 'function');
  if (at < 0) return plainChain(steps as readonly Step[]);
  const before = plainChain(steps.slice(0, at) as readonly Step[]);
  const waiting = steps[at] as WaitingStep;
  const behind = chain(steps.slice(at + 1));
  return {
    async *pass(messages, aside, signal) {
      for await (const piece of through(waiting, before(messages, aside), aside, signal)) yield* through(behind, piece, aside, signal);
    },
  };
}

/** Any step as one that waits; nothing is sent through for nothing. */
export async function* through(
  step: AnyStep,
  messages: readonly Message[],
  aside: Aside,
  signal: AbortSignal,
): AsyncIterable<readonly Message[]> {
  if (messages.length === 0) return;
  if (typeof step === 'function') yield step(messages, aside);
  else yield* step.pass(messages, aside, signal);
}

function plainChain(steps: readonly Step[]): Step {
  if (steps.length === 0) return identity;
  if (steps.length === 1) return steps[0] as Step;
  return (messages, aside) => {
    let rest = messages;
    for (const step of steps) {
      if (rest.length === 0) break;
      rest = step(rest, aside);
    }
    return rest;
  };
}

/**
 * A step that looks at each message alone: `change` returns the message, a changed copy, or null for one that does not go on. A message it
 * throws on is failed, the others carry on.
 */
export function eachMessage(name: string, change: (message: Message, aside: Aside) => Message | null): Step {
  return (messages, aside) => {
    const rest: Message[] = [];
    for (const message of messages) {
      try {
        const changed = change(message, aside);
        if (changed !== null) rest.push(changed);
      } catch (error) {
        aside.fail(message.received, asStepFailed(name, error));
      }
    }
    return rest;
  };
}

/** Like {@link eachMessage}, of a step that makes several of one; of none it was filtered. All go on or, when it throws, none. */
export function eachIntoMany(name: string, change: (message: Message) => readonly Message[]): Step {
  return (messages, aside) => {
    const rest: Message[] = [];
    for (const message of messages) {
      try {
        const parts = change(message);
        // Numbered where they are made: whatever becomes of one of them, now or on a later delivery, the others keep their numbers.
        if (parts.length === 1 && parts[0] === message) rest.push(message);
        else for (let i = 0; i < parts.length; i++) rest.push((parts[i] as Message).change({ part: `${message.part}#${i + 1}` }));
      } catch (error) {
        aside.fail(message.received, asStepFailed(name, error));
      }
    }
    return rest;
  };
}

/** What a message fails with: never without the name of the step. */
export function asStepFailed(name: string, error: unknown): MqferryError {
  if (error instanceof MqferryError) return new MqferryError(error.code, `${name}: ${error.message}`, { cause: error.cause });
  return new MqferryError('STEP_FAILED', `${name}: ${describeError(error)}`, { cause: error });
}
