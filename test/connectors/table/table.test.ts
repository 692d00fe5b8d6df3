import { describe, expect, test } from 'vitest';
import { table } from '../../../connectors/table/index.ts';
import { Message, type MessageInit, type Sink, type Table } from '../../../src/connector.ts';
import { compileRoutes, createEngine } from '../../../src/index.ts';
import { Tables } from '../../../src/table.ts';
import { testContext } from '../../../src/testkit/index.ts';
import { until } from '../../brokers/broker.ts';
import { folder } from '../../cli/mqferry.ts';
import { expr, template } from '../../steps/run.ts';

const make = (key: string, body: string | null, more: Partial<MessageInit> = {}) =>
  new Message({ key: Buffer.from(key), body: body === null ? null : Buffer.from(body), ...more });

async function open(
  more: { key?: string; value?: string; maxEntries?: number; maxBytes?: number } = {},
): Promise<{ sink: Sink; kept: Table }> {
  const tables = new Tables();
  const config = {
    name: 't',
    connection: {},
    maxEntries: 100,
    maxBytes: 100_000,
    ...more,
    key: template(more.key ?? '${{ key }}'),
    value: expr(more.value ?? 'body'),
  };
  const end = table.sink!.create(config as never, { ...testContext(), table: (name) => tables.table(name) });
  return { sink: await end.open(new AbortController().signal), kept: tables.table('t') };
}

describe('a table', () => {
  test('keeps the last of each key, and forgets what a tombstone or null names', async () => {
    const { sink, kept } = await open();
    const messages = [make('a', '{"n":1}'), make('b', '2'), make('a', '{"n":3}'), make('b', null), make('c', '4'), make('c', 'null')];
    expect(await sink.write(messages)).toEqual([]);
    expect(['a', 'b', 'c'].map((key) => kept.get(key))).toEqual([{ n: 3 }, undefined, undefined]);
    expect(kept.entries).toBe(1);
    await sink.write([make('a', null), make('nobody', null)]);
    expect([kept.entries, kept.bytes]).toEqual([0, 0]);
  });

  test('takes key and value from where the config says; whole numbers are exact', async () => {
    const { sink, kept } = await open({ key: '${{ body.sku }}', value: 'body.price' });
    await sink.write([make('x', '{"sku":"s1","price":12345678901234567890}')]);
    expect(kept.get('s1')).toBe(12345678901234567890n);
  });

  test('refuses for good what it has no room for, and goes on with the others', async () => {
    const { sink, kept } = await open({ maxEntries: 2 });
    const [a, b, c, again] = [make('a', '1'), make('b', '2'), make('c', '3'), make('a', '4')];
    expect(await sink.write([a, b, c, again])).toMatchObject([{ message: c, retry: false, error: { code: 'REFUSED' } }]);
    expect([kept.get('a'), kept.get('c')]).toEqual([4, undefined]);
    await sink.write([make('b', null)]);
    expect(await sink.write([c])).toEqual([]);
    const small = await open({ maxBytes: 300 });
    const large = make('l', JSON.stringify('x'.repeat(300)));
    expect(await small.sink.write([a, large, b])).toMatchObject([
      { message: large, error: { message: expect.stringContaining('300 bytes') } },
    ]);
    expect(small.kept.entries).toBe(2);
  });

  test('refuses for good what has no such key or value', async () => {
    const { sink } = await open({ key: '${{ body.sku }}' });
    const [text, keyless] = [make('a', 'CANARY{'), make('a', '{}')];
    const refusals = await sink.write([text, keyless]);
    expect(refusals).toMatchObject([
      { message: text, retry: false },
      { message: keyless, retry: false },
    ]);
    for (const { error } of refusals) expect(error.code + error.message).toMatch(/^STEP_FAILED(?!.*CANARY)/);
  });

  test('takes hostile keys', async () => {
    const { sink, kept } = await open();
    await sink.write([make('__proto__', '{"polluted":1}'), make('constructor', '2'), make('', '3')]);
    expect(['__proto__', 'constructor', '', 'toString'].map((key) => kept.get(key))).toEqual([{ polluted: 1 }, 2, 3, undefined]);
  });

  test('writes nothing through a link that is closed', async () => {
    const { sink } = await open();
    await sink.close();
    await expect(sink.write([make('a', '1')])).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});

const config = (name: string) => `
routes:
  prices:
    source: { generate: { count: 3, interval: 0, body: '{"sku": "s\${{ origin.sequence }}", "price": \${{ origin.sequence * 10 }}}' } }
    sink: { table: { name: prices, key: '\${{ body.sku }}', value: body.price } }
  orders:
    source: { local: { queue: '${name}-in' } }
    steps:
      - enrich: { table: { name: prices }, key: '\${{ body.sku }}', into: body.price, missing: skip }
    sink: { local: { queue: '${name}-out' } }
  feed:
    source: { generate: { count: 4, interval: 0, body: '{"sku": "s\${{ origin.sequence }}"}' } }
    sink: { local: { queue: '${name}-in' } }
  look:
    source: { local: { queue: '${name}-out' } }
    steps: [ { filter: 'has(body.price) && body.price > 0' } ]
    sink: { local: { queue: '${name}-end' } }
`;

test('one route feeds it, another looks into it; each engine has its own', async () => {
  for (const name of ['first', 'second']) {
    const ferry = await createEngine({ routes: { texts: [{ name: 'r.yaml', text: config(name) }] }, dataDir: folder() });
    const books = (route: string) => ferry.engine.view(route)?.books;
    await ferry.engine.startRoute('orders');
    await ferry.engine.startRoute('look');
    await ferry.engine.startRoute('prices');
    await until('the table is filled', () => books('prices')?.delivered === 3);
    await ferry.engine.startRoute('feed');
    await until('all orders have come', () => books('look')?.read === 4);
    expect(books('look')).toMatchObject({ delivered: 3, filtered: 1 });
    await ferry.stop();
  }
});

test('its route is labelled as what it is, and a table that nobody feeds is an error', async () => {
  const { routes } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text: config('x') }] } });
  const { label } = routes[0]!;
  expect(label.delivery).toBe('best-effort');
  expect(label.weaknesses.join()).toContain('held in memory and is empty after a start');
  const { problems } = await compileRoutes({
    routes: { texts: [{ name: 'r.yaml', text: config('x').replace('name: prices, key', 'name: price, key') }] },
  });
  expect(problems).toMatchObject([{ rule: 'unfed-table', line: 9, message: 'no route feeds the table prices', hint: 'there are: price' }]);
});

test('a route that asks for more than a table keeps is refused', async () => {
  const text = config('x').replace('  prices:\n', '  prices:\n    guarantee: at-least-once\n');
  const { problems } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text }] } });
  expect(problems).toMatchObject([{ rule: 'guarantee' }]);
});
