import { describe, expect, onTestFinished, test } from 'vitest';
import { listBuffers } from '../../src/buffer/instance.ts';
import { keyOf } from '../../src/buffer/keys/keys.ts';
import { MemoryKeys } from '../../src/buffer/keys/memory-keys.ts';
import { systemClock } from '../../src/clock.ts';
import type { Refusal, Sink } from '../../src/connector.ts';
import { balanced, type RouteBooks } from '../../src/engine/books.ts';
import { MqferryError, notConnected } from '../../src/errors.ts';
import { createEngine } from '../../src/index.ts';
import { Message } from '../../src/message.ts';
import { DedupeSink } from '../../src/steps/dedupe.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { connectorsOf, FakeSink, FakeSource } from '../engine/fakes.ts';
import { problemsOf } from './route.ts';

const make = (id: string, body: unknown = id) => new Message({ body: Buffer.from(JSON.stringify(body)), id });

describe('a sink that writes each message once', () => {
  /** A link whose writes end when the test says so. */
  function opened() {
    const writes: { ids: string[]; end: (outcome: string[] | 'lost') => void }[] = [];
    const link: Sink = {
      write: (messages) => {
        const ended = Promise.withResolvers<readonly Refusal[]>();
        const refusal = (message: Message): Refusal => ({ message, error: new MqferryError('REFUSED', 'no'), retry: true });
        const end = (refused: string[] | 'lost') => {
          if (refused === 'lost') ended.reject(notConnected('cut'));
          else ended.resolve(messages.filter(({ id }) => refused.includes(id as string)).map(refusal));
        };
        writes.push({ ids: messages.map(({ id }) => id as string), end });
        return ended.promise;
      },
      close: async () => undefined,
    };
    const keys = new MemoryKeys({ windowMs: 1e9, maxKeys: 100 }, systemClock);
    const sink = () => new DedupeSink(link, keys, (message) => keyOf(message.id as string));
    return { writes, keys, sink };
  }
  const outcome = (refusals: readonly Refusal[]) => refusals.map(({ message, retry }) => [message.id, retry]);

  test('a copy of a message that is on its way shares its outcome, and is not settled before it', async () => {
    const { sink, writes } = opened();
    const link = sink();
    const first = link.write([make('a'), make('b')]);
    const settled: string[] = [];
    const copy = link.write([make('b'), make('c')]).then((refusals) => {
      settled.push('copy');
      return refusals;
    });
    expect(writes.map(({ ids }) => ids)).toEqual([['a', 'b'], ['c']]);
    writes[1]!.end([]);
    await new Promise(setImmediate);
    expect(settled).toEqual([]);
    writes[0]!.end(['b']);
    expect(outcome(await first)).toEqual([['b', true]]);
    expect(outcome(await copy)).toEqual([['b', true]]);
  });

  test('what was refused is written again, what was confirmed is not', async () => {
    const { sink, writes } = opened();
    const link = sink();
    const first = link.write([make('a'), make('b')]);
    writes[0]!.end(['b']);
    await first;
    const second = link.write([make('a'), make('b')]);
    expect(writes[1]!.ids).toEqual(['b']);
    writes[1]!.end([]);
    expect(outcome(await second)).toEqual([]);
    expect(outcome(await link.write([make('a'), make('b')]))).toEqual([]);
    expect(writes).toHaveLength(2);
  });

  test('two copies in one write are one', async () => {
    const { sink, writes } = opened();
    const both = sink().write([make('a'), make('a')]);
    expect(writes[0]!.ids).toEqual(['a']);
    writes[0]!.end([]);
    expect(outcome(await both)).toEqual([]);
  });

  test('a lost link leaves nothing known or reserved', async () => {
    const { sink, writes } = opened();
    const link = sink();
    const first = link.write([make('a')]);
    const copy = link.write([make('a')]);
    writes[0]!.end('lost');
    await expect(first).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await expect(copy).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    void sink().write([make('a')]);
    expect(writes[1]!.ids).toEqual(['a']);
  });

  test('what cannot be remembered is not confirmed', async () => {
    const { keys, writes, sink } = opened();
    keys.add = async () => {
      throw new MqferryError('BUFFER_FAILED', 'the disk is gone');
    };
    const write = sink().write([make('a')]);
    writes[0]!.end([]);
    await expect(write).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
  });
});

