/** A queue on disk that many routes read. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { local } from '../../../connectors/local/index.ts';
import { listBuffers } from '../../../src/buffer/instance.ts';
import { poolOwner } from '../../../src/buffer/owners.ts';
import { createEngine } from '../../../src/index.ts';
import { Message } from '../../../src/message.ts';
import { testContext } from '../../../src/testkit/index.ts';
import { until } from '../../brokers/broker.ts';
import { folder } from '../../cli/mqferry.ts';
import { connectorsOf, FakeSink, FakeSource } from '../../engine/fakes.ts';

const pool = '{ queue: q, store: disk, readers: many }';

/** A route that fills the pool, and those that read it. */
async function running(dataDir = folder(), readers: readonly string[] = ['left', 'right']) {
  const ends = { given: new FakeSource(), left: new FakeSink(), right: new FakeSink() };
  const text = `
routes:
  fill: { source: given, sink: { local: ${pool} } }
${readers.map((name) => `  ${name}: { source: { local: ${pool} }, sink: ${name}, window: { messages: 4 } }`).join('\n')}`;
  const mqferry = await createEngine({ routes: { texts: [{ name: 'q.yaml', text }] }, connectors: connectorsOf(ends), dataDir });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  return { ...ends, mqferry, dataDir };
}

const make = (n: number, priority?: number) => new Message({ body: Buffer.from(`${n}`), priority });
const numbers = (...sinks: FakeSink[]) => sinks.flatMap(({ stored }) => stored.map(({ body }) => Number(body)));
const all = (count: number) => Array.from({ length: count }, (_, i) => i);
const sorted = (given: number[]) => given.toSorted((a, b) => a - b);
const depth = async (dataDir: string) => (await listBuffers(dataDir)).find(({ owner }) => owner === poolOwner('q'))?.messages;

describe('of a queue that many read', () => {
  test('each message goes to one of them', async () => {
    const { given, left, right, mqferry, dataDir } = await running();
    given.push(...all(500).map((n) => make(n)));
    await until('all have come', () => left.stored.length + right.stored.length >= 500);
    expect(sorted(numbers(left, right))).toEqual(all(500));
    expect(Math.min(left.stored.length, right.stored.length)).toBeGreaterThan(50);
    await mqferry.stop();
    expect(await depth(dataDir)).toBe(0);
  });

  test('one that does not get on holds only what it has, and gives it back when it ends', async () => {
    const { given, left, right, mqferry } = await running();
    left.answer = () => 'never';
    given.push(...all(100).map((n) => make(n)));
    await until('the other has the rest', () => right.stored.length >= 96);
    expect(left.stored).toEqual([]);
    await mqferry.engine.stopRoute('left', 0);
    await until('it has all', () => right.stored.length === 100);
    expect(sorted(numbers(right))).toEqual(all(100));
  });

  test('what waits leaves by priority, of one priority in its order, also after a restart', async () => {
    const first = await running(folder(), []);
    first.given.push(make(0), make(1, 9), make(2), make(3, 4), make(4, 9), make(5, 0));
    await until('all are on disk', () => first.given.acked.length === 6);
    await first.mqferry.stop();
    expect(await depth(first.dataDir)).toBe(6);
    const second = await running(first.dataDir, ['left']);
    await until('all have come', () => second.left.stored.length === 6);
    expect(numbers(second.left)).toEqual([1, 4, 3, 0, 2, 5]);
  });
});

test('the reader of such a queue promises no order; in memory any number may read', () => {
  const context = { ...testContext(), queue: () => ({ near: {}, far: { can: { redelivers: 'inOrder' } } }) } as never;
  const can = (readers: 'one' | 'many') => local.source!.create({ queue: 'q', store: 'disk', readers, connection: {} }, context).can;
  expect([can('one').redelivers, can('many').redelivers]).toEqual(['inOrder', 'anyOrder']);
  const inMemory = () => local.source!.create({ queue: 'q', store: 'memory', readers: 'many', connection: {} }, context);
  expect(inMemory).toThrow(/any number of routes may read a queue in memory/);
});
