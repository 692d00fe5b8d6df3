import { type Clock, systemClock } from '../../src/clock.ts';
import type { Log } from '../../src/connector.ts';
import type { MqferryError } from '../../src/errors.ts';
import { compileExpression, compileTemplate, compileValue } from '../../src/expr/index.ts';
import type { Message } from '../../src/message.ts';
import { type AnyStep, type StepContext, stepKinds } from '../../src/steps/index.ts';
import { type Aside, type Step, through, type WaitingStep } from '../../src/steps/step.ts';
import { Tables } from '../../src/table.ts';

export interface Result {
  readonly out: readonly Message[];
  readonly failed: readonly (readonly [Message, MqferryError])[];
  readonly dropped: readonly Message[];
}

export const quiet: Log = { error() {}, warn() {}, info() {}, debug() {} };

export function run(step: Step, messages: readonly Message[]): Result {
  const failed: [Message, MqferryError][] = [];
  const dropped: Message[] = [];
  const out = step(messages, {
    fail: (message, error) => failed.push([message, error]),
    drop: (message) => dropped.push(message),
    tap: () => {},
  });
  return { out, failed, dropped };
}

/** Messages through any step, to the end. */
export async function runAll(step: AnyStep, messages: readonly Message[], signal = new AbortController().signal): Promise<Result> {
  const out: Message[] = [];
  const failed: [Message, MqferryError][] = [];
  const dropped: Message[] = [];
  const aside: Aside = {
    fail: (message, error) => failed.push([message.received, error]),
    drop: (message) => dropped.push(message.received),
    tap: () => {},
  };
  for await (const piece of through(step, messages, aside, signal)) out.push(...piece);
  return { out, failed, dropped };
}

/** A step with the value that its field would yield. */
export function step(name: string, value?: unknown, log: Log = quiet, clock: Clock = systemClock): Step {
  return compiled(name, value, { log, clock }) as Step;
}

/** A step that waits. */
export function waitingStep(name: string, value: unknown, context: Partial<StepContext> = {}): WaitingStep {
  return compiled(name, value, context) as WaitingStep;
}

function compiled(name: string, value: unknown, context: Partial<StepContext>): AnyStep {
  const kind = stepKinds[name];
  if (kind === undefined) throw new Error(`no step ${name}`);
  return kind.compile(value, {
    log: quiet,
    clock: systemClock,
    table: (name) => new Tables().table(name),
    allowScripts: false,
    ...context,
  });
}

export const expr = (text: string) => Object.assign(compileExpression(text, 'any'), { text });
export const condition = (text: string) => Object.assign(compileExpression(text, 'boolean'), { text });

/** `set` with the values as they stand in YAML. */
export function set(values: Record<string, string | number | boolean | null>): Step {
  return step('set', Object.fromEntries(Object.entries(values).map(([name, value]) => [name, valueField(value)])));
}

function valueField(value: string | number | boolean | null) {
  if (value === null) return null;
  if (typeof value === 'string') return Object.assign(compileValue(value), { text: value });
  return Object.assign(() => value, { text: String(value), constant: value });
}

export const template = compileTemplate;
