/** `onError.retry.after`: messages that fail are kept on disk, and tried again much later. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { listBuffers } from '../../src/buffer/instance.ts';
import { balanced, type RouteBooks } from '../../src/engine/books.ts';
import { compileRoutes, createEngine } from '../../src/index.ts';
import { Message } from '../../src/message.ts';
import { explain } from '../../src/route/explain.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { connectorsOf, FakeSink, FakeSource } from '../engine/fakes.ts';

const make = (n: number) => new Message({ body: Buffer.from(`{"n":${n}}`), id: `m${n}`, origin: { place: n }, lane: 'l' });

async function running(source: FakeSource, more: { retry?: string; steps?: string; route?: string; dataDir?: string; sinks?: Sinks }) {
  const sinks = more.sinks ?? { shelf: new FakeSink(), grave: new FakeSink() };
  const retry = more.retry ?? 'attempts: 1, after: [100ms, 200ms]';
  const text = `routes: { r: { source: given, sink: shelf, steps: [${more.steps ?? ''}], onError: { deadLetter: grave, retry: { ${retry} } }${more.route ?? ''} } }`;
  const dataDir = more.dataDir ?? folder();
  const connectors = connectorsOf({ given: source, ...sinks }, ['place']);
  const mqferry = await createEngine({ routes: { texts: [{ name: 'r.yaml', text }] }, connectors, dataDir });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  const books = () => {
    const found = mqferry.engine.view('r')?.books as RouteBooks;
    expect(balanced(found), JSON.stringify(found)).toBe(true);
    return found;
  };
  return { ...sinks, sinks, mqferry, books, dataDir };
}

interface Sinks {
  readonly shelf: FakeSink;
  readonly grave: FakeSink;
}

const ids = ({ stored }: FakeSink) => stored.map(({ intended }) => intended.id);
const copyIds = ({ stored }: FakeSink) => stored.map((message) => message.header('mqf-id'));

describe('a message that the sink refuses', () => {
  test('is settled at its source and comes again, while the others pass', async () => {
    const source = new FakeSource().push(make(1), make(2), make(3));
    let refusals = 0;
    const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
    sinks.shelf.answer = ({ intended }) => (intended.id === 'm2' && ++refusals <= 2 ? 'later' : 'store');
    const { books } = await running(source, { sinks });
    await until('all are acked', () => source.acked.length === 3);
    expect(books()).toMatchObject({ read: 3 });
    await until('it has come', () => sinks.shelf.stored.length === 3);
    expect(ids(sinks.shelf)).toEqual(['m1', 'm3', 'm2']);
    expect(new Set(copyIds(sinks.shelf)).size).toBe(3);
    await until('it is settled', () => books().buffered === 0 && books().inFlight === 0);
    expect(books()).toMatchObject({ read: 3, delivered: 3, postponed: 2, recovered: 0 });
  });

  test('for good, too, and is a dead letter when it has been tried often enough', async () => {
    const source = new FakeSource().push(make(1));
    const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
    let tries = 0;
    sinks.shelf.answer = () => (tries++ < 99 ? 'refuse' : 'store');
    const { books } = await running(source, { sinks });
    await until('it is dead', () => sinks.grave.stored.length === 1);
    expect(tries).toBe(3);
    await until('it is settled', () => books().inFlight === 0);
    expect(books()).toMatchObject({ read: 1, deadLettered: 1, postponed: 2, buffered: 0 });
  });

  test('over restarts it waits no longer than it has to, and keeps its mqf-id', async () => {
    const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
    sinks.shelf.answer = () => 'refuse';
    const source = new FakeSource().push(make(1), make(2));
    const first = await running(source, { sinks, retry: 'attempts: 1, after: [400ms, 1h]' });
    await until('both are acked', () => source.acked.length === 2);
    await first.mqferry.stop();
    expect(await listBuffers(first.dataDir)).toEqual([expect.objectContaining({ owner: 'stage:r/retry', messages: 2 })]);
    sinks.shelf.answer = () => 'store';
    const second = await running(new FakeSource(), { sinks, retry: 'attempts: 1, after: [400ms, 1h]', dataDir: first.dataDir });
    await until('both have come', () => sinks.shelf.stored.length === 2);
    expect(copyIds(sinks.shelf)).toEqual(['r/1', 'r/2'].map((id) => expect.stringContaining(id.slice(2))));
    await until('both are settled', () => second.books().inFlight === 0);
    expect(second.books()).toMatchObject({ read: 0, recovered: 2, delivered: 2, buffered: 0 });
  });
});

test('a source that has ended does not end the route while something waits', async () => {
  const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
  const source = new FakeSource().push(make(1));
  source.isFinite = true;
  let refusals = 0;
  sinks.shelf.answer = () => (++refusals < 3 ? 'refuse' : 'store');
  const { mqferry } = await running(source, { sinks });
  await until('it is kept', () => mqferry.engine.view('r')!.books!.postponed === 1);
  expect(mqferry.engine.isFinished).toBe(false);
  await until('all is over', () => mqferry.engine.isFinished);
  expect(ids(sinks.shelf)).toEqual(['m1']);
});

test('what a step cannot do is tried again as it was read', async () => {
  const source = new FakeSource().push(make(1));
  const { shelf, grave, books } = await running(source, {
    retry: 'attempts: 1, after: [50ms]',
    steps: "{ set: { header.n: '${{ body.n }}' } }, { filter: 'header.n == 1 && body.absent.x == 1' }",
  });
  await until('it is dead', () => grave.stored.length === 1);
  expect(grave.stored[0]!.intended.header('n')).toBeUndefined();
  expect(shelf.stored).toEqual([]);
  expect(books()).toMatchObject({ read: 1, postponed: 1, deadLettered: 1 });
});

test('behind a buffer it comes back behind the buffer', async () => {
  const source = new FakeSource().push(make(1), make(2));
  const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
  let refusals = 0;
  sinks.shelf.answer = ({ intended }) => (intended.id === 'm1' && ++refusals === 1 ? 'refuse' : 'store');
  const { books, mqferry } = await running(source, { sinks, route: ', buffer: disk' });
  await until('both have come', () => sinks.shelf.stored.length === 2);
  expect(ids(sinks.shelf)).toEqual(['m2', 'm1']);
  await until('all is settled', () => books().inFlight === 0 && books().buffered === 0);
  expect(books()).toMatchObject({ read: 2, delivered: 2, postponed: 1 });
  expect(mqferry.engine.view('r')!.run!.plan.pumps.map(({ later }) => later?.name)).toEqual(['retry', 'retry-buffer']);
});

test('where order is asked for, it waits in its place, and those behind it wait', async () => {
  const source = new FakeSource().push(make(1), make(2), make(3));
  const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
  let refusals = 0;
  sinks.shelf.answer = ({ intended }) => (intended.id === 'm1' && ++refusals <= 2 ? 'later' : 'store');
  const { books, mqferry } = await running(source, { sinks, route: ', order: lane' });
  await until('all have come', () => sinks.shelf.stored.length === 3);
  expect(ids(sinks.shelf)).toEqual(['m1', 'm2', 'm3']);
  expect(books()).toMatchObject({ postponed: 0 });
  expect(mqferry.engine.view('r')!.run!.plan.pumps[0].later).toBeUndefined();
});

test('explain says what becomes of it', async () => {
  const text = (order: string) =>
    `routes: { r: { source: { local: { queue: q } }, sink: print, ${order}onError: { then: drop, retry: { after: [1m, 2h] } } } }`;
  const said = async (order: string) => {
    const { routes } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text: text(order) }] } });
    return explain(routes[0]!);
  };
  expect(await said('')).toContain('is kept on disk for 1m, then 2h, and tried anew each time, out of its order; then it is dropped');
  expect(await said('order: lane, ')).toContain(
    'waiting 1s to 30s, and again after 1m, then 2h, in its place, while what belongs behind it waits',
  );
});
