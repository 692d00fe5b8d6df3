import { expect, onTestFinished, test } from 'vitest';
import type { RoutePlan } from '../../src/engine/plan.ts';
import { RouteRun } from '../../src/engine/route-run.ts';
import type { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { FakeSink, FakeSource, hastyClock, messages, routePlan } from './fakes.ts';

const breaker = { failures: 3, openForMs: 2000 };
const rested = 2000 / 100; // the clock is that hasty

/** A route with a breaker before its sink, the tries at which are counted. */
function start(answer: (message: Message) => ReturnType<FakeSink['answer']>, more: Partial<RoutePlan> = {}) {
  const [source, sink, dead] = [new FakeSource(), new FakeSink(), new FakeSink()];
  const tries: string[] = [];
  sink.answer = (message) => {
    tries.push(message.id as string);
    return answer(message);
  };
  const run = new RouteRun(routePlan(source, [sink], { dead, breaker, ...more }), hastyClock);
  run.start();
  onTestFinished(async () => void (await run.stop(0)));
  return { source, sink, dead, tries, run, state: () => run.links.find(({ breaker: found }) => found)?.breaker };
}

const ids = (sink: FakeSink) => sink.stored.map(({ id }) => id);

test('an ill sink is left alone, then one message is tried, and nothing has failed when it is well again', async () => {
  let isIll = true;
  const { source, sink, dead, tries, run, state } = start(() => (isIll ? 'later' : 'store'));
  source.push(...messages(10));
  await until('it is open', () => state()?.state === 'open');
  const before = tries.length;
  const opened = performance.now();
  await until('one more is tried', () => tries.length > before);
  expect(performance.now() - opened, 'it rests before').toBeGreaterThan(rested / 2);
  await until('several are tried', () => tries.length >= before + 12);
  const turns = tries.slice(before, before + 12);
  expect(new Set(turns).size, 'each in its turn').toBe(10);
  expect(run.books).toMatchObject({ delivered: 0, deadLettered: 0, inFlight: 10 });
  isIll = false;
  await until('all are delivered', () => run.books.delivered === 10);
  expect(state()).toMatchObject({ state: 'closed', openings: 1 });
  expect([...ids(sink)].sort()).toEqual(messages(10).map(({ id }) => id));
  expect(dead.stored).toEqual([]);
});

test('each waiting message has its turn, so one that is always refused does not keep the others', async () => {
  const { source, dead, sink, run } = start(({ id }) => (id === 'm0' ? 'later' : 'store'));
  source.push(...messages(1));
  await until('it is open', () => run.links.some(({ breaker: found }) => found?.state === 'open'));
  source.push(...messages(4).slice(1));
  await until('the others are delivered', () => run.books.delivered === 3);
  await until('it has failed, now that others are taken', () => run.books.deadLettered === 1);
  expect(ids(dead)).toEqual(['m0']);
  expect([...ids(sink)].sort()).toEqual(['m1', 'm2', 'm3']);
});

test('one that alone is refused for ever fails when it is too old', async () => {
  const retry = { attempts: 3, backoff: { fromMs: 100, toMs: 1000 }, maxAgeMs: 60 };
  const { source, dead, run } = start(() => 'later', { remedy: () => ({ retry, way: run.plan.deadLetters[0] as never }) });
  source.push(...messages(1));
  await until('it has failed', () => run.books.deadLettered === 1);
  expect(ids(dead)).toEqual(['m0']);
});

test('a refusal for good fails its message, and says nothing of the sink', async () => {
  const { source, run, state } = start(({ id }) => (id === 'm9' ? 'store' : 'refuse'));
  source.push(...messages(10));
  await until('all have ended', () => run.books.inFlight === 0 && run.books.read === 10);
  expect(run.books).toMatchObject({ delivered: 1, deadLettered: 9 });
  expect(state()).toMatchObject({ state: 'closed', openings: 0 });
});

test('a link that is lost while one is tried leaves the breaker as it is', async () => {
  let answer: ReturnType<FakeSink['answer']> = 'later';
  const { source, sink, run, state } = start(() => answer);
  source.push(...messages(3));
  await until('it is open', () => state()?.state === 'open');
  answer = 'hangUp';
  await until('the link is lost', () => run.links.some(({ failures }) => failures > 0));
  expect(state()?.state).not.toBe('closed');
  answer = 'store';
  await until('it is delivered', () => run.books.delivered >= 1);
  expect(sink.opens).toBeGreaterThan(1);
});

test('a stopped route does not wait for its breaker', async () => {
  const { source, run, state } = start(() => 'later');
  source.push(...messages(5));
  await until('it is open', () => state()?.state === 'open');
  await run.stop(0);
  expect(run.books).toMatchObject({ read: 5, returned: 5 });
});
