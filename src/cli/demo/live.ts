import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEngine, type Mqferry } from '../../index.ts';
import { openLog } from '../log.ts';
import { summary } from '../summary.ts';
import { demoRoute, Site } from './site.ts';

const readingsPerSecond = 8;
const statusEveryMs = 2000;

/** Runs the main job inside this process and prints what arrives, until a signal or for so long. */
export async function live(forMs: number | undefined): Promise<void> {
  const site = await Site.open();
  const dataDir = mkdtempSync(join(tmpdir(), 'mqferry-demo-'));
  const text = demoRoute(site.port, 'print');
  process.stderr.write(`${text}\nPrinting what arrives; Ctrl-C ends it.\n\n`);
  const log = await openLog('warn', 'pretty');
  const ferry = await createEngine({ routes: { texts: [{ name: 'demo.yaml', text }] }, dataDir, log });
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  await ferry.start();
  site.report(readingsPerSecond);
  await showStatus(ferry, forMs, stop.signal);
  site.stopReporting();
  await ferry.stop();
  await site.close();
  rmSync(dataDir, { recursive: true, force: true });
  process.stderr.write(`\n${summary(ferry.engine)}\n${next}`);
}

const next = `
What to try next
  npm start -- --kill              the same, with the router killed (SIGKILL) every few seconds, and a count of what arrived
  mqferry init rabbitmq kafka      a commented route for two brokers of yours
  mqferry list                     the connectors and steps
`;

async function showStatus(ferry: Mqferry, forMs: number | undefined, stop: AbortSignal): Promise<void> {
  const end = performance.now() + (forMs ?? Number.POSITIVE_INFINITY);
  let before = 0;
  while (!stop.aborted && performance.now() < end) {
    await sleep(Math.min(statusEveryMs, Math.max(0, end - performance.now())), undefined, { signal: stop }).catch((error: unknown) => {
      if (!stop.aborted) throw error;
    });
    const [route] = ferry.engine.routes;
    const read = route?.books?.read ?? 0;
    process.stderr.write(`${statusLine(ferry, ((read - before) * 1000) / statusEveryMs)}\n`);
    before = read;
  }
}

function statusLine({ engine }: Mqferry, perSecond: number): string {
  const [route] = engine.routes;
  const books = route?.books;
  const retried = route?.run?.outboxes.reduce((sum, box) => sum + box.retried, 0) ?? 0;
  const line = `in ${books?.read ?? 0} · out ${books?.delivered ?? 0} · filtered ${books?.filtered ?? 0} · buffered ${books?.buffered ?? 0} · ${perSecond.toFixed(1)} msg/s · retried ${retried}`;
  return process.stderr.isTTY ? `\x1b[2m— ${line}\x1b[0m` : `— ${line}`;
}
