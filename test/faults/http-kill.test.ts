/** A small broker over HTTP that is killed again and again, with a ledger of what it has answered. `KILLS=200` for many. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { until } from '../brokers/broker.ts';
import { folder, start } from '../cli/mqferry.ts';
import { freePort } from '../connectors/http/ports.ts';

const kills = Number(process.env['KILLS'] ?? (process.env['CI'] === 'true' ? 12 : 4));

test(`${kills} SIGKILLs: what was answered by 200 is pulled, and nothing else`, { timeout: 60_000 + kills * 3000 }, async () => {
  const [port, data] = [await freePort(), folder()];
  const url = `http://127.0.0.1:${port}/jobs`;
  const route = join(data, 'r.yaml');
  writeFileSync(
    route,
    `
connections: { door: { http: { port: ${port} } } }
routes:
  in: { quarantine: { after: 0 }, source: { http: { connection: door, path: /jobs } }, sink: { local: { queue: jobs, store: disk } } }
  out: { quarantine: { after: 0 }, source: { local: { queue: jobs, store: disk } }, sink: { http: { connection: door, path: /jobs, visibility: 2s } } }`,
  );
  const confirmed = new Set<number>();
  const pulled = new Set<number>();
  let sent = 0;
  let isPublishing = true;
  let isPulling = true;
  const publish = async () => {
    while (isPublishing) {
      const n = sent++;
      const answer = await fetch(url, { method: 'POST', body: String(n) }).catch(() => undefined);
      if (answer?.status === 200) confirmed.add(n);
      await answer?.text().catch(() => undefined);
      await sleep(answer ? 1 : 20);
    }
  };
  const pull = async () => {
    while (isPulling) {
      const answer = await fetch(`${url}?max=20&wait=100ms`).catch(() => undefined);
      const { messages = [] } = ((await answer?.json().catch(() => undefined)) ?? {}) as { messages?: { receipt: string; body: string }[] };
      for (const { body } of messages) pulled.add(Number(body));
      const receipts = messages.map(({ receipt }) => receipt);
      if (receipts.length > 0) await fetch(`${url}/ack`, { method: 'POST', body: JSON.stringify({ receipts }) }).catch(() => undefined);
      await sleep(answer ? 1 : 20);
    }
  };
  const publishing = [publish(), publish()];
  const pulling = [pull(), pull()];
  const run = ['run', route, '--no-admin', '--data', data];
  for (let kill = 0; kill < kills; kill++) {
    const life = start(run);
    // Every other life ends early; the others only when they have taken many, however slow the machine is.
    const wanted = confirmed.size + (kill % 2 === 0 ? 1 : 45);
    await until('enough is taken', () => confirmed.size >= wanted || life.child.exitCode !== null, 30_000);
    expect(life.child.exitCode, life.err()).toBeNull();
    await sleep(Math.random() * 500); // a moment of its own each time: nothing is waited for
    life.child.kill('SIGKILL');
    await life.ended;
  }
  isPublishing = false;
  await Promise.all(publishing);
  const last = start(run);
  await until('it serves', async () => (await fetch(url).catch(() => undefined))?.status === 200, 30_000);
  await until('all that was confirmed is pulled', () => [...confirmed].every((n) => pulled.has(n)), 30_000);
  isPulling = false;
  await Promise.all(pulling);
  last.child.kill('SIGTERM');
  expect((await last.ended).code).toBe(0);
  expect([...pulled].filter((n) => !(n < sent))).toEqual([]);
  expect(confirmed.size).toBeGreaterThan(kills * 20);
});
