/** Steps as a config has them: through the loader, and out of the plan of a route. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { RoutePlan } from '../../src/engine/plan.ts';
import { describeError, type MqferryError } from '../../src/errors.ts';
import { compileRoutes } from '../../src/index.ts';
import type { Message } from '../../src/message.ts';
import { around } from '../../src/rehearsal/surroundings.ts';
import { type StepContext, stepKinds } from '../../src/steps/index.ts';
import type { Aside, WaitingStep } from '../../src/steps/step.ts';
import { type Result, waitingStep } from './run.ts';

export interface StepFiles {
  readonly [name: string]: string | Buffer;
}

/** The steps, given as the items of `steps:`, as a function. Files that they name are written beside the config. None of them waits. */
export async function stepsOf(yaml: string, files: StepFiles = {}): Promise<(messages: readonly Message[]) => Result> {
  const { share } = (await planOf(yaml, files)).pumps[0];
  if (typeof share !== 'function') throw new Error('one of these steps waits: use anyStepsOf');
  return (messages) => {
    const { aside, failed, dropped } = bin();
    const [out = []] = share(messages, aside);
    return { out, failed, dropped };
  };
}

/** Like {@link stepsOf}, of any steps. */
export async function anyStepsOf(yaml: string, files: StepFiles = {}): Promise<(messages: readonly Message[]) => Promise<Result>> {
  const { share } = (await planOf(yaml, files)).pumps[0];
  return async (messages) => {
    const { aside, failed, dropped } = bin();
    const out: Message[] = [];
    if (typeof share === 'function') out.push(...(share(messages, aside)[0] ?? []));
    else await share.pass(messages, aside, (part) => out.push(...part), new AbortController().signal);
    return { out, failed, dropped };
  };
}

function bin() {
  const failed: [Message, MqferryError][] = [];
  const dropped: Message[] = [];
  const aside: Aside = {
    fail: (message, error) => failed.push([message.received, error]),
    drop: (message) => dropped.push(message.received),
    tap: () => {},
  };
  return { aside, failed, dropped };
}

async function planOf(yaml: string, files: StepFiles): Promise<RoutePlan> {
  const { routes, problems } = await compile(yaml, files);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return routes[0]!.plan();
}

/** The last of these steps alone, compiled with a context of the test. */
export async function compiledOf(yaml: string, context: Partial<StepContext> = {}, files: StepFiles = {}): Promise<WaitingStep> {
  const { routes, problems } = await compile(yaml, files);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const { name, value } = routes[0]!.model.steps.at(-1)!;
  return waitingStep(name, value, context);
}

/** What `explain` says of the first of these steps. */
export async function explanationOf(yaml: string, files: StepFiles = {}): Promise<string> {
  const { routes, problems } = await compile(yaml, files);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const { name, value } = routes[0]!.model.steps[0]!;
  return stepKinds[name]!.explain(value);
}

/** What is wrong with these steps, one sentence each. */
export async function problemsOf(yaml: string, files: StepFiles = {}): Promise<readonly string[]> {
  return (await compile(yaml, files)).problems;
}

async function compile(yaml: string, files: StepFiles) {
  const folder = mkdtempSync(join(tmpdir(), 'mqferry-steps-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const text = `routes:\n  r:\n    source: { local: { queue: q } }\n    sink: print\n    steps:\n${yaml.replace(/^(?=.)/gm, '      ')}\n`;
  const { routes, problems } = await compileRoutes(
    { routes: { texts: [{ name: join(folder, 'r.yaml'), text }] }, allowScripts: true },
    around({ allowScripts: true, clock: systemClock }),
  );
  return { routes, problems: problems.map(({ message, hint }) => (hint ? `${message} — ${hint}` : message)) };
}

/** One message through the steps; throws what it fails with. */
export async function through(yaml: string, message: Message, files: StepFiles = {}): Promise<readonly Message[]> {
  const { out, failed } = (await stepsOf(yaml, files))([message]);
  if (failed[0]) throw failed[0][1];
  return out;
}

/** The error that a message fails with, as `CODE sentence`. */
export async function failure(yaml: string, message: Message, files: StepFiles = {}): Promise<string> {
  const { failed } = (await stepsOf(yaml, files))([message]);
  return failed[0] ? `${failed[0][1].code} ${describeError(failed[0][1])}` : 'none';
}
