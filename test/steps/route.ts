/** Steps as a config has them: through the loader, and out of the plan of a route. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { describeError, type MqferryError } from '../../src/errors.ts';
import { compileRoutes } from '../../src/index.ts';
import type { Message } from '../../src/message.ts';
import { stepKinds } from '../../src/steps/index.ts';
import type { Result } from './run.ts';

export interface StepFiles {
  readonly [name: string]: string | Buffer;
}

/** The steps, given as the items of `steps:`, as a function. Files that they name are written beside the config. */
export async function stepsOf(yaml: string, files: StepFiles = {}): Promise<(messages: readonly Message[]) => Result> {
  const { routes, problems } = await compile(yaml, files);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const plan = await routes[0]!.plan();
  const { share } = plan.pumps[0];
  return (messages) => {
    const failed: [Message, MqferryError][] = [];
    const dropped: Message[] = [];
    const [out = []] = share(messages, {
      fail: (message, error) => failed.push([message.received, error]),
      drop: (message) => dropped.push(message.received),
    });
    return { out, failed, dropped };
  };
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
  const { routes, problems } = await compileRoutes({ routes: { texts: [{ name: join(folder, 'r.yaml'), text }] }, allowScripts: true });
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
