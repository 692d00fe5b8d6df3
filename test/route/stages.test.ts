import { describe, expect, onTestFinished, test } from 'vitest';
import { listBuffers } from '../../src/buffer/instance.ts';
import { dumpStage, sizeOfStage } from '../../src/buffer/stage/inspect.ts';
import { balanced, type RouteBooks } from '../../src/engine/books.ts';
import { compileRoutes, createEngine } from '../../src/index.ts';
import { Message } from '../../src/message.ts';
import { explain } from '../../src/route/explain.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { connectorsOf, FakeSink, FakeSource } from '../engine/fakes.ts';

const make = (body: unknown, id = JSON.stringify(body)) => new Message({ body: Buffer.from(JSON.stringify(body)), id });

/** A route from `given` to `shelf`, with `grave` for dead letters. */
async function running(steps: string, source: FakeSource, dataDir = folder(), stableIds: readonly string[] = []) {
  const sinks = { shelf: new FakeSink(), grave: new FakeSink() };
  const text = `routes: { r: { source: given, sink: shelf, onError: { deadLetter: grave }, steps: [${steps}] } }`;
  const connectors = connectorsOf({ given: source, ...sinks }, stableIds);
  const mqferry = await createEngine({ routes: { texts: [{ name: 'r.yaml', text }] }, connectors, dataDir });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  const books = () => {
    const found = mqferry.engine.view('r')?.books as RouteBooks;
    expect(balanced(found), JSON.stringify(found)).toBe(true);
    return found;
  };
  return { ...sinks, mqferry, books, dataDir, run: () => mqferry.engine.view('r')!.run! };
}

const pairs = '{ aggregate: { count: 2 } }';
const bodies = ({ stored }: FakeSink) => stored.map((message) => message.json());