describe('a route with dedupe', () => {
  async function running(
    steps: string,
    source: FakeSource,
    sinks: Record<string, FakeSink>,
    more: { dataDir?: string; sink?: string } = {},
  ) {
    const text = `routes: { r: { source: given, sink: ${more.sink ?? 'shelf'}, onError: { deadLetter: grave, retry: { attempts: 1 } }, steps: [${steps}] } }`;
    const dataDir = more.dataDir ?? folder();
    const mqferry = await createEngine({
      routes: { texts: [{ name: 'r.yaml', text }] },
      connectors: connectorsOf({ given: source, ...sinks }),
      dataDir,
    });
    onTestFinished(() => void mqferry.stop(0));
    await mqferry.start();
    const books = () => {
      const found = mqferry.engine.view('r')?.books as RouteBooks;
      expect(balanced(found), JSON.stringify(found)).toBe(true);
      return found;
    };
    return { mqferry, books, dataDir, memories: () => mqferry.engine.view('r')!.run!.plan.memories!.map((one) => one.stats()) };
  }
  const byId = "{ dedupe: { key: '${{ id }}' } }";
  const ids = ({ stored }: FakeSink) => stored.map(({ intended }) => intended.id);

  test('filters copies of what has arrived, over restarts, and shows what it knows', async () => {
    const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
    const source = new FakeSource().push(make('a'), make('b'), make('a'));
    const first = await running(byId, source, sinks);
    await until('all are acked', () => source.acked.length === 3);
    source.push(make('b'), make('c'));
    await until('all are acked', () => source.acked.length === 5);
    expect(ids(sinks.shelf)).toEqual(['a', 'b', 'c']);
    expect(first.books()).toMatchObject({ read: 5, filtered: 1 }); // the copy that came with its first shared its outcome
    expect(first.memories()).toEqual([expect.objectContaining({ entries: 3, copies: 1 })]);
    await first.mqferry.stop();
    expect(await listBuffers(first.dataDir)).toEqual([expect.objectContaining({ owner: 'keys:r/dedupe', messages: 3 })]);
    const again = new FakeSource().push(make('c'), make('d'));
    await running(byId, again, sinks, first);
    await until('all are acked', () => again.acked.length === 2);
    expect(ids(sinks.shelf)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('lets what became a dead letter pass again; what has no key fails', async () => {
    const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
    const source = new FakeSource().push(make('bad'), make(''), make('good'));
    sinks.shelf.answer = ({ intended: { id, headers } }) => (id === 'bad' && headers.length === 0 ? 'refuse' : 'store');
    const { books } = await running(byId, source, sinks);
    await until('all are acked', () => source.acked.length === 3);
    expect(ids(sinks.grave)).toEqual(['', 'bad'].sort());
    expect(ids(sinks.shelf)).toEqual(['good']);
    source.push(new Message({ id: 'bad', body: null, headers: [['mended', true]] }));
    await until('all are acked', () => source.acked.length === 4);
    expect(ids(sinks.shelf)).toEqual(['good', 'bad']);
    expect(books()).toMatchObject({ deadLettered: 2, delivered: 2 });
  });

  test('lets what has no key pass where it says so', async () => {
    const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
    const source = new FakeSource().push(make(''), make(''), make('a'), make('a'));
    await running(byId.replace(' } }', ', noKey: pass } }'), source, sinks);
    await until('all are acked', () => source.acked.length === 4);
    expect(ids(sinks.shelf)).toEqual(['', '', 'a']);
  });

  test('knows the parts that are made of a message, and what each of several sinks has', async () => {
    const sinks = { shelf: new FakeSink(), other: new FakeSink(), grave: new FakeSink() };
    const source = new FakeSource().push(make('a', [1, 2]), make('a', [1, 2]));
    await running(`${byId}, { split: { list: body } }`, source, sinks, { sink: '[shelf, other]' });
    await until('all are acked', () => source.acked.length === 2);
    for (const sink of [sinks.shelf, sinks.other]) expect(sink.stored.map((message) => message.json())).toEqual([1, 2]);
    source.push(make('a', [1, 2]), make('b', [3]));
    await until('all are acked', () => source.acked.length === 4);
    for (const sink of [sinks.shelf, sinks.other]) expect(sink.stored.map((message) => message.json())).toEqual([1, 2, 3]);
  });

  test('behind a step that makes several of one, each has a key of its own', async () => {
    const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
    const source = new FakeSource().push(make('x', [1, 2]), make('y', [2, 3, 3]));
    await running("{ split: { list: body } }, { dedupe: { key: '${{ body }}' } }, { set: { header.seen: 'yes' } }", source, sinks);
    await until('all are acked', () => source.acked.length === 2);
    expect(sinks.shelf.stored.map((message) => message.json())).toEqual([1, 2, 3]);
  });
});

test('a key that is the same for all is an error', async () => {
  expect(await problemsOf('- dedupe: { key: orders }')).toEqual([expect.stringContaining('`key` is the same text for all messages')]);
});
