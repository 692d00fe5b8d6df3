import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { readBodySchema } from '../../config/body-schema.ts';
import { renderProblems } from '../../config/diagnostics.ts';
import type { About } from '../../config/model.ts';
import { Problems } from '../../config/problems.ts';
import { SourceFile } from '../../config/source-file.ts';
import { describeError } from '../../errors.ts';
import { compileExpression, compileValue, ExpressionError, toJson } from '../../expr/index.ts';
import { registryOf } from '../../index.ts';
import type { Message } from '../../message.ts';
import type { Given } from '../../rehearsal/fields.ts';
import { readSample } from '../../rehearsal/sample.ts';
import type { EvalOptions } from '../eval.ts';
import { Leave } from '../exit-codes.ts';
import { say } from '../say.ts';

/** Prints the value. Leaves with 78 for an expression or a message that is wrong, with 1 for one that fails on this message. */
export async function evaluate(text: string, options: EvalOptions): Promise<void> {
  const problems = new Problems();
  const { compile } = registryOf();
  const about = aboutOf(options);
  const run = compiled(text, options.condition ?? false, about, problems);
  const changed = await changesOf(options);
  const message = readSample(options.message, changed, { compile, env: process.env, problems });
  if (!run || !message) throw new Leave('config', renderProblems(problems.list()).trimEnd());
  await say(`${shown(run, message, options)}\n`);
}

function shown(run: (message: Message) => unknown, message: Message, { format, ...sample }: EvalOptions): string {
  try {
    const value = run(message);
    const json = toJson(jsonOf(value));
    return format === 'json' ? `{"value":${json},"type":"${typeOf(value)}"}` : json;
  } catch (error) {
    const isEmpty = [sample.json, sample.text, sample.body, sample.message].every((one) => one === undefined);
    const hint = isEmpty ? '; the message had no body: give it one by --json, --text, --body or --message' : '';
    throw new Leave('failed', `${describeError(error)}${hint}`);
  }
}

function compiled(text: string, isCondition: boolean, about: About, problems: Problems): ((message: Message) => unknown) | undefined {
  const file = new SourceFile('expression', text);
  const isTemplate = !isCondition && text.includes('${{');
  try {
    if (isTemplate) return compileValue(text, undefined, about);
    return compileExpression(text, isCondition ? 'boolean' : 'any', undefined, about);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    problems.error({ file, start: error.offset }, 'bad-expression', error.message);
    return undefined;
  }
}

function aboutOf({ schema }: EvalOptions): About {
  if (schema === undefined) return {};
  try {
    const body = readBodySchema(schema, registryOf().compile);
    return body ? { body } : {};
  } catch (error) {
    throw new Leave('config', (error as Error).message);
  }
}

async function changesOf({ json, text, body, key, header, origin }: EvalOptions): Promise<Partial<Given>> {
  const bodies = [json, text, body].filter((one) => one !== undefined);
  if (bodies.length > 1) throw new Leave('usage', 'a message has one body: keep one of --json, --text and --body');
  return {
    ...(json !== undefined && { text: checkedJson(json) }),
    ...(text !== undefined && { text }),
    ...(body !== undefined && { base64: (await readBody(body)).toString('base64') }),
    ...(key !== undefined && { key }),
    headers: Object.fromEntries(header),
    origin: Object.fromEntries(origin),
  };
}

/** As it is written: numbers keep their digits. */
function checkedJson(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new Leave('usage', `--json is not JSON: ${describeError(error)}; in single quotes the shell leaves it alone`);
  }
  return text;
}

async function readBody(path: string): Promise<Buffer> {
  try {
    return path === '-' ? await buffer(process.stdin) : await readFile(path);
  } catch (error) {
    throw new Leave('usage', `cannot read ${path}: ${describeError(error)}`);
  }
}

/** Bytes have no JSON of their own: they are shown in base64. */
function jsonOf(value: unknown): unknown {
  return Buffer.isBuffer(value) ? value.toString('base64') : value;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (Buffer.isBuffer(value)) return 'bytes';
  if (value instanceof Date) return 'time';
  const types: Readonly<Record<string, string>> = { string: 'text', bigint: 'number', object: 'map' };
  return types[typeof value] ?? typeof value;
}
