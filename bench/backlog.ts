/** A million messages wait in the disk buffer while the sink is down; then it comes back. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '../test/brokers/broker.ts';
import { freePorts } from '../test/brokers/broker.ts';
import { type End, headers } from './end.ts';
import { mqttEnd } from './ends/mqtt.ts';
import { cpuSeconds, memoryMiB } from './processes.ts';
import { atMost, type Row, row } from './rows.ts';
import { ended, freshDir, programs, start } from './tools.ts';

const part = 0.1;

interface Sample {
  readonly count: number;
  readonly cpu: number;
}

/** Memory, and what a message costs in the last tenth against the first, on its way in and on its way out. */
export async function backlog(mosquitto: Broker, parent: string, program: keyof typeof programs, messages = 1_000_000): Promise<Row[]> {
  const dir = freshDir(parent, 'backlog');
  const [adminPort] = (await freePorts(1)) as [number];
  writeFileSync(join(dir, 'bench.yaml'), config(mqttEnd(mosquitto), messages));
  await mosquitto.stop();
  const args = [programs[program], 'run', 'bench.yaml', '--data', 'data', '--admin', `127.0.0.1:${adminPort}`, '--until-idle', '5s'];
  const child = start(process.execPath, [...args, '--connect-timeout', '10m'], dir);
  const gone = ended(child, dir);
  gone.catch(() => {}); // told by follow() or below
  const pid = child.pid as number;
  const filled = await follow(pid, gone, messages, async () => (await books(adminPort)).buffered);
  const rssFilled = memoryMiB(pid).peak;
  await mosquitto.start();
  const drained = await follow(pid, gone, messages, async () => (await books(adminPort)).delivered);
  const rss = memoryMiB(pid).peak;
  await gone;
  return [
    row(`${messages} into the buffer, sink down`, 'mqferry', 1, [
      atMost('RSS', rssFilled, 'MiB', 200),
      atMost('last tenth against first', tenths(filled, messages), '×', 1.1),
    ]),
    row(`${messages} out of the buffer, sink back`, 'mqferry', 1, [
      atMost('RSS', rss, 'MiB', 200),
      atMost('last tenth against first', tenths(drained, messages), '×', 1.1),
    ]),
  ];
}

function config(to: End, messages: number): string {
  return [
    'connections:',
    `  to: ${to.connection}`,
    'routes:',
    '  bench:',
    `    source: { generate: { interval: 0s, count: ${messages}, size: 1KiB, headers: ${JSON.stringify(headers)} } }`,
    '    buffer: { disk: { maxBytes: 4GiB } }',
    "    sink: { mqtt: { connection: to, topic: 'backlog', requireSubscriber: ignore } }",
    '  idle:', // never finished: keeps the process up for its books to be read
    '    source: { local: { queue: nothing } }',
    '    sink: print',
    '',
  ].join('\n');
}

interface Books {
  readonly buffered: number;
  readonly delivered: number;
}

async function books(adminPort: number): Promise<Books> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/routes/bench`).catch(() => undefined);
  if (!answer?.ok) return { buffered: 0, delivered: 0 }; // it is still starting
  return ((await answer.json()) as { books: Books }).books;
}

/** CPU by count, until all have arrived. */
async function follow(pid: number, gone: Promise<void>, messages: number, count: () => Promise<number>): Promise<Sample[]> {
  const samples: Sample[] = [];
  let isGone = false;
  const watch = gone.finally(() => {
    isGone = true;
  });
  watch.catch(() => {}); // awaited when it counts
  for (let last = 0; last < messages; await sleep(100)) {
    const cpu = cpuSeconds([pid]);
    last = await count();
    if (last > 0) samples.push({ count: last, cpu });
    if (isGone && last < messages) {
      await gone;
      throw new Error(`it ended with ${last} of ${messages} there`);
    }
  }
  return samples;
}

function tenths(samples: readonly Sample[], messages: number): number {
  const tenth = messages * part;
  const begin = (samples[0] as Sample).count;
  const first = cpuAt(samples, begin + tenth) - cpuAt(samples, begin);
  const last = cpuAt(samples, messages) - cpuAt(samples, messages - tenth);
  return last / first;
}

/** In a straight line between two samples. */
function cpuAt(samples: readonly Sample[], count: number): number {
  const i = Math.max(
    1,
    samples.findIndex((sample) => sample.count >= count),
  );
  const [before, after] = [samples[i - 1], samples[i]] as [Sample, Sample];
  return before.cpu + ((after.cpu - before.cpu) * (count - before.count)) / Math.max(1, after.count - before.count);
}
