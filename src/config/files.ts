import { globSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Problems } from './problems.ts';
import { SourceFile } from './source-file.ts';

/** A config file is written by people; what is larger is something else. */
export const largestFile = 256 * 1024;

/** A test of routes, which stands beside them and is no config. */
export function isTestFile(name: string): boolean {
  return /\.test\.ya?ml$/.test(name);
}

/** The files that these paths mean: files, folders (their *.yaml and *.yml), globs. Each once, sorted within a folder or glob. */
export function readFiles(paths: readonly string[], problems: Problems): SourceFile[] {
  const names = new Set(paths.flatMap((path) => expand(path, problems)));
  return [...names].flatMap((name) => readOne(name, problems) ?? []);
}

/** The text of a file, or of an input of another kind, when it is not too large. */
export function sourceFile(name: string, text: string, problems: Problems): SourceFile | undefined {
  if (text.length > largestFile) {
    problems.fileError(name, 'too-large', `larger than ${largestFile / 1024} KiB`, 'is this a config file? Split it');
    return undefined;
  }
  return new SourceFile(name, text);
}

function expand(path: string, problems: Problems): string[] {
  const found = look(path);
  if (found?.isDirectory()) return folder(path, problems);
  if (found && isTestFile(path)) {
    problems.fileError(path, 'test-file', 'this is a test of routes, not a config', 'run it by `mqferry test`');
    return [];
  }
  if (found) return [path];
  if (/[*?[{]/.test(path)) {
    const matches = globSync(path)
      .filter((name) => !isTestFile(name) && look(name)?.isFile())
      .sort();
    if (matches.length === 0) problems.fileError(path, 'no-file', 'no file matches');
    return matches;
  }
  problems.fileError(path, 'no-file', 'there is no such file');
  return [];
}

function folder(path: string, problems: Problems): string[] {
  try {
    const names = readdirSync(path).filter((name) => /^[^.].*\.ya?ml$/.test(name) && !isTestFile(name));
    if (names.length === 0) problems.fileError(path, 'no-file', 'there is no *.yaml or *.yml in this folder');
    return names.sort().map((name) => join(path, name));
  } catch (error) {
    problems.fileError(path, 'unreadable', `cannot read the folder: ${(error as NodeJS.ErrnoException).code}`);
    return [];
  }
}

/** One file; undefined when a problem was reported. */
export function readOne(name: string, problems: Problems): SourceFile | undefined {
  const found = look(name);
  if (found && !found.isFile() && !found.isFIFO()) {
    problems.fileError(name, 'unreadable', 'not a file');
    return undefined;
  }
  // The size is looked at first: 10 MB would take seconds to parse.
  if (found && found.size > largestFile * 4) return sourceFile(name, ' '.repeat(largestFile + 1), problems);
  try {
    return sourceFile(name, new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(name)), problems);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = error instanceof TypeError ? 'not UTF-8 text' : `cannot read the file: ${code}`;
    problems.fileError(name, 'unreadable', message);
    return undefined;
  }
}

function look(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
