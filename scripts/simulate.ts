/**
 * The simulations, with many seeds, on all cores: 100,000 plays of the engine and 20,000 lives on a simulated disk.
 *
 *     npm run simulate [-- --from 1000001]     other seeds than those of the test runs
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sound } from '../test/engine/sim/setups.ts';

const { values: options } = parseArgs({ options: { from: { type: 'string', default: '1' } } });
const first = Number(options.from);
const root = join(import.meta.dirname, '..');

interface Job {
  readonly suite: string;
  readonly from: number;
  readonly seeds: number;
}

/** Of each set-up of the engine. */
const plays = Math.ceil(100_000 / Object.keys(sound).length);
/** The suites of the disk play several kinds of lives with each seed, some with half of them. */
const lives = 3200;
const parts = 6;
const jobs: Job[] = [
  ...Array.from({ length: parts }, (_, i) => job('test/engine/simulation.test.ts', Math.ceil(plays / parts), i)),
  ...Array.from({ length: 2 }, (_, i) => job('test/buffer/crash.test.ts', lives / 2, i)),
  ...Array.from({ length: 2 }, (_, i) => job('test/buffer/stage/crash.test.ts', lives / 2, i)),
];
const began = performance.now();
const failed: string[] = [];
const waiting = [...jobs];
await Promise.all(Array.from({ length: availableParallelism() }, () => work()));
const minutes = ((performance.now() - began) / 60_000).toFixed(1);
console.log(
  `simulated: ${Object.keys(sound).length} set-ups of the engine with ${plays} seeds each, and the disk with ${lives}, in ${minutes} minutes`,
);
for (const what of failed) console.log(what);
process.exit(failed.length === 0 ? 0 : 1);

function job(suite: string, seeds: number, index: number): Job {
  return { suite, seeds, from: first + index * seeds };
}

async function work(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { suite, from, seeds } = next;
    // The controls play seeds of their own, and are no seeds more.
    const args = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', suite, '--testTimeout', '1800000'];
    const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, SEEDS: String(seeds), FROM: String(from) } });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const code = await new Promise((resolve) => child.once('close', resolve));
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${suite}, seeds ${from} to ${from + seeds - 1}`);
    if (code !== 0) failed.push(output.slice(-4000));
  }
}
