/** What a step is. A step never changes a message: it makes a changed copy, so that what came in can still be retried or dead-lettered. */
import type { Field } from '../config/fields.ts';
import type { StepExample } from '../config/model.ts';
import type { Log } from '../connector.ts';
import { describeError, MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';

/** Where messages go that do not go on. */
export interface Aside {
  /** A step failed on it; `message` is what was received. `step`: one that has an `onError` of its own. */
  fail(message: Message, error: MqferryError, step?: object): void;
  /** The config says to drop it; it is counted. */
  drop(message: Message): void;
}

/** Messages in, messages out, in the same order. What is neither returned nor set aside was filtered. */
export type Step = (messages: readonly Message[], aside: Aside) => readonly Message[];

/** What a step may know of the route it stands in. */
export interface StepContext {
  readonly log: Log;
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
  /** It may make several messages of one. Then it stands behind the buffer, where the parts share the fate of the stored whole. */
  readonly makesMany?: true;
  /** A sentence for `explain`. */
  explain(value: V): string;
  /** Throws CONFIG_INVALID for what the field alone cannot check. */
  compile(value: V, context: StepContext): Step;
}

/** Keeps the type of the field's value, so that `compile` gets it typed. */
export function defineStep<V>(kind: StepKind<V>): StepKind {
  return kind as StepKind;
}

const identity: Step = (messages) => messages;

/** One step after the other. Of no step: the messages themselves. */
export function chain(steps: readonly Step[]): Step {
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

function asStepFailed(name: string, error: unknown): MqferryError {
  if (error instanceof MqferryError) return new MqferryError(error.code, `${name}: ${error.message}`, { cause: error.cause });
  return new MqferryError('STEP_FAILED', `${name}: ${describeError(error)}`, { cause: error });
}
