/**
 * `npm test`: everything that this machine can run, and a table of what ran and what was skipped and why.
 *
 * The suites without a broker always run. A suite that starts real brokers runs when they are installed; on CI (`CI=true`) a skipped one is a
 * failure. `SEEDS` is the number of seeds of the simulations (2,000 on CI).
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { brokers } from '../test/brokers/all.ts';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const root = join(import.meta.dirname, '..');
const isCi = process.env['CI'] === 'true';
const reports = mkdtempSync(join(tmpdir(), 'mqferry-test-'));
const filter = process.argv.slice(2);

const versions = new Map<string, string | undefined>();
for (const [name, kind] of Object.entries(brokers)) versions.set(name, await kind.version());
const suites = globSync('test/**/*.broker.test.ts', { cwd: root })
  .filter((file) => filter.length === 0 || filter.some((part) => file.includes(part)))
  .sort()
  .map((file) => ({ file, needs: brokersOf(file) }));
const runnable = suites.filter((suite) => suite.needs.every((name) => versions.get(name)));
const missing = suites.filter((suite) => !runnable.includes(suite));

const total: Tally = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];
add(vitest('unit', 'vitest.config.ts', filter));
if (runnable.length > 0)
  add(
    vitest(
      'brokers',
      'vitest.broker.config.ts',
      runnable.map((suite) => suite.file),
    ),
  );
total[isCi ? 'failed' : 'skipped'] += missing.length;
if (filter.length === 0) add(faults());
rmSync(reports, { recursive: true, force: true });
console.log(`\n${table()}\n`);
if (failures.length > 0) console.log(`failed:\n${failures.join('\n')}\n`);
if (missing.length > 0) console.log('npm run brokers:install brings what is missing.\n');
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** The brokers that a suite imports. */
function brokersOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const names = [...text.matchAll(/brokers\/(\w+)\.ts'/g)].map((match) => match[1] as string);
  return [...new Set(names)].filter((name) => name in brokers);
}

function vitest(name: string, config: string, files: readonly string[]): Tally {
  const report = join(reports, `${name}.json`);
  const args = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--config', config, '--passWithNoTests'];
  const { status } = spawnSync(
    process.execPath,
    [...args, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...files],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, SEEDS: process.env['SEEDS'] ?? (isCi ? '2000' : '100') },
    },
  );
  const counts = readReport(report);
  return { ...counts, failed: counts.failed + (status !== 0 && counts.failed === 0 ? 1 : 0) };
}

/** The counts of a vitest report. What failed is told once more at the end, where it can still be seen after everything else was printed. */
function readReport(report: string): Tally {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    for (const { name, status, message, assertionResults } of testResults) {
      const failed = assertionResults.filter((test: { status: string }) => test.status === 'failed');
      const file = relative(root, name);
      for (const test of failed) failures.push(`${file} > ${test.fullName}\n${firstLines(test.failureMessages.join('\n'))}`);
      if (status === 'failed' && failed.length === 0) failures.push(`${file}\n${firstLines(message)}`);
    }
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests };
  } catch (error) {
    console.error(`no report of ${report}: ${error}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function firstLines(text: string): string {
  const lines = text.split('\n').slice(0, 12);
  return lines.map((line) => `    ${line}`).join('\n');
}

/** The fault laboratory: on CI a sample of all pairs and faults that the commit chooses, else one plain cell of each pair that can be run. */
function faults(): Tally {
  const report = join(reports, 'faults.json');
  const args = [...(isCi ? ['--ci'] : []), '--report', report];
  const { status } = spawnSync(process.execPath, [join(root, 'test', 'faults', 'lab', 'run.ts'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as Tally;
  } catch (error) {
    console.error(`the faults ended with ${status} and without a report: ${error}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function add(tally: Tally): void {
  total.passed += tally.passed;
  total.failed += tally.failed;
  total.skipped += tally.skipped;
}

function table(): string {
  const rows = [...versions].map(([name, version]) => {
    const own = suites.filter((suite) => suite.needs.includes(name));
    const ran = own.filter((suite) => runnable.includes(suite)).length;
    return [
      name,
      version ?? 'missing',
      version ? `${ran} of ${own.length} suites run` : `${own.length} suites skipped: ${name} is not installed`,
    ];
  });
  const all = [['broker', 'version', 'suites'], ...rows];
  const widths = [0, 1].map((i) => Math.max(...all.map((row) => (row[i] as string).length)));
  return all
    .map(([a, b, c]) => `${(a as string).padEnd(widths[0] as number)}  ${(b as string).padEnd(widths[1] as number)}  ${c}`)
    .join('\n');
}
