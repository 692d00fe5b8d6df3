import { readFileSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import type { BodyShape, Compile } from './model.ts';

/** More than any schema that people write. */
const largest = 1024 * 1024;

/** Reads the `bodySchema` of a route. Throws what is wrong with it. */
export function readBodySchema(path: string, compile: Compile): BodyShape | undefined {
  let text: string;
  try {
    const found = statSync(path);
    if (!found.isFile()) throw new Error('not a regular file'); // a pipe would hang the start
    if (found.size > largest) throw new Error('larger than 1 MiB');
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`cannot read the file ${path}: ${code ?? message}`, { cause: error });
  }
  try {
    return compile.bodyShape?.(JSON.parse(text), nameOf(path));
  } catch (error) {
    throw new Error(`${path} cannot be used as a schema: ${(error as Error).message}`, { cause: error });
  }
}

/** As short as it can be said. */
function nameOf(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
