import { globSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileFault } from './file-fault.ts';
import { didYouMean } from './nearest.ts';
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
    if (matches.length === 0) problems.fileError(path, 'no-file', 'no file matches', 'put it in quotes, if the shell should not look');
    return matches;
  }
  missing(path, problems);
  return [];
}

function missing(path: string, problems: Problems): void {
  try {
    statSync(path);
  } catch (error) {
    const near = didYouMean(basename(path), namesIn(dirname(path)));
    const isDefault = path === 'routes';
    const hint = isDefault ? 'name the files, or put them into a folder `routes`; `mqferry init` writes one for you' : near;
    problems.fileError(path, 'no-file', fileFault(error), hint);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // the folder is what is missing
  }
}

function folder(path: string, problems: Problems): string[] {
  try {
    const names = readdirSync(path).filter((name) => /^[^.].*\.ya?ml$/.test(name) && !isTestFile(name));
    if (names.length === 0) problems.fileError(path, 'no-file', 'there is no *.yaml or *.yml in this folder', 'name the files, or a glob');
    return names.sort().map((name) => join(path, name));
  } catch (error) {
    problems.fileError(path, 'unreadable', `cannot read the folder: ${fileFault(error)}`);
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
    if (error instanceof TypeError) problems.fileError(name, 'unreadable', 'not UTF-8 text', 'save it as UTF-8');
    else problems.fileError(name, 'unreadable', `cannot read the file: ${fileFault(error)}`);
    return undefined;
  }
}

/** Undefined also for what cannot be looked at, such as a link to itself: {@link missing} says why. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
