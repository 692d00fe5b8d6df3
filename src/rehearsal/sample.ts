/** One message in a file of its own, written as `given` has it in a test file. */
import { Checker } from '../config/check.ts';
import { readOne } from '../config/files.ts';
import type { Compile } from '../config/model.ts';
import type { Problems } from '../config/problems.ts';
import { SourceFile } from '../config/source-file.ts';
import { parseFile } from '../config/yaml.ts';
import { describeError } from '../errors.ts';
import type { Message } from '../message.ts';
import { type Given, givenFields } from './fields.ts';
import { bodyKeys, givenMessage } from './messages.ts';

/**
 * The message of this YAML or JSON file, or without a file an empty one, and what is changed in it (a body as `text` or `base64`). Undefined when problems were reported.
 * `${NAME}` in the file is filled in from `env`.
 */
export function readSample(
  path: string | undefined,
  changed: Partial<Given>,
  { compile, env, problems }: { compile: Compile; env: Readonly<Record<string, string | undefined>>; problems: Problems },
): Message | undefined {
  const source = path === undefined ? new SourceFile('message', '{}') : readOne(path, problems);
  if (!source) return undefined;
  const { root } = parseFile(source, problems, { env, file: source.name, secrets: problems.secrets });
  if (!root) return undefined;
  const written = new Checker(compile, problems).fields(root, givenFields, root) as Given;
  if (problems.errors > 0) return undefined;
  const [, second] = bodyKeys(written);
  try {
    if (second !== undefined) throw new Error(`a message has one body, and here are ${bodyKeys(written).join(' and ')}`);
    return givenMessage(merged(written, changed));
  } catch (error) {
    problems.error(root, second === undefined ? 'wrong-type' : 'one-of', describeError(error));
    return undefined;
  }
}

/** A body takes the place of the body, whatever it was written as; headers and origin are added to those that are there. */
function merged({ json, text, base64, tombstone, ...rest }: Given, changed: Partial<Given>): Given {
  const body = (changed.text ?? changed.base64) !== undefined ? { tombstone: false } : { json, text, base64, tombstone };
  const headers = { ...rest.headers, ...changed.headers };
  return { ...rest, ...body, ...changed, headers, origin: { ...rest.origin, ...changed.origin } } as Given;
}
