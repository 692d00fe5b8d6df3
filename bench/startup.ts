/** How long it takes to begin, and what it holds while nothing happens. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RabbitmqBroker } from '../test/brokers/rabbitmq.ts';
import { rabbitmqEnd } from './ends/rabbitmq.ts';
import { memoryMiB } from './processes.ts';
import { atMost, type Row, row } from './rows.ts';
import { ended, freshDir, type programs as known, programs, routeOf, start } from './tools.ts';
import { median } from './trial.ts';

const rounds = 5;
const idleMs = 3000;

/** validate of a small file; start to first message, and idle memory, both rabbitmq to rabbitmq. */
export async function startup(broker: RabbitmqBroker, parent: string, which: readonly (keyof typeof known)[]): Promise<Row[]> {
  const end = rabbitmqEnd(broker);
  const rows: Row[] = [];
  for (const program of which) {
    const dir = freshDir(parent, `startup-${program}`);
    const journey = { from: end, to: end, source: 'startup-in', sink: 'startup-out', reader: 'startup', dir };
    writeFileSync(join(dir, 'bench.yaml'), routeOf(journey));
    const validateMs: number[] = [];
    const firstMs: number[] = [];
    const idleMiB: number[] = [];
    for (let round = 0; round < rounds; round++) {
      validateMs.push(await timeOf(() => ended(start(process.execPath, [programs[program], 'validate', 'bench.yaml'], dir), dir)));
      await end.fill(journey.source, 1);
      await end.empty(journey.sink);
      const first = await firstMessage(broker, program, dir);
      firstMs.push(first.ms);
      idleMiB.push(first.idleMiB);
    }
    const name = program === 'dist' ? 'as shipped' : 'from sources';
    rows.push(row('validate', `mqferry, ${name}`, rounds, [atMost('time', median(validateMs) / 1000, 's', 0.3)]));
    rows.push(row('start to first message', `mqferry, ${name}`, rounds, [atMost('time', median(firstMs) / 1000, 's', 0.5)]));
    rows.push(row('idle', `mqferry, ${name}`, rounds, [atMost('RSS', median(idleMiB), 'MiB', 100)]));
  }
  return rows;
}

async function firstMessage(broker: RabbitmqBroker, program: keyof typeof known, dir: string): Promise<{ ms: number; idleMiB: number }> {
  const counter = await rabbitmqEnd(broker).counter('startup-out');
  let child: ReturnType<typeof start> | undefined;
  const ms = await timeOf(async () => {
    child = start(process.execPath, [programs[program], 'run', 'bench.yaml', '--data', 'data', '--no-admin'], dir);
    while ((await counter.count()) === 0) await sleep(5);
  });
  await sleep(idleMs);
  const idleMiB = memoryMiB(child?.pid ?? 0).now;
  child?.kill('SIGTERM');
  if (child) await ended(child, dir);
  await counter.close();
  return { ms, idleMiB };
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
