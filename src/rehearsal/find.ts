import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isTestFile } from '../config/files.ts';
import type { Problem } from '../config/model.ts';

/** The test files that these paths mean: themselves, those in a folder and all below it, those beside a config file, those of a glob. */
export function findTestFiles(paths: readonly string[]): { names: readonly string[]; problems: readonly Problem[] } {
  const names = new Set<string>();
  const problems: Problem[] = [];
  for (const path of paths) {
    const found = expand(path);
    for (const name of found) names.add(name);
    if (found.length === 0)
      problems.push({
        file: path,
        line: 1,
        col: 1,
        rule: 'no-tests',
        message: 'no test file is there',
        hint: 'a test file is called like `orders.test.yaml`',
        severity: 'error',
      });
  }
  return { names: [...names], problems };
}

function expand(path: string): string[] {
  const look = statSync(path, { throwIfNoEntry: false });
  if (look?.isDirectory())
    return globSync('**/*.test.{yaml,yml}', { cwd: path, exclude: ['**/node_modules/**'] })
      .map((name) => join(path, name))
      .sort();
  if (look) return isTestFile(path) ? [path] : beside(path);
  return /[*?[{]/.test(path) ? globSync(path).filter(isTestFile).sort() : [];
}

function beside(path: string): string[] {
  const name = path.replace(/(\.ya?ml)$/, '.test$1');
  return name !== path && statSync(name, { throwIfNoEntry: false })?.isFile() ? [name] : [];
}
