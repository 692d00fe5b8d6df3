import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../brokers/broker.ts';
import { randomOf } from '../../buffer/sim-fs.ts';
import { startProxy, type TcpProxy } from '../proxy.ts';
import { settles } from '../wire.ts';
import type { Cell } from './cells.ts';
import { type Books, mqferry } from './ferry.ts';
import { type Counts, type Ids, Ledger, parcels } from './ledger.ts';
import { sendAll } from './send.ts';
import type { Subject } from './subject.ts';
import type { Carrier, Tool } from './tool.ts';

export interface Result extends Counts {
  readonly faults: number;
  /** Sentences; empty when the cell has passed. */
  readonly problems: readonly string[];
  readonly seconds: number;
}

interface Scene {
  readonly cell: Cell;
  readonly source: Subject;
  readonly sink: Subject;
  readonly places: { readonly from: string; readonly to: string };
  readonly ledger: Ledger;
  readonly ferry: Carrier;
  /** In front of the source broker and of the sink broker. */
  readonly proxies: readonly TcpProxy[];
  readonly random: () => number;
  readonly problems: string[];
  /** When its places were made. */
  readonly preparedAt: number;
  /** As the route promises it. */
  order: string;
  faults: number;
}

const paced = 500;
const liveMs = 90_000;
/** Window and prefetch, both at their default. */
const copiesPerFault = 2000;
/** Longer than any broker or network may be silent in these cells. */
const blackHoleMs = 6000;
/** What mqferry takes at most to end by SIGTERM, in its docs. */
const drainMs = 25_000;
/** RabbitMQ 3.10 has a new queue on disk only after a while, and says nothing: a kill before that loses the queue with all that it confirmed. */
const settledMs = 4000;
let cellCount = 0;

/** Plays one cell on running brokers. */
export async function play(cell: Cell, source: Subject, sink: Subject, tool: Tool = mqferry): Promise<Result> {
  const started = performance.now();
  const scene = await setUp(cell, source, sink, tool);
  const { problems, ferry, ledger } = scene;
  try {
    await start(ferry);
    scene.order = (await ferry.order?.()) ?? 'none';
    await acts[cell.fault](scene);
    await drain(scene);
    const exit = await ferry.stop();
    if (exit !== 0) problems.push(`it ended with ${exit}`);
  } catch (error) {
    problems.push(String(error), `its books: ${await booksOf(ferry).then(JSON.stringify, () => 'no answer')}`);
  }
  await ferry.kill();
  for (const proxy of scene.proxies) await proxy.close();
  problems.push(...judge(ledger.counts, scene));
  if (problems.length > 0) problems.push(`its log ended with\n${ferry.log()}`);
  ferry.dispose();
  return { ...ledger.counts, faults: scene.faults, problems, seconds: (performance.now() - started) / 1000 };
}

async function start(carrier: Carrier): Promise<void> {
  carrier.spawn();
  await carrier.ready();
}

async function booksOf(carrier: Carrier): Promise<Books> {
  if (!carrier.books) throw new Error('it keeps no books');
  return carrier.books();
}

/** The link to the source stays, or is closed in good order: a lost one may be a second reader of a queue until the broker has noticed. */
const keepsSource: readonly Cell['fault'][] = ['plain', 'slices', 'slow', 'sinkRestart', 'drain'];

function judge(counts: Counts, { faults, ledger, cell, order, sink }: Scene): string[] {
  const problems: string[] = [];
  for (const kind of ['lost', 'phantom', 'corrupt'] as const) if (counts[kind] > 0) problems.push(`${kind} ${counts[kind]}`);
  // What ends in good order repeats nothing.
  const allowed = (cell.fault === 'drain' ? 0 : faults * copiesPerFault) + ledger.resent;
  if (counts.duplicated > allowed) problems.push(`duplicated ${counts.duplicated}, at most ${allowed}`);
  // Of several lanes at the sink the ledger does not know in which order it drained them.
  const isOrdered = order.startsWith('lane') && sink.lanes === 1 && keepsSource.includes(cell.fault);
  if (isOrdered && counts.reordered > 0) problems.push(`reordered ${counts.reordered}, though the route promises order ${order}`);
  if (counts.sent < cell.messages) problems.push(`only ${counts.sent} of ${cell.messages} could be sent`);
  return [...problems, ...ledger.wrongHeaders];
}

