/** A million messages wait in the disk buffer while the sink is down; then it comes back. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Broker } from '../test/brokers/broker.ts';
import { freePorts } from '../test/brokers/broker.ts';
import { type End, headers } from './end.ts';
import { mqttEnd } from './ends/mqtt.ts';
import { memoryMiB } from './processes.ts';
import { atMost, type Row, row } from './rows.ts';
import { booksOf, follow, tenths } from './samples.ts';
import { ended, freshDir, programs, start } from './tools.ts';

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
  const filled = await follow(pid, gone, messages, async () => (await booksOf(adminPort)).buffered);
  const rssFilled = memoryMiB(pid).peak;
  await mosquitto.start();
  const drained = await follow(pid, gone, messages, async () => (await booksOf(adminPort)).delivered);
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