describe('the books of a route with a stage', () => {
  test('balance: of several that were made one, all but one are merged', async () => {
    const source = new FakeSource().push(...[1, 2, 3, 4, 5].map((n) => make(n)));
    const { shelf, books, run } = await running(`{ filter: body != 3 }, ${pairs}`, source);
    await until('two pairs have arrived', () => shelf.stored.length === 2);
    await until('they are acked', () => run().plan.stores?.[0]?.stats().messages === 0);
    expect(books()).toMatchObject({ read: 5, delivered: 2, filtered: 1, merged: 2, made: 0, buffered: 0, inFlight: 0 });
    expect(bodies(shelf)).toEqual([
      [1, 2],
      [4, 5],
    ]);
  });

  test('also where a step before it makes several of one', async () => {
    const source = new FakeSource().push(make([1, 2, 3]), make([4, 5]), make([6]));
    const { shelf, books } = await running(`{ split: { list: body } }, ${pairs}`, source);
    await until('three pairs have arrived', () => shelf.stored.length === 3);
    expect(bodies(shelf)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    await until('all is settled', () => source.acked.length === 3);
    expect(books()).toMatchObject({ read: 3, made: 3, delivered: 3, merged: 3, buffered: 0 });
  });

  test('over a stop in the middle: what a stage keeps is there again', async () => {
    const source = new FakeSource().push(make(1), make(2), make(3));
    const first = await running(pairs, source);
    await until('one pair has arrived', () => first.shelf.stored.length === 1 && source.acked.length === 3);
    await first.mqferry.stop(1000);
    expect(first.books()).toMatchObject({ read: 3, delivered: 1, merged: 1, buffered: 1 });
    const second = await running(pairs, new FakeSource().push(make(4)), first.dataDir);
    await until('the other pair has arrived', () => second.shelf.stored.length === 1);
    expect(bodies(second.shelf)).toEqual([[3, 4]]);
    expect(second.books()).toMatchObject({ recovered: 1, read: 1, delivered: 1, merged: 1 });
  });

  test('with two stages, one behind the other', async () => {
    const source = new FakeSource().push(...[1, 2, 3, 4].map((n) => make(n)));
    const { shelf, books, run } = await running(`${pairs}, { delay: { for: 5ms } }, ${pairs}`, source);
    await until('it has arrived', () => shelf.stored.length === 1);
    expect(bodies(shelf)).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    expect(run().plan.stores?.map(({ name }) => name)).toEqual(['aggregate', 'delay', 'aggregate-2']);
    expect(books()).toMatchObject({ read: 4, delivered: 1, merged: 3, buffered: 0 });
  });
});

describe('what goes wrong', () => {
  test('behind a stage goes to the dead letter as it left the stage', async () => {
    const source = new FakeSource().push(make(1), make(2));
    const { grave, books } = await running(`${pairs}, { map: body.nothing }`, source);
    await until('the letter is there', () => grave.stored.length === 1);
    const [letter] = grave.stored as [Message];
    expect([letter.json(), letter.header('mqf-error-at'), letter.header('mqf-error-code')]).toEqual([[1, 2], 'aggregate', 'STEP_FAILED']);
    expect(books()).toMatchObject({ read: 2, deadLettered: 1, merged: 1 });
  });

  test('in a stage, too: what it cannot keep is refused, as it came', async () => {
    const odd = new Message({ body: Buffer.from('{'), id: 'odd' });
    const source = new FakeSource().push(odd, make(1), make(2));
    const { grave, shelf, books } = await running(pairs, source);
    await until('all have ended', () => grave.stored.length === 1 && shelf.stored.length === 1);
    expect([String(grave.stored[0]?.body), grave.stored[0]?.header('mqf-error-at')]).toEqual(['{', undefined]);
    expect(books()).toMatchObject({ read: 3, delivered: 1, deadLettered: 1, merged: 1 });
  });
});

test('a message is known by its place in the stage behind it, and by that at its source before it', async () => {
  const given = [1, 2, 3].map((n) => new Message({ body: Buffer.from(`${n}`), origin: { at: n } }));
  const { shelf, grave } = await running(
    '{ map: { n: 10 / (body - 1) } }, { delay: { for: 0s } }',
    new FakeSource().push(...given),
    folder(),
    ['at'],
  );
  await until('all have ended', () => shelf.stored.length === 2 && grave.stored.length === 1);
  expect(grave.stored[0]?.header('mqf-id')).toBe('r/1');
  const ids = shelf.stored.map((message) => String(message.header('mqf-id')));
  expect(
    ids.every((id) => /^r\/[0-9a-f]{16}\/\d+$/.test(id)),
    ids.join(),
  ).toBe(true);
});

test('a stage that holds messages is not forgotten when its step is gone', async () => {
  const source = new FakeSource().push(make(1), make(2), make(3));
  const { mqferry, shelf, dataDir } = await running(pairs, source);
  await until('all are acked', () => source.acked.length === 3 && shelf.stored.length === 1);
  await mqferry.stop(1000);
  await expect(running('', new FakeSource(), dataDir)).rejects.toThrow(
    /the stage aggregate of route r holds 1 messages.*mqferry buffer adopt stage:r\/aggregate/,
  );
  expect(await listBuffers(dataDir)).toMatchObject([{ owner: 'stage:r/aggregate', messages: 1 }]);
  const directory = `${dataDir}/routes/r/stages/aggregate`;
  expect(await sizeOfStage(directory)).toMatchObject({ messages: 1 });
  const dumped = [];
  for await (const { message } of dumpStage(directory)) dumped.push(message.json());
  expect(dumped).toEqual([3]);
});

describe('a config with stages', () => {
  const compiled = async (yaml: string) => {
    const text = `routes: { r: { source: generate, ${yaml} } }`;
    return compileRoutes({ routes: { texts: [{ name: 'r.yaml', text }] } });
  };
  const problems = async (yaml: string) => (await compiled(yaml)).problems.map(({ message, hint }) => `${message} — ${hint}`).join('\n');

  test('has them in its steps alone', async () => {
    const branch = 'sink: { switch: [{ otherwise: { steps: [{ delay: { for: 1s } }], sink: print } }] }';
    expect(await problems(branch)).toContain(
      'delay keeps messages beyond their ack, so it cannot stand in a branch of the sink — put it into `steps`',
    );
    expect(await problems('sink: print, steps: [{ delay: { for: 1s }, onError: { then: drop } }]')).toContain(
      'delay has no onError of its own',
    );
  });

  test('promises the order that they keep', async () => {
    expect(await problems('sink: print, order: lane, steps: [{ delay: { for: 1s } }]')).toBe('');
    expect(await problems("sink: print, order: lane, steps: [{ delay: { until: '${{ body }}' } }]")).toContain(
      '`delay` with `until` lets messages leave',
    );
    expect(await problems('sink: print, order: key, steps: [{ aggregate: { count: 2 } }]')).toContain('can keep none');
  });

  test('is explained', async () => {
    const { routes } = await compiled(
      'sink: print, buffer: { disk: {} }, steps: [{ filter: body.n > 1 }, { delay: { for: 90s } }, { aggregate: { count: 2, quiet: 1m } }, { map: body.n }]',
    );
    const text = explain(routes[0]!);
    expect(text).toContain('generate → filter → disk buffer → delay → aggregate → map → print');
    expect(text).toContain(
      'Keeps it on disk for 90s (at most 1GiB). It is settled where it came from as soon as it is on disk here, and synced.',
    );
    expect(text).toContain('The stage aggregate keeps what it holds over kill -9 and power cuts');
    expect(text).toContain('Copies from the stage aggregate carry the same `mqf-id`');
  });
});
