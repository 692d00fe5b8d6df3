import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Leave } from '../exit-codes.ts';
import { demoRoute, Site, warmCelsius } from './site.ts';

const readingsPerSecond = 200;
const killEveryMs = 3000;
/** After so long without any progress, what has not arrived does not come. */
const stallMs = 30_000;

/**
 * Shows the promise: the router is a process of its own, which is killed by SIGKILL every few seconds and started again, while sensors go
 * on. Broker and ledger live here, outside of it: what the broker confirmed is compared with what arrived. Leaves with 1 when one is lost.
 */
export async function kill(forMs: number): Promise<void> {
  const site = await Site.open();
  const folder = mkdtempSync(join(tmpdir(), 'mqferry-demo-'));
  const file = join(folder, 'demo.yaml');
  writeFileSync(
    file,
    demoRoute(
      site.port,
      "mqtt: { connection: site, topic: 'arrived/${{ body.room }}', onUnmappable: drop }  # MQTT 3.1.1 has no slot for the content type",
      true,
    ),
  );
  const ledger = new Ledger();
  site.watch('arrived/', (payload) => ledger.arrived(payload));
  const router = new Router(file, join(folder, 'data'));
  const subscribed = site.subscribed();
  router.start();
  await subscribed;
  process.stdout.write(`sensors report ${readingsPerSecond} times a second; the router is killed every ${killEveryMs / 1000} s\n`);
  site.report(readingsPerSecond, ({ n, celsius }) => ledger.sent(n, celsius >= warmCelsius));
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    await sleep(Math.min(killEveryMs, end - performance.now()));
    if (performance.now() < end) await router.restart();
    process.stdout.write(`${ledger.line()} · killed ${router.kills} times\n`);
  }
  site.stopReporting();
  await settle(ledger);
  await router.stop();
  await site.close();
  rmSync(folder, { recursive: true, force: true });
  process.stdout.write(
    `\nsent ${ledger.sentCount}, arrived ${ledger.arrivedCount}, lost ${ledger.missing}, duplicated ${ledger.duplicates}\n`,
  );
  if (ledger.missing > 0) throw new Leave('failed', 'messages were lost: this is a bug, please report it');
  process.stdout.write('Nothing is lost; what was on its way at a kill may arrive twice. `mqferry explain` says why.\n');
}

/** Waits as long as messages arrive: on a slow machine, most of what was sent may still be at the broker, or in the buffer. */
async function settle(ledger: Ledger): Promise<void> {
  let before = ledger.missing;
  for (let stillSince = performance.now(); ledger.missing > 0 && performance.now() - stillSince < stallMs; await sleep(100)) {
    if (ledger.missing === before) continue;
    before = ledger.missing;
    stillSince = performance.now();
  }
}

/** What should arrive, and what did. */
class Ledger {
  duplicates = 0;
  sentCount = 0;
  #read = 0;
  readonly #wanted = new Set<number>();
  readonly #seen = new Set<number>();

  /** The broker has confirmed this reading; `passes` when the filter must let it pass. */
  sent(n: number, passes: boolean): void {
    this.#read++;
    if (!passes) return;
    this.sentCount++;
    if (!this.#seen.has(n)) this.#wanted.add(n);
  }

  arrived(payload: Buffer): void {
    const { n } = JSON.parse(payload.toString()) as { n: number };
    if (this.#seen.has(n)) this.duplicates++;
    this.#seen.add(n);
    this.#wanted.delete(n);
  }

  get arrivedCount(): number {
    return this.#seen.size;
  }
  get missing(): number {
    return this.#wanted.size;
  }
  line(): string {
    return `read ${this.#read} · to arrive ${this.sentCount} · arrived ${this.arrivedCount} · duplicated ${this.duplicates}`;
  }
}

/** The router in a process of its own. */
class Router {
  kills = 0;
  #child: ChildProcess | undefined;
  readonly #file: string;
  readonly #data: string;

  constructor(file: string, data: string) {
    this.#file = file;
    this.#data = data;
  }

  start(): void {
    const main = process.argv[1] as string;
    const args = ['run', this.#file, '--data', this.#data, '--no-admin', '--log-level', 'error'];
    this.#child = spawn(process.execPath, [...process.execArgv, main, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  }

  async restart(): Promise<void> {
    this.kills++;
    await this.#end('SIGKILL');
    this.start();
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}
