/** Reads test files, and runs what is in them. */
import { systemClock } from '../clock.ts';
import type { Compile, Problem } from '../config/model.ts';
import { scrub } from '../config/redact.ts';
import { compileRoute } from '../route/compile.ts';
import type { TestCase } from './cases.ts';
import { Coverage } from './coverage.ts';
import { type Failure, judge } from './judge.ts';
import { rehearse } from './rehearse.ts';
import { around } from './surroundings.ts';
import { readTestFile, type TestFile } from './test-file.ts';

export interface RunOptions {
  readonly compile: Compile;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly allowScripts: boolean;
  /** Of which tests; absent: all. */
  readonly only?: (name: string) => boolean;
}

export interface Result {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly route: string;
  /** Without secrets. Empty: it holds. */
  readonly failures: readonly Failure[];
  readonly ms: number;
}

export interface Report {
  readonly results: readonly Result[];
  readonly coverage: Coverage;
}

/** All problems of all files at once, and no report when there is one. */
export async function runTests(names: readonly string[], options: RunOptions): Promise<{ report?: Report; problems: readonly Problem[] }> {
  const files: TestFile[] = [];
  const problems: Problem[] = [];
  for (const name of names) {
    const read = await readTestFile(name, options);
    if (read.file) files.push(read.file);
    problems.push(...read.problems);
  }
  if (problems.length > 0) return { problems: once(problems) };
  const coverage = new Coverage();
  const results: Result[] = [];
  for (const file of files) {
    for (const model of await file.load(systemClock))
      coverage.expect(compileRoute(model, around({ allowScripts: options.allowScripts, clock: systemClock })));
    for (const test of file.cases)
      if (!options.only || options.only(test.name)) results.push(await runOne(file, test, options.allowScripts, coverage));
  }
  return { report: { results, coverage }, problems };
}

/** Several test files may be of one config. */
function once(problems: readonly Problem[]): Problem[] {
  const byText = new Map(
    problems.map((problem) => [`${problem.file}:${problem.line}:${problem.col} ${problem.rule} ${problem.message}`, problem]),
  );
  return [...byText.values()];
}

async function runOne(file: TestFile, test: TestCase, allowScripts: boolean, coverage: Coverage): Promise<Result> {
  const startMs = systemClock.now();
  const outcome = await rehearse(file, test, allowScripts, coverage);
  for (const end of [...outcome.sinks, ...outcome.deadLetters, ...outcome.taps])
    coverage.arrived(test.routeName, end.name, end.model.at, end.taken.length);
  const failures = judge(test, outcome).map((failure) => scrubbed(failure, file.secrets));
  return { file: file.name, line: test.at.line, name: test.name, route: test.routeName, failures, ms: systemClock.now() - startMs };
}

function scrubbed({ where, differences, message }: Failure, secrets: ReadonlySet<string>): Failure {
  return {
    where: scrub(where, secrets),
    differences: differences.map(({ what, expected, found }) => ({
      what: scrub(what, secrets),
      expected: scrub(expected, secrets),
      found: scrub(found, secrets),
    })),
    ...(message && { message: message.map((line) => scrub(line, secrets)) }),
  };
}
