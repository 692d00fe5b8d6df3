/** What a step reads when it is compiled: files, and libraries that a route without the step never loads. */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileFault } from '../config/file-fault.ts';
import { MqferryError } from '../errors.ts';

const largestSchema = 4 * 2 ** 20;

/** The text of a file that the config names. Throws CONFIG_INVALID. */
export function readSchema(path: string): string {
  try {
    const found = statSync(path);
    if (!found.isFile()) throw new Error('it is not a regular file'); // a pipe would hang the start
    if (found.size > largestSchema) throw new Error(`it is larger than ${largestSchema / 2 ** 20} MiB`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const reason = error instanceof TypeError ? 'it is not UTF-8 text' : fileFault(error);
    throw new MqferryError('CONFIG_INVALID', `cannot read the file ${path}: ${reason}`, { cause: error });
  }
}

/** The JSON in a file that the config names. Throws CONFIG_INVALID, without what stands in the file: it may be another than was meant. */
export function readJsonSchema(path: string): unknown {
  const text = readSchema(path);
  try {
    return JSON.parse(text);
  } catch {
    throw new MqferryError('CONFIG_INVALID', `the file ${path} is not JSON`);
  }
}

/** Loads a library when the first step that needs it is compiled. Synchronous, as compiling is. */
export const load = createRequire(import.meta.url);
