import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SinkEnd } from '../../src/connector.ts';
import { balanced } from '../../src/engine/books.ts';
import type { TapPlan } from '../../src/engine/plan.ts';
import { RouteRun } from '../../src/engine/route-run.ts';
import type { Tap } from '../../src/engine/tap.ts';
import { MqferryError } from '../../src/errors.ts';
import type { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { FakeSink, FakeSource, hastyClock, messages, routePlan, sinkPlan } from './fakes.ts';
import { sinkCan } from './sim/sink-broker.ts';

const step = { name: 'the step' };
const never = new Promise<never>(() => {});
const bug = new Error('a bug');
const gone = new MqferryError('SINK_GONE', 'nobody reads it');

function fail(error: Error): never {
  throw error;
}

function recorder() {
  const lines: string[] = [];
  const add = (level: string) => (_fields: object, text: string) => void lines.push(`${level}: ${text}`);
  return { lines, log: { error: add('error'), warn: add('warn'), info: add('info'), debug: add('debug') } };
}

/** A route of one sink whose messages are tapped on their way. */
function tapping(tapped: { end: SinkEnd }, more: Partial<TapPlan> & { outbound?: TapPlan['sink']['outbound'] } = {}) {
  const { outbound = (message: Message) => message, ...rest } = more;
  const [source, sink, { lines, log }] = [new FakeSource(), new FakeSink(), recorder()];
  const plan: TapPlan = { step, sink: { name: 'tap t', end: tapped.end, outbound }, limit: { messages: 10, bytes: 1e6 }, ...rest };
  const run = new RouteRun(
    routePlan(source, [sink], {
      taps: [plan],
      log,
      share: (batch, aside) => {
        for (const message of batch) aside.tap(message, step);
        return [batch];
      },
    }),
    hastyClock,
  );
  run.start();
  onTestFinished(async () => void (await run.stop(0)));
  return { source, sink, run, lines, tap: run.taps.get(step) as Tap };
}

const end = (open: SinkEnd['open']): { end: SinkEnd } => ({ end: { can: sinkCan(false), open } });
const link = (write: (messages: readonly Message[]) => Promise<never>, close = async () => {}) => end(async () => ({ write, close }));
const ids = (sink: FakeSink) => sink.stored.map(({ id }) => id);

async function delivered(source: FakeSource, count: number): Promise<void> {
  await until('all is settled', async () => source.acked.length === count);
}

test('copies go to the tap as they pass, in order, and the route counts only its own', async () => {
  const tapped = new FakeSink();
  const { source, sink, run, tap } = tapping(tapped);
  source.push(...messages(5));
  await delivered(source, 5);
  await until('all are copied', async () => tap.copied === 5);
  expect(ids(tapped)).toEqual(ids(sink));
  expect(tap).toMatchObject({ copied: 5, dropped: 0, waiting: 0 });
  expect(run.books).toMatchObject({ read: 5, delivered: 5 });
});

describe('the route goes on, its books balanced, when the sink of the tap', () => {
  const table: [string, { end: SinkEnd }][] = [
    ['hangs', link(() => never)],
    [
      'hangs, also when it is closed',
      link(
        () => never,
        () => never,
      ),
    ],
    ['throws', link(() => Promise.reject(bug))],
    ['throws before it promises anything', link(() => fail(bug))],
    ['answers nonsense', link((async () => undefined) as unknown as () => Promise<never>)],
    ['never opens', end(() => never)],
    ['is down from the start', end(() => fail(new MqferryError('NOT_CONNECTED', 'down')))],
    ['does not let us in', end(() => fail(new MqferryError('AUTH', 'who?')))],
    ['is gone for good', end(() => fail(gone))],
    [
      'throws when it is closed',
      link(
        () => never,
        () => fail(bug),
      ),
    ],
  ];
  test.each(table)('%s', async (_, tapped) => {
    const { source, sink, run, tap } = tapping(tapped);
    source.push(...messages(30));
    await delivered(source, 30);
    await until('it is idle', async () => run.isIdle);
    expect(sink.stored).toHaveLength(30);
    expect(tap.copied).toBe(0);
    expect(tap.waiting).toBeLessThanOrEqual(10);
    expect(tap.dropped + tap.waiting).toBe(30);
    expect(run.links.map((one) => one.end)).not.toContain('tap t');
    expect(balanced(run.books)).toBe(true);
    const began = performance.now();
    expect(await run.stop(25_000)).toBe(true);
    expect(performance.now() - began, 'flush and close have limits').toBeLessThan(5000);
    expect(run.state).toBe('stopped');
    expect(tap).toMatchObject({ copied: 0, dropped: 30, waiting: 0 });
    expect(run.books).toMatchObject({ read: 30, delivered: 30, dropped: 0, returned: 0 });
  });
});

test('a copy that finds the queue full is dropped; those that wait stay, and go out when the sink is back', async () => {
  const tapped = new FakeSink();
  tapped.isDown = true;
  const { source, tap, lines } = tapping(tapped);
  source.push(...messages(25));
  await delivered(source, 25);
  expect(tap).toMatchObject({ copied: 0, dropped: 15, waiting: 10 });
  tapped.isDown = false;
  await until('they are copied', async () => tap.copied === 10);
  expect(ids(tapped)).toEqual(Array.from({ length: 10 }, (_, i) => `m${i}`));
  expect(tap).toMatchObject({ copied: 10, dropped: 15, waiting: 0 });
  await until('the rest is said', async () => lines.filter((line) => line.includes('dropped')).length === 2);
  expect(lines.filter((line) => line.includes('dropped'))).toEqual([
    'warn: tap t: 1 copy dropped (its queue is full); the route goes on',
    'warn: tap t: 14 copies dropped (as before); the route goes on',
  ]);
});

test('the bytes that wait are bounded, too', async () => {
  const tapped = new FakeSink();
  tapped.isDown = true;
  const { source, tap } = tapping(tapped, { limit: { messages: 100, bytes: 500 } });
  source.push(...messages(5, { body: Buffer.alloc(100) }), ...messages(1, { body: Buffer.alloc(1000) }));
  await delivered(source, 6);
  expect(tap).toMatchObject({ waiting: 3, dropped: 3 });
  tapped.isDown = false;
  await until('they are copied', async () => tap.copied === 3);
  source.push(...messages(3, { body: Buffer.alloc(100) }));
  await until('there is room again', async () => tap.copied === 6);
});

test('what the sink refuses for good, or too often, is dropped', async () => {
  const tapped = new FakeSink();
  tapped.answer = ({ id }) => (id === 'm1' ? 'refuse' : id === 'm2' ? 'later' : 'store');
  const { source, tap } = tapping(tapped);
  source.push(...messages(4));
  await delivered(source, 4);
  await until('two are dropped', async () => tap.dropped === 2);
  expect(ids(tapped)).toEqual(['m0', 'm3']);
  expect(tap).toMatchObject({ copied: 2, waiting: 0 });
});

test('a message that makes the sink hang up does not hold up the others for ever', async () => {
  const tapped = new FakeSink();
  tapped.answer = ({ id }) => (id === 'm1' ? 'hangUp' : 'store');
  const { source, tap } = tapping(tapped);
  source.push(...messages(4));
  await until('the others are copied', async () => tap.copied === 3);
  expect(tap).toMatchObject({ dropped: 1, waiting: 0 });
});

test.each([
  ['that the sink cannot carry', () => new MqferryError('UNMAPPABLE', 'no headers there'), 'no headers there'],
  ['that went round in a loop', () => new MqferryError('HOPS_EXCEEDED', 'too often'), 'too often'],
  ['that the translation throws on', () => fail(bug), 'a bug'],
])('a copy %s is dropped, and the message goes on', async (_, outbound, why) => {
  const tapped = new FakeSink();
  const { source, sink, tap, lines } = tapping(tapped, { outbound });
  source.push(...messages(3));
  await delivered(source, 3);
  expect([sink.stored.length, tapped.stored.length]).toEqual([3, 0]);
  expect(tap).toMatchObject({ copied: 0, dropped: 3 });
  expect(lines).toContain(`warn: tap t: 1 copy dropped (${why}); the route goes on`);
});

test('a message that its own sink refuses for now is copied once', async () => {
  const tapped = new FakeSink();
  const { source, sink, tap } = tapping(tapped);
  let tries = 0;
  sink.answer = () => (++tries < 3 ? 'later' : 'store');
  source.push(...messages(1));
  await delivered(source, 1);
  await until('it is copied', async () => tap.copied === 1);
  expect([tries, tapped.stored.length]).toEqual([3, 1]);
});

test('a sink that is gone for good turns the tap off, says so once, and takes nothing any more', async () => {
  const { source, tap, run, lines } = tapping(end(() => fail(gone)));
  await until('it is off', async () => lines.length > 0);
  expect(lines).toEqual(['error: tap t is off until the route starts again: nobody reads it']);
  source.push(...messages(3));
  await delivered(source, 3);
  expect(tap).toMatchObject({ dropped: 3, waiting: 0 });
  expect(run.state).toBe('running');
});

test('what waits at the end goes out while the link is open, but not when there is no time', async () => {
  for (const isHurried of [false, true]) {
    const tapped = new FakeSink();
    const gate = Promise.withResolvers<void>();
    const plain = tapped.end.open;
    const slow = end(async (signal) => {
      const opened = await plain(signal);
      return { write: (batch) => gate.promise.then(() => opened.write(batch)), close: async () => {} };
    });
    const { source, run, tap } = tapping(slow);
    source.push(...messages(3));
    await delivered(source, 3);
    const stopped = run.stop(25_000, isHurried ? AbortSignal.abort() : undefined);
    if (!isHurried) gate.resolve();
    await stopped;
    expect(tap).toMatchObject(isHurried ? { copied: 0, dropped: 3 } : { copied: 3, dropped: 0 });
    gate.resolve();
    await nextTurn();
    expect(tap.copied + tap.dropped, 'nothing is counted twice').toBe(3);
  }
});

test('several taps each have their own queue', async () => {
  const [source, sink, good] = [new FakeSource(), new FakeSink(), new FakeSink()];
  const limit = { messages: 2, bytes: 1e6 };
  const [one, two] = [{}, {}];
  const bad = { name: 'tap bad', end: link(() => never).end, outbound: (message: Message) => message };
  const run = new RouteRun(
    routePlan(source, [sink], {
      taps: [
        { step: one, sink: bad, limit },
        { step: two, sink: sinkPlan('tap good', good), limit: { messages: 100, bytes: 1e6 } },
      ],
      share: (batch, aside) => {
        for (const message of batch) for (const step of [one, two, {}]) aside.tap(message, step);
        return [batch];
      },
    }),
    hastyClock,
  );
  run.start();
  onTestFinished(async () => void (await run.stop(0)));
  source.push(...messages(6));
  await delivered(source, 6);
  await until('the good one has all', async () => good.stored.length === 6);
  expect([...run.taps.values()].map((tap) => [tap.waiting, tap.dropped])).toEqual([
    [2, 4],
    [0, 0],
  ]);
});
