import { writeFile } from 'node:fs/promises';
import { renderProblems } from '../../config/diagnostics.ts';
import type { Problem } from '../../config/model.ts';
import { describeError } from '../../errors.ts';
import { registryOf } from '../../index.ts';
import { findTestFiles } from '../../rehearsal/find.ts';
import { jsonReport, junitReport, rounded, textReport } from '../../rehearsal/report.ts';
import { type Report, runTests } from '../../rehearsal/run.ts';
import { Leave } from '../exit-codes.ts';
import { pathsOr } from '../load.ts';
import { say } from '../say.ts';
import type { TestOptions } from '../test.ts';

/** Leaves by exit code; returns when all tests hold. */
export async function test(paths: string[], options: TestOptions): Promise<void> {
  const found = findTestFiles(pathsOr(paths));
  await refuse(found.problems, options.format);
  const { only } = options;
  const { report, problems } = await runTests(found.names, {
    compile: registryOf().compile,
    env: process.env,
    allowScripts: options.allowScripts ?? false,
    ...(only !== undefined && { only: (name: string) => name.includes(only) }),
  });
  await refuse(problems, options.format);
  if (!report) return;
  if (report.results.length === 0) throw new Leave('usage', `no test has ${JSON.stringify(only)} in its name`);
  await say(`${options.format === 'json' ? jsonReport(report) : textReport(report)}\n`);
  if (options.junit !== undefined) await write(options.junit, junitReport(report));
  verdict(report, options.coverageMin ?? 0);
}

function verdict({ results, coverage }: Report, percentMin: number): void {
  if (results.some(({ failures }) => failures.length > 0)) throw new Leave('failed');
  if (coverage.percent < percentMin)
    throw new Leave('failed', `the coverage is ${rounded(coverage.percent)} %, and ${percentMin} % are asked for`);
}

async function refuse(problems: readonly Problem[], format: TestOptions['format']): Promise<void> {
  if (problems.length === 0) return;
  if (format === 'json') await say(`${renderProblems(problems, 'json')}\n`);
  const count = `${problems.length} ${problems.length === 1 ? 'error' : 'errors'}; no test was run`;
  throw new Leave('config', format === 'json' ? '' : `${renderProblems(problems)}\n\n${count}`);
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new Leave('failed', `cannot write ${path}: ${describeError(error)}`);
  }
}
