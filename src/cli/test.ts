import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { renderProblems } from '../config/diagnostics.ts';
import type { Problem } from '../config/model.ts';
import { describeError } from '../errors.ts';
import { registryOf } from '../index.ts';
import { findTestFiles } from '../rehearsal/find.ts';
import { jsonReport, junitReport, rounded, textReport } from '../rehearsal/report.ts';
import { type Report, runTests } from '../rehearsal/run.ts';
import { choiceOf } from './arguments.ts';
import { Leave } from './exit-codes.ts';
import { allowScripts, pathsOr } from './load.ts';
import { say } from './say.ts';

const formats = ['text', 'json'] as const;

interface TestOptions {
  readonly only?: string;
  readonly junit?: string;
  readonly format: (typeof formats)[number];
  readonly coverageMin?: number;
  readonly allowScripts?: boolean;
}

export function addTest(program: Command): void {
  program
    .command('test')
    .description('Run the tests beside routes: messages in, what must arrive where. No broker, no network, no waiting.')
    .argument('[paths...]', 'test files, config files, folders (all below them) or globs (default: routes)')
    .option('--only <text>', 'only tests whose name has this in it')
    .option('--junit <file>', 'also write the results as JUnit XML')
    .option('--format <format>', formats.join(' or '), choiceOf(formats), 'text')
    .option('--coverage-min <percent>', 'fail when messages came to fewer of the steps, branches and ends', percentOf)
    .option(...allowScripts)
    .addHelpText('after', examples)
    .action(test);
}

async function test(paths: string[], options: TestOptions): Promise<void> {
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

function percentOf(text: string): number {
  if (!/^\d{1,3}(?:\.\d+)?$/.test(text) || Number(text) > 100) throw new InvalidArgumentError('Write a number from 0 to 100.');
  return Number(text);
}

const examples = `
Examples:
  mqferry test                                  all *.test.yaml below routes/
  mqferry test routes/orders.yaml               routes/orders.test.yaml
  mqferry test routes/ --only dead --coverage-min 90
  mqferry test routes/ --junit results.xml

A test file, routes/orders.test.yaml:
  tests:
    - name: small orders are left out
      given:
        - json: { orderId: 1, total: 200 }
        - json: { orderId: 2, total: 20 }
      expect:
        sinks:
          kafka:
            - contains: { id: 1 }
        filtered: 1`;