/** As `explain` says it of such a route. */
function idsOf({ from, isBuffered }: Cell): Ids {
  if (from === 'kafka') return 'all';
  return isBuffered ? 'buffer' : 'none';
}

const needsProxies: readonly Cell['fault'][] = ['cut', 'cutAtByte', 'cutAtAck', 'slices', 'slow', 'blackHole', 'withheld'];

async function setUp(cell: Cell, source: Subject, sink: Subject, tool: Tool): Promise<Scene> {
  const id = `c${process.pid}x${cellCount++}`;
  const places = { from: `${id}.from`, to: `${id}.to` };
  await source.prepare(places.from);
  await sink.prepare(places.to);
  const preparedAt = performance.now();
  const proxies = needsProxies.includes(cell.fault) ? [await proxyOf(source), await proxyOf(sink)] : [];
  const [sourcePort, sinkPort] = [proxies[0]?.port ?? source.port, proxies[1]?.port ?? sink.port];
  const ledger = new Ledger(tool === mqferry ? idsOf(cell) : undefined, source.lanes);
  const ferry = await tool.make({ cell, source, sink, ...places, sourcePort, sinkPort });
  return {
    cell,
    source,
    sink,
    places,
    ledger,
    ferry,
    proxies,
    random: randomOf(cell.seed),
    problems: [],
    preparedAt,
    order: 'none',
    faults: 0,
  };
}

function proxyOf({ proxy, protocol }: Subject): Promise<TcpProxy> {
  return startProxy(proxy.target, proxy.port, protocol);
}

const acts: Record<Cell['fault'], (scene: Scene) => Promise<void>> = {
  plain: (scene) => send(scene),
  kill: (scene) =>
    during(scene, async () => {
      // One in five while it starts.
      if (scene.random() < 0.8) await scene.ferry.ready();
      await sleep(scene.random() * 300);
      scene.faults++;
      await scene.ferry.kill();
      scene.ferry.spawn();
    }),
  sinkRestart: (scene) => during(scene, () => restart(scene, scene.sink)),
  sourceRestart: (scene) => during(scene, () => restart(scene, scene.source)),
  cut: (scene) =>
    during(scene, async () => {
      scene.faults += 2;
      for (const proxy of scene.proxies) proxy.cut();
    }),
  cutAtByte: (scene) =>
    during(scene, async () => {
      const proxy = scene.proxies[scene.random() < 0.5 ? 0 : 1] as TcpProxy;
      const direction = scene.random() < 0.5 ? 'toClient' : 'toServer';
      scene.faults++;
      // Some in the handshake of the link that comes next, most in mid-flow.
      await within(`a cut ${direction}`, proxy.cutAfter(direction, 1 + Math.floor(scene.random() ** 3 * 8000)));
    }),
  cutAtAck: (scene) =>
    during(scene, async () => {
      const isSource = scene.random() < 0.5;
      const [subject, proxy] = isSource ? [scene.source, scene.proxies[0]] : [scene.sink, scene.proxies[1]];
      const { ack, confirm } = settles[subject.protocol];
      const frame = isSource ? ({ direction: 'toServer', name: ack } as const) : ({ direction: 'toClient', name: confirm } as const);
      // Behind our ack the broker has it and we do not know; before the broker's confirm it has the message and we do not know.
      const trip = { ...frame, nth: 1 + Math.floor(scene.random() * 10), when: scene.random() < 0.5 ? 'before' : 'behind' } as const;
      scene.faults++;
      await within(`a cut ${trip.when} ${trip.name} ${trip.nth}`, (proxy as TcpProxy).cutAtFrame(trip));
    }),
  slices: async (scene) => {
    for (const proxy of scene.proxies) proxy.shape({ sliceBytes: () => 1 + Math.floor(scene.random() * 32) });
    await send(scene, paced);
  },
  slow: async (scene) => {
    for (const proxy of scene.proxies) proxy.shape({ latencyMs: () => 20 + scene.random() * 180 });
    await send(scene, paced);
  },
  blackHole: (scene) =>
    during(scene, async () => {
      scene.faults += 2;
      for (const proxy of scene.proxies) proxy.stall(true);
      await sleep(blackHoleMs);
      for (const proxy of scene.proxies) proxy.stall(false); // what was on its way arrives now, late
    }),
  pause: (scene) =>
    during(scene, async () => {
      scene.faults += 2;
      scene.ferry.signal('SIGSTOP');
      await sleep(3000 + scene.random() * 5000);
      scene.ferry.signal('SIGCONT');
    }),
  drain: (scene) =>
    during(scene, async () => {
      await scene.ferry.ready();
      await sleep(scene.random() * 500);
      const began = performance.now();
      const exit = await scene.ferry.stop();
      const ms = performance.now() - began;
      if (exit !== 0 || ms > drainMs) scene.problems.push(`SIGTERM ended it with ${exit}, after ${Math.round(ms)} ms`);
      scene.faults++;
      scene.ferry.spawn();
    }),
  withheld: async (scene) => {
    const { ferry, cell } = scene;
    const [, toSink] = scene.proxies as [TcpProxy, TcpProxy];
    toSink.hold('toClient', true);
    await send(scene);
    await until('everything has been read', async () => (await booksOf(ferry)).read >= cell.messages);
    await sleep(1500); // time for a wrong ack to be sent
    scene.faults++;
    await ferry.kill();
    toSink.hold('toClient', false);
    await start(ferry);
    await until(
      'all of it is delivered again: none of it had been settled',
      async () => (await booksOf(ferry)).read >= cell.messages,
      60_000,
    );
  },
};

