/** The process as a whole, at the edges of what it is given. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startAedes } from '../brokers/aedes.ts';
import { freePorts, until } from '../brokers/broker.ts';
import { folder, start } from '../cli/mqferry.ts';
import { startProxy } from './proxy.ts';

/** What mqferry gives what is on its way to end: a process that ends before did not wait for it. */
const drainMs = 25_000;

test.each(['source', 'sink'])('a signal ends it at once while a link is down: that of the %s', { timeout: 60_000 }, async (side) => {
  const broker = await startAedes();
  onTestFinished(() => broker.close());
  const [closed] = (await freePorts(1)) as [number];
  const [from, to] = side === 'source' ? [closed, broker.port] : [broker.port, closed];
  const cwd = folder();
  const end = (port: number) => `{ mqtt: { url: 'mqtt://127.0.0.1:${port}', version: 3.1.1 } }`;
  writeFileSync(
    join(cwd, 'r.yaml'),
    `connections:\n  a: ${end(from)}\n  b: ${end(to)}\nroutes:\n  r: { source: { mqtt: { connection: a, topics: t } }, sink: { mqtt: { connection: b, topic: u } } }\n`,
  );
  const { child, err, ended } = start(['run', 'r.yaml', '--no-admin'], { cwd });
  await until('it has said so', () => err().includes('trying again'), 30_000);
  const began = performance.now();
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  expect(performance.now() - began).toBeLessThan(drainMs / 2);
});

test('a sink that confirms nothing costs no more memory than the window, and nothing is lost by it', { timeout: 120_000 }, async () => {
  const mebibyte = 1024 * 1024;
  const [count, bytes] = [300, mebibyte];
  const broker = await startAedes();
  onTestFinished(() => broker.close());
  const proxy = await startProxy(broker.port);
  onTestFinished(() => proxy.close());
  let arrived = 0;
  broker.aedes.on('publish', ({ topic }) => void (arrived += topic === 'out' ? 1 : 0));
  const cwd = folder();
  const [admin] = (await freePorts(1)) as [number];
  writeFileSync(
    join(cwd, 'r.yaml'),
    `connections:
  b: { mqtt: { url: 'mqtt://127.0.0.1:${proxy.port}', version: 3.1.1 } }
routes:
  r:
    window: { messages: 1000, bytes: 16MiB }
    source: { generate: { interval: 0s, count: ${count}, size: ${bytes} } }
    sink: { mqtt: { connection: b, topic: out, onUnmappable: drop } }
`,
  );
  const { child, ended, err } = start(['run', 'r.yaml', '--admin', `127.0.0.1:${admin}`, '--until-idle', '1s'], {
    cwd,
    env: { NODE_OPTIONS: '--max-old-space-size=96' },
  });
  const books = async () => {
    const answer = await fetch(`http://127.0.0.1:${admin}/routes/r`).catch(() => undefined);
    return ((await answer?.json()) as { books?: { read: number; delivered: number } } | undefined)?.books;
  };
  await until('some have arrived', () => arrived >= 20, 60_000);
  proxy.hold('toClient', true);
  let before = -1;
  await until(
    'nothing more is read',
    async () => {
      const { read = 0 } = (await books()) ?? {};
      const isStill = read > 0 && read === before;
      before = read;
      return isStill;
    },
    60_000,
  );
  expect(before, 'it was held up in mid-flow').toBeLessThan(count);
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
  expect(peak, 'MiB, of 300 that are to come').toBeLessThan(230);
  proxy.hold('toClient', false);
  const { code } = await ended;
  expect(code, err()).toBe(0);
  expect(arrived).toBeGreaterThanOrEqual(count);
});
