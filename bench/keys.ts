/** Ten million messages, each with a key of its own, through `dedupe`: what they cost more than without it, and whether the last cost what the first did. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../test/brokers/broker.ts';
import { betweenCpu } from './pairs.ts';
import { memoryMiB } from './processes.ts';
import { atMost, type Row, row } from './rows.ts';
import { booksOf, cpuAt, follow, type Sample, tenths } from './samples.ts';
import { ended, freshDir, programs, start } from './tools.ts';

const rssMax = 400;

export async function keys(parent: string, program: keyof typeof programs, messages = 10_000_000): Promise<Row[]> {
  const without = await run(parent, program, messages, '[]');
  const own = await run(parent, program, messages, "[{ dedupe: { key: 'key-${{ origin.sequence }}' } }]");
  const more = (cpuOf(own.samples) - cpuOf(without.samples)) / (messages / 1e6);
  return [
    row(`${messages} keys`, 'mqferry + dedupe', 1, [
      atMost('more than without', more, 'CPU-s/M', betweenCpu.dedupe),
      atMost('last tenth against first', tenths(own.samples, messages), '×', 1.1),
      atMost('RSS', own.rss, 'MiB', rssMax),
    ]),
  ];
}

/** Without a broker: what `dedupe` costs has nothing to do with one. */
async function run(
  parent: string,
  program: keyof typeof programs,
  messages: number,
  steps: string,
): Promise<{ samples: Sample[]; rss: number }> {
  const dir = freshDir(parent, 'keys');
  const [adminPort] = (await freePorts(1)) as [number];
  writeFileSync(
    join(dir, 'bench.yaml'),
    [
      'routes:',
      `  bench: { source: { generate: { interval: 0s, count: ${messages}, body: x } }, steps: ${steps}, sink: print }`,
      '  idle: { source: { local: { queue: nothing } }, sink: print }', // never finished: keeps the process up for its books to be read
    ].join('\n'),
  );
  const args = [programs[program], 'run', 'bench.yaml', '--data', 'data', '--admin', `127.0.0.1:${adminPort}`, '--until-idle', '5s'];
  const child = start(process.execPath, args, dir);
  const gone = ended(child, dir);
  gone.catch(() => {}); // told by follow()
  const pid = child.pid as number;
  const samples = await follow(pid, gone, messages, async () => (await booksOf(adminPort)).delivered);
  const rss = memoryMiB(pid).peak;
  await gone;
  return { samples, rss };
}

/** From the first sample to the last. */
function cpuOf(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)] as [Sample, Sample];
  return cpuAt(samples, last.count) - first.cpu;
}
