/**
 * The fault laboratory: every pair of brokers under every fault, with and without the disk buffer; an outside ledger says what was lost.
 * The usage below says the rest.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Cell, cellsOf, faultNames, type Mode, nameOf, pairOf } from './cells.ts';
import { play, type Result } from './play.ts';
import { proofPage } from './proof.ts';
import { seedOf } from './seed.ts';
import { Subjects, versionsOfBrokers } from './subjects.ts';

const usage = `npm run faults                        the plain cell of each pair, few messages
  --ci                                a sample that the seed chooses, with each fault in it; some ten minutes
  --full                              everything: 200 SIGKILLs of mqferry, 50 of each broker, 200 cuts at random bytes for each pair,
                                      with and without the buffer. Hours; what is done is kept in faults-<seed>.jsonl, and not done again
  --seed N                            which sample, and when the faults come (default: the commit)
  --pair rabbitmq-kafka  --fault kill only these; faults: ${faultNames.join(', ')}, withheld
  --proof                             writes docs/proof.md`;

const { values: options } = parseArgs({
  options: {
    ci: { type: 'boolean' },
    full: { type: 'boolean' },
    seed: { type: 'string' },
    pair: { type: 'string' },
    fault: { type: 'string' },
    report: { type: 'string' },
    proof: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (options.help) {
  console.log(usage);
  process.exit(0);
}
const seed = options.seed === undefined ? seedOf(commit()) : Number(options.seed);
const mode: Mode = options.full ? 'full' : options.ci ? 'ci' : 'quick';
const versions = await versionsOfBrokers();
const subjects = new Subjects();
const chosen = chosenCells();
const playable = chosen.filter((cell) => versions.get(cell.from) && versions.get(cell.to));
const skipped = chosen.length - playable.length;
const keptIn = mode === 'full' ? `faults-${seed}.jsonl` : undefined;
const results = keptIn && existsSync(keptIn) ? kept(keptIn) : [];
const done = new Set(results.map(({ cell }) => nameOf(cell)));

try {
  for (const cell of playable) {
    if (done.has(nameOf(cell))) continue;
    const result = await play(cell, await subjects.get(cell.from, 'source'), await subjects.get(cell.to, 'sink'));
    results.push({ cell, result });
    if (keptIn) appendFileSync(keptIn, `${JSON.stringify({ cell, result })}\n`);
    tell(cell, result);
  }
} finally {
  await subjects.dispose();
}
const failed = results.filter(({ result }) => result.problems.length > 0).length;
const isCi = process.env['CI'] === 'true';
const tally = { passed: results.length - failed, failed: failed + (isCi ? skipped : 0), skipped: isCi ? 0 : skipped };
if (options.report) writeFileSync(options.report, JSON.stringify(tally));
if (options.proof) writeFileSync('docs/proof.md', proofPage({ mode, seed, results, versions, isWhole: results.length === chosen.length }));
console.log(`faults (${mode}, seed ${seed}): ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exit(tally.failed > 0 ? 1 : 0);

/** Of the mode; of all, as a sample plays them, where one is asked for by name. */
function chosenCells(): Cell[] {
  const isNamed = options.fault !== undefined || options.pair !== undefined;
  const cells = isNamed && mode === 'quick' ? cellsOf('all', seed) : cellsOf(mode, seed);
  return cells.filter((cell) => (!options.pair || pairOf(cell) === options.pair) && (!options.fault || cell.fault === options.fault));
}

function kept(file: string): { cell: Cell; result: Result }[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as { cell: Cell; result: Result });
}

function tell(cell: Cell, { sent, arrived, lost, phantom, corrupt, duplicated, reordered, faults, seconds, problems }: Result): void {
  const counts = `${sent} sent, ${arrived} arrived, lost ${lost}, phantom ${phantom}, corrupt ${corrupt}, duplicated ${duplicated}, reordered ${reordered} (${faults} faults)`;
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${nameOf(cell)}: ${counts}, ${seconds.toFixed(1)} s`);
  for (const problem of problems) console.log(`     ${problem}`);
  if (problems.length > 0)
    console.log(
      `     again: npm run faults --${mode === 'full' ? ' --full' : ''} --seed ${seed} --pair ${pairOf(cell)} --fault ${cell.fault}`,
    );
}

/** A checkout without git has one seed for all. */
function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return 'no commit';
  }
}
