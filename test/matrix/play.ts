import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../brokers/broker.ts';
import { startProxy, type TcpProxy } from '../faults/proxy.ts';
import type { Cell } from './cells.ts';
import { Ferry } from './ferry.ts';
import { type Counts, type Ids, Ledger, parcelsOf } from './ledger.ts';
import { sendAll } from './send.ts';
import type { Subject } from './subject.ts';

export interface Result extends Counts {
  readonly faults: number;
  /** Sentences; empty when the cell has passed. */
  readonly problems: readonly string[];
  readonly seconds: number;
}

interface Stage {
  readonly cell: Cell;
  readonly source: Subject;
  readonly sink: Subject;
  readonly places: { readonly from: string; readonly to: string };
  readonly ledger: Ledger;
  readonly ferry: Ferry;
  readonly proxies: readonly TcpProxy[];
  faults: number;
}

const paced = 500;
const liveMs = 90_000;
/** Window and prefetch, both at their default. */
const copiesPerFault = 2000;
let cellCount = 0;

/** Plays one cell on running brokers. */
export async function play(cell: Cell, source: Subject, sink: Subject): Promise<Result> {
  const started = performance.now();
  const stage = await setUp(cell, source, sink);
  const problems: string[] = [];
  try {
    await stage.ferry.start();
    await acts[cell.fault](stage);
    await drain(stage);
    const exit = await stage.ferry.stop();
    if (exit !== 0) problems.push(`mqferry ended with ${exit}`);
  } catch (error) {
    problems.push(String(error), `its books: ${await stage.ferry.books().then(JSON.stringify, () => 'no answer')}`);
  }
  await stage.ferry.kill();
  for (const proxy of stage.proxies) await proxy.close();
  const counts = stage.ledger.counts;
  problems.push(...judge(counts, stage));
  if (problems.length > 0) problems.push(`its log ended with\n${stage.ferry.log()}`);
  stage.ferry.dispose();
  return { ...counts, faults: stage.faults, problems, seconds: (performance.now() - started) / 1000 };
}

function judge(counts: Counts, { faults, ledger, cell }: Stage): string[] {
  const problems: string[] = [];
  for (const kind of ['lost', 'phantom', 'corrupt'] as const) if (counts[kind] > 0) problems.push(`${kind} ${counts[kind]}`);
  const allowed = faults * copiesPerFault + ledger.resent;
  if (counts.duplicated > allowed) problems.push(`duplicated ${counts.duplicated}, at most ${allowed}`);
  if (counts.sent !== cell.messages) problems.push(`only ${counts.sent} of ${cell.messages} could be sent`);
  return [...problems, ...ledger.wrongHeaders];
}

/** As `explain` says it of such a route. */
function idsOf({ from, isBuffered }: Cell): Ids {
  if (from === 'kafka') return 'all';
  return isBuffered ? 'buffer' : 'none';
}

async function setUp(cell: Cell, source: Subject, sink: Subject): Promise<Stage> {
  const id = `c${process.pid}x${cellCount++}`;
  const places = { from: `${id}.from`, to: `${id}.to` };
  await source.prepare(places.from);
  await sink.prepare(places.to);
  const isProxied = cell.fault === 'cut' || cell.fault === 'withheld';
  const proxies = isProxied ? [await proxyOf(source), await proxyOf(sink)] : [];
  const ports = isProxied ? proxies.map((proxy) => proxy.port) : [source.port, sink.port];
  const config = `connections:
  from: ${source.connection(ports[0] as number)}
  to: ${sink.connection(ports[1] as number)}
routes:
  cell:
    source:
      ${source.source(places.from)}
${cell.isBuffered ? '    buffer: { disk: { maxBytes: 1GiB } }\n' : ''}    sink:
      ${sink.sink(places.to)}
    onError:
      retry: { attempts: 20, backoff: 200ms..2s }
`;
  return { cell, source, sink, places, ledger: new Ledger(idsOf(cell)), ferry: await Ferry.of(config), proxies, faults: 0 };
}

function proxyOf({ proxy }: Subject): Promise<TcpProxy> {
  return startProxy(proxy.target, proxy.port);
}

const acts: Record<Cell['fault'], (stage: Stage) => Promise<void>> = {
  plain: (stage) => send(stage),
  kill: (stage) =>
    during(stage, paced, async () => {
      stage.faults++;
      await stage.ferry.kill();
      stage.ferry.spawn();
    }),
  sinkRestart: (stage) => once(stage, () => restart(stage.sink)),
  sourceRestart: (stage) => once(stage, () => restart(stage.source)),
  cut: (stage) =>
    during(stage, paced, async () => {
      stage.faults += 2;
      for (const proxy of stage.proxies) proxy.cut();
    }),
  withheld: async (stage) => {
    const [, toSink] = stage.proxies as [TcpProxy, TcpProxy];
    toSink.hold('toClient', true);
    await send(stage);
    await until('everything has been read', async () => (await stage.ferry.books()).read >= stage.cell.messages);
    await sleep(1500); // time for a wrong ack to be sent
    stage.faults++;
    await stage.ferry.kill();
    toSink.hold('toClient', false);
    await stage.ferry.start();
    await until(
      'all of it is delivered again: none of it had been settled',
      async () => (await stage.ferry.books()).read >= stage.cell.messages,
      60_000,
    );
  },
};

function send({ source, places, cell, ledger }: Stage, perSecond?: number): Promise<void> {
  return sendAll(source, places.from, parcelsOf(cell.messages), ledger, perSecond);
}

/** Sends paced, and does it three times on the way. */
async function during(stage: Stage, perSecond: number, act: () => Promise<void>): Promise<void> {
  const sending = send(stage, perSecond);
  const { messages } = stage.cell;
  for (const share of [0.25, 0.5, 0.75]) {
    await until('so much is sent', () => stage.ledger.sent >= messages * share, liveMs);
    await act();
  }
  await sending;
}

async function once(stage: Stage, act: () => Promise<void>): Promise<void> {
  const sending = send(stage, paced);
  await until('a third is sent', () => stage.ledger.sent >= stage.cell.messages / 3, liveMs);
  stage.faults++;
  await act();
  await sending;
}

async function restart({ broker, restartBy }: Subject): Promise<void> {
  await broker.stop(restartBy);
  await broker.start();
}

/** Everything that was confirmed must come out; then mqferry must have nothing left. */
async function drain({ sink, places, ledger, ferry }: Stage): Promise<void> {
  const stop = await sink.drain(places.to, (arrival) => ledger.arrived(arrival));
  try {
    await until('everything has arrived', () => ledger.missing === 0, liveMs);
    await until(
      'mqferry has nothing on its way',
      async () => {
        const { inFlight, buffered } = await ferry.books();
        return inFlight === 0 && buffered === 0;
      },
      liveMs,
    );
  } finally {
    await stop().catch(() => {}); // its link may be gone already
  }
}