function send({ source, places, cell, ledger }: Scene, perSecond?: number): Promise<void> {
  return sendAll(source, places.from, parcels(cell.messages), ledger, perSecond);
}

/** Sends on, paced, and does it again and again at random places between the messages. */
async function during(scene: Scene, act: () => Promise<void>): Promise<void> {
  const { cell, ledger, source, places, random } = scene;
  let isOver = false;
  const supply = parcels(cell.messages, () => isOver);
  const sending = sendAll(source, places.from, supply, ledger, paced);
  sending.catch(() => {}); // told below
  const apart = Math.min(cell.messages / (cell.times + 1), 100);
  try {
    for (let time = 0; time < cell.times; time++) {
      const next = ledger.sent + apart * (0.5 + random());
      await Promise.race([until('so much is sent', () => ledger.sent >= next, liveMs), sending]);
      await act();
    }
  } finally {
    isOver = true;
  }
  await sending;
}

async function restart(scene: Scene, { broker, restartBy }: Subject): Promise<void> {
  await sleep(Math.max(0, scene.preparedAt + settledMs - performance.now()));
  scene.faults++;
  await broker.stop(restartBy);
  await broker.start();
}

/** A fault that waits for bytes which never come is no fault. */
async function within(what: string, happened: Promise<void>): Promise<void> {
  let isDone = false;
  void happened.then(() => {
    isDone = true;
  });
  await until(what, () => isDone, liveMs);
}

/** Everything that was confirmed must come out; then mqferry must have nothing left, and its books must balance. */
async function drain({ sink, places, ledger, ferry, problems }: Scene): Promise<void> {
  const stop = await sink.drain(places.to, (arrival) => ledger.arrived(arrival));
  try {
    await until('everything has arrived', () => ledger.missing === 0, liveMs);
    if (!ferry.books) return;
    let books: Books | undefined;
    await until(
      'mqferry has nothing on its way',
      async () => {
        books = await booksOf(ferry);
        return books.inFlight === 0 && books.buffered === 0;
      },
      liveMs,
    );
    if (books && !balances(books)) problems.push(`its books do not balance: ${JSON.stringify(books)}`);
  } finally {
    await stop().catch(() => {}); // its link may be gone already
  }
}

/** Reckoned here, and not by the code that wrote them. */
function balances({ read, recovered, made, ...ends }: Books): boolean {
  const sum = (names: readonly string[]) => names.reduce((total, name) => total + (ends[name] as number), 0);
  const ended = sum(['delivered', 'filtered', 'dropped', 'deadLettered', 'merged', 'buffered', 'inFlight', 'returned']);
  return read + (recovered as number) + (made as number) === ended;
}
