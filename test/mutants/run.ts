/**
 * Runs the tests on wrong versions of the product (list.ts): each must fail one.
 *
 *     npm run mutants [-- part of what it does]      SEEDS=5000: how many seeds the simulations try at most
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mutant, mutants, mutated } from './list.ts';

const root = join(import.meta.dirname, '..', '..');
const copied = ['src', 'connectors', 'test', 'routes', 'docs', 'bin', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
const limitMs = 600_000;
/** Of the simulations: most mutants need no more than the first. */
const [fewSeeds, manySeeds] = ['300', process.env['SEEDS'] ?? '5000'];

interface Verdict {
  readonly mutant: Mutant;
  /** The test that has noticed it. */
  readonly killedBy: string | undefined;
  /** Why that is no verdict. */
  readonly broken: string | undefined;
  readonly seconds: number;
}

interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const part = process.argv.slice(2).join(' ');
const waiting = mutants.filter(({ does }) => does.includes(part));
const count = waiting.length;
const survivors: Verdict[] = [];
const began = performance.now();
await Promise.all(Array.from({ length: Math.min(availableParallelism(), count) }, () => work()));
for (const { mutant, broken } of survivors) console.log(`SURVIVED ${mutant.file}: ${mutant.does}${broken ? `\n${broken}` : ''}`);
const minutes = ((performance.now() - began) / 60_000).toFixed(1);
console.log(`mutants: ${count - survivors.length} of ${count} were noticed, in ${minutes} minutes`);
process.exit(survivors.length === 0 ? 0 : 1);

/** One copy of the checkout, for one mutant after the other. */
async function work(): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'mqferry-mutant-'));
  try {
    for (const name of copied) cpSync(join(root, name), join(place, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const verdict = await judge(mutant, place);
      if (verdict.killedBy === undefined) survivors.push(verdict);
      console.log(`${verdict.killedBy === undefined ? 'LIVES' : 'ok   '} ${mutant.does} (${verdict.seconds.toFixed(0)} s)`);
      if (verdict.killedBy !== undefined) console.log(`        ${verdict.killedBy}`);
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function judge(mutant: Mutant, place: string): Promise<Verdict> {
  const started = performance.now();
  const file = join(place, mutant.file);
  const right = readFileSync(file, 'utf8');
  writeFileSync(file, mutated(mutant, right));
  let broken: string | undefined;
  try {
    for (const seeds of [fewSeeds, manySeeds])
      for (const suite of mutant.suites) {
        const { killedBy, problem } = await run(suite, place, seeds);
        if (killedBy !== undefined) return { mutant, killedBy, broken: undefined, seconds: (performance.now() - started) / 1000 };
        broken ??= problem;
      }
    return { mutant, killedBy: undefined, broken, seconds: (performance.now() - started) / 1000 };
  } finally {
    writeFileSync(file, right);
  }
}

/** One that cannot be compiled, or makes a suite wait for ever, is noticed by no test. */
async function run(suite: string, place: string, seeds: string): Promise<{ killedBy?: string; problem?: string }> {
  const report = join(place, 'report.json');
  rmSync(report, { force: true });
  const args = [
    join(place, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--bail',
    '1',
    '--reporter=json',
    `--outputFile=${report}`,
    suite,
  ];
  const child = spawn(process.execPath, args, {
    cwd: place,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, SEEDS: seeds },
  });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, limitMs);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(late);
  if (isLate) return { problem: `${suite} did not end` };
  try {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    for (const { assertionResults } of testResults) {
      const failed = assertionResults.find(({ status }) => status === 'failed');
      if (failed) return { killedBy: `${suite} > ${failed.fullName}` };
    }
    const message = testResults.map((result) => result.message).join('\n');
    return message ? { problem: message } : {};
  } catch {
    return { problem: errors.slice(-500) };
  }
}
