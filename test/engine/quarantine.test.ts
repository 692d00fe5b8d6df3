import { describe, expect, onTestFinished, test } from 'vitest';
import type { Life, LifeRecord } from '../../src/buffer/lives.ts';
import type { Log } from '../../src/connector.ts';
import type { RoutePlan } from '../../src/engine/plan.ts';
import { RouteRun } from '../../src/engine/route-run.ts';
import { Turns } from '../../src/engine/turns.ts';
import type { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { FakeSink, FakeSource, hastyClock, messages, routePlan, silent } from './fakes.ts';

/** What is on disk of one route, and each record that ever was. */
class Memory {
  records: LifeRecord[] = [];
  fails = false;

  /** As if a process had ended under a route that handled these, which had been so before so often. */
  constructor(underWay?: readonly string[], suspects: Record<string, number> = {}) {
    if (underWay) this.records.push({ isRunning: true, pumps: [{ underWay, suspects }] });
  }

  get now(): LifeRecord | undefined {
    return this.records.at(-1);
  }
  get suspects(): Readonly<Record<string, number>> | undefined {
    return this.now?.pumps[0]?.suspects;
  }
  readonly open = async (): Promise<Life> => ({
    last: this.now,
    save: async (record) => {
      if (this.fails) throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
      this.records.push(JSON.parse(JSON.stringify(record)));
    },
  });
}

interface Parts {
  readonly source: FakeSource;
  readonly sink?: FakeSink;
  readonly dead?: FakeSink;
  readonly memory: Pick<Memory, 'open'> | { open(): Promise<undefined> };
  readonly after?: number;
  readonly withinMs?: number;
  readonly window?: number;
  readonly log?: Log;
  /** What the steps get to see. */
  readonly seen?: (batch: readonly Message[]) => void;
}

/** A route whose messages are known by `n` in their origin. */
function planOf(parts: Parts): RoutePlan {
  const { source, sink = new FakeSink(), dead, memory, after = 3, withinMs = 60_000, window = 100, log = silent, seen } = parts;
  const share = (batch: readonly Message[]) => {
    seen?.(batch);
    return [batch];
  };
  const plan = routePlan(source, [sink], { share, log, ...(dead && { dead }) });
  const [pump] = plan.pumps;
  const named = { ...pump, source: { ...pump.source, can: { ...pump.source.can, stableIds: ['n'] } } };
  return {
    ...plan,
    pumps: [named],
    window: { messages: window, bytes: 1e6 },
    quarantine: { after, withinMs, open: memory.open as () => Promise<Life | undefined> },
  };
}

function start(parts: Parts, turns?: Turns): RouteRun {
  const run = new RouteRun(planOf(parts), hastyClock, () => {}, turns);
  run.start();
  onTestFinished(() => void run.stop(0));
  return run;
}

function placed(count: number, from = 0): Message[] {
  return messages(count).map((message, i) => message.change({ id: `m${from + i}` }).asStored({ n: from + i }));
}
const ids = (list: readonly Message[]) => list.map((message) => message.id);

describe('a route that was stopped before', () => {
  test('is not careful: it notes that it runs, and that it has stopped, and nothing of its messages', async () => {
    const [source, memory] = [new FakeSource(), new Memory()];
    const batches: number[] = [];
    source.push(...placed(100));
    const run = start({ source, memory, seen: (batch) => batches.push(batch.length) });
    await until('all are acked', () => source.acked.length === 100);
    expect(Math.max(...batches)).toBe(25);
    expect(run.quarantine?.isCareful).toBe(false);
    await run.stop(1000);
    expect(memory.records).toEqual([
      { isRunning: true, pumps: [{ underWay: [], suspects: {} }] },
      { isRunning: false, pumps: [{ underWay: [], suspects: {} }] },
    ]);
  });

  test('is stopped, too, when it has stopped by itself', async () => {
    const [source, sink, memory] = [new FakeSource(), new FakeSink(), new Memory()];
    sink.answer = () => 'refuse';
    source.push(...placed(1));
    const run = start({ source, sink, memory });
    await until('it has failed and closed', () => run.state === 'failed' && memory.now?.isRunning === false);
  });
});

describe('a route whose process has ended under it', () => {
  test('notes what it is about to handle before a step has seen it, until two windows have passed; then it is as fast as ever', async () => {
    const [source, memory] = [new FakeSource(), new Memory([])];
    const lines: string[] = [];
    const batches: { size: number; isNoted: boolean }[] = [];
    const seen = (batch: readonly Message[]) => {
      const underWay = memory.now?.pumps[0]?.underWay;
      batches.push({ size: batch.length, isNoted: batch.every((message) => underWay?.includes(String(message.origin['n']))) });
    };
    const log = { ...silent, warn: (_: object, text: string) => lines.push(text), info: (_: object, text: string) => lines.push(text) };
    source.push(...placed(600));
    const run = start({ source, memory, log, seen });
    await until('all are acked', () => source.acked.length === 600);
    const noted = batches.filter(({ isNoted }) => isNoted);
    const messagesIn = (some: readonly { size: number }[]) => some.reduce((sum, { size }) => sum + size, 0);
    expect(batches.slice(0, noted.length)).toEqual(noted);
    expect(messagesIn(noted)).toBeGreaterThanOrEqual(200);
    expect(messagesIn(noted)).toBeLessThan(232);
    expect(Math.max(...batches.slice(noted.length).map(({ size }) => size))).toBe(25);
    expect(run.quarantine?.isCareful).toBe(false);
    const before = memory.records.length;
    expect(memory.now).toEqual({ isRunning: true, pumps: [{ underWay: [], suspects: {} }] });
    source.push(...placed(50, 600));
    await until('these are acked', () => source.acked.length === 650);
    expect(memory.records).toHaveLength(before);
    expect(lines).toEqual([
      'route test was not stopped, its process ended: it takes few messages at a time until 200 have ended',
      'route test takes as many messages at a time as ever',
    ]);
  });

  test('has no more than 32 on their way at once', async () => {
    const [source, sink, memory] = [new FakeSource(), new FakeSink(), new Memory([])];
    sink.answer = () => 'never';
    source.push(...placed(100));
    const run = start({ source, sink, memory });
    await until('it has read what it may', () => run.books.inFlight === 32);
    expect(memory.now?.pumps[0]?.underWay).toHaveLength(32);
  });

  test('takes one message at a time while one is suspected', async () => {
    const [source, memory] = [new FakeSource(), new Memory(['5', '7'])];
    const batches: number[] = [];
    source.push(...placed(40));
    const run = start({ source, memory, seen: (batch) => batches.push(batch.length) });
    await until('all are acked', () => source.acked.length === 40);
    expect(batches.slice(0, 8)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect(Math.max(...batches)).toBeGreaterThan(1);
    await run.stop(1000);
    expect(memory.suspects).toEqual({});
  });

  test('has no suspect but what was under way at the last unclean stop; one that was so before, too, is so once more', async () => {
    const [source, memory] = [new FakeSource(), new Memory(['1'], { 1: 1, 2: 2 })];
    const run = start({ source, memory });
    await until('it has begun', () => memory.records.length > 1);
    expect(memory.suspects).toEqual({ 1: 2 });
    await run.stop(1000);
    expect(memory.now, 'what has not come is not cleared by a stop').toEqual({
      isRunning: false,
      pumps: [{ underWay: [], suspects: { 1: 2 } }],
    });
  });

  test('suspects nothing that has been under way for long, and the process lives', async () => {
    const [source, sink, memory] = [new FakeSource(), new FakeSink(), new Memory(['0'], { 0: 1 })];
    sink.answer = () => 'never';
    source.push(...placed(3));
    const run = start({ source, sink, memory, withinMs: 500 });
    await until('the next are read all the same', () => run.books.inFlight === 3);
    await until('it is cleared', () => memory.suspects?.['0'] === undefined);
  });
});

describe('a message that was under way at three unclean stops in a row', () => {
  test('goes to the dead letter as it was received, past the steps, and its neighbours arrive', async () => {
    const [source, sink, dead, memory] = [new FakeSource(), new FakeSink(), new FakeSink(), new Memory(['1'], { 1: 2 })];
    const seen: (string | undefined)[] = [];
    const lines: string[] = [];
    source.push(...placed(40));
    const log = { ...silent, error: (_: object, text: string) => lines.push(text) };
    const run = start({ source, sink, dead, memory, log, seen: (batch) => seen.push(...ids(batch)) });
    await until('all are acked', () => source.acked.length === 40);
    expect(ids(dead.stored)).toEqual(['m1']);
    expect(dead.stored[0]?.header('mqf-error-code')).toBe('QUARANTINED');
    expect(String(dead.stored[0]?.body)).toBe('body 1');
    expect(seen).not.toContain('m1');
    expect(sink.stored).toHaveLength(39);
    expect(run.books).toMatchObject({ read: 40, delivered: 39, deadLettered: 1 });
    expect(run.isBalanced).toBe(true);
    expect(run.quarantine?.refused).toBe(1);
    expect(lines).toEqual(['message "m1" seems to end the process: it is not handled, it goes the way of onError']);
    await run.stop(1000);
    expect(memory.suspects).toEqual({});
  });

  test('stops a route without a dead letter; with one, the next life goes on', async () => {
    const [source, memory] = [new FakeSource(), new Memory(['0'], { 0: 2 })];
    source.push(...placed(2));
    const run = start({ source, memory });
    await until('it has failed and closed', () => run.state === 'failed' && memory.now?.isRunning === false);
    expect(run.reason).toMatch(/^message "m0" failed \(QUARANTINED: .*\) and onError has no dead letter for it$/);
    expect(memory.suspects).toEqual({ 0: 3 });
    const [sink, dead] = [new FakeSink(), new FakeSink()];
    const next = start({ source, sink, dead, memory });
    await until('both are acked', () => source.acked.length === 2);
    expect([ids(sink.stored), ids(dead.stored)]).toEqual([['m1'], ['m0']]);
    await next.stop(1000);
    expect(memory.suspects).toEqual({});
  });

  test('is remembered until its dead letter has arrived, over an unclean stop, too', async () => {
    const [source, dead, memory] = [new FakeSource(), new FakeSink(), new Memory(['0'], { 0: 2 })];
    dead.answer = () => 'never';
    source.push(...placed(3));
    start({ source, dead, memory, withinMs: 500 });
    await until('the others are acked', () => source.acked.length === 2);
    await until('nobody is under way', () => memory.now?.pumps[0]?.underWay?.length === 0);
    expect(memory.suspects).toEqual({ 0: 3 });
    const after = new Memory([], memory.suspects as Record<string, number>);
    const [again, grave] = [new FakeSource(), new FakeSink()];
    again.push(...placed(1));
    start({ source: again, dead: grave, memory: after });
    await until('it is acked', () => again.acked.length === 1);
    expect(ids(grave.stored)).toEqual(['m0']);
  });

  test('stops the route when the process ends even while it is only refused', async () => {
    const [source, dead, memory] = [new FakeSource(), new FakeSink(), new Memory(['0'], { 0: 5 })];
    source.push(...placed(1));
    const run = start({ source, dead, memory });
    await until('it has failed', () => run.state === 'failed');
    expect(run.reason).toMatch(/^message "m0" was under way at 6 unclean stops.*take it out of the source/);
    expect(dead.stored).toEqual([]);
  });

  test('is found as early as the config says, and is handled again when it says so later', async () => {
    const [source, dead, memory] = [new FakeSource(), new FakeSink(), new Memory(['0'])];
    source.push(...placed(1));
    const run = start({ source, dead, memory, after: 1 });
    await until('it is acked', () => source.acked.length === 1);
    expect(ids(dead.stored)).toEqual(['m0']);
    await run.stop(1000);
    const [second, sink] = [new FakeSource().push(...placed(1)), new FakeSink()];
    start({ source: second, sink, memory: new Memory(['0'], { 0: 3 }), after: 9 });
    await until('it is delivered', () => sink.stored.length === 1);
  });
});

test('of two routes, a suspect that lacks one stop is handled while the other route handles nothing', async () => {
  const turns = new Turns();
  const [first, second] = [new FakeSource().push(...placed(1)), new FakeSource().push(...placed(1, 50))];
  const [slow, sink] = [new FakeSink(), new FakeSink()];
  slow.answer = () => 'never';
  const [mine, other] = [new Memory(['0'], { 0: 1 }), new Memory([])];
  start({ source: first, sink: slow, memory: mine, withinMs: 20_000 }, turns);
  await until('the suspect is under way', () => mine.now?.pumps[0]?.underWay?.[0] === '0');
  const run = start({ source: second, sink, memory: other }, turns);
  await until('the other has read', () => second.reads === 1);
  expect(run.isIdle, 'what waits for its turn is not nothing to do').toBe(false);
  expect(other.now?.pumps[0]?.underWay, 'and so cannot be blamed').toEqual([]);
  await until('its turn comes when the suspect is cleared', () => second.acked.length === 1);
  await until('the record forgets it', () => Object.keys(mine.suspects ?? {}).length === 0);
});

test('a route that waits for its turn can be stopped, and lets the others go on', async () => {
  const turns = new Turns();
  const first = new FakeSource().push(...placed(1));
  const slow = new FakeSink();
  slow.answer = () => 'never';
  const mine = new Memory(['0'], { 0: 1 });
  const holder = start({ source: first, sink: slow, memory: mine }, turns);
  await until('the suspect is under way', () => mine.now?.pumps[0]?.underWay?.[0] === '0');
  const waiting = start({ source: new FakeSource().push(...placed(1)), memory: new Memory(['0'], { 0: 1 }) }, turns);
  const third = new FakeSource().push(...placed(1));
  start({ source: third, memory: new Memory([]) }, turns);
  await waiting.stop(0);
  await holder.stop(0);
  await until('the third has its turn', () => third.acked.length === 1);
});

describe('where nothing can be kept', () => {
  test('a route runs without', async () => {
    const source = new FakeSource().push(...placed(3));
    const run = start({ source, memory: { open: async () => undefined } });
    await until('all are acked', () => source.acked.length === 3);
    expect(await run.stop(1000)).toBe(true);
  });

  test('any more, it says so once and goes on at full speed', async () => {
    const [source, memory] = [new FakeSource(), new Memory([])];
    const lines: string[] = [];
    memory.fails = true;
    source.push(...placed(100));
    const run = start({ source, memory, log: { ...silent, warn: (_, text) => lines.push(text) } });
    await until('all are acked', () => source.acked.length === 100);
    expect(run.quarantine?.isCareful).toBe(false);
    expect(await run.stop(1000)).toBe(true);
    expect(lines).toEqual(['route test cannot keep on disk which message is under way: it goes on without quarantine']);
  });
});
