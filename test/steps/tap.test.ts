import { expect, test } from 'vitest';
import { compileRoutes } from '../../src/index.ts';
import { Message } from '../../src/message.ts';
import { explain, oneLine } from '../../src/route/explain.ts';
import { until } from '../brokers/broker.ts';
import { FakeSource } from '../engine/fakes.ts';
import { books, run } from '../route/shelf.ts';

const numbered = (count: number) =>
  Array.from({ length: count }, (_, n) => new Message({ body: Buffer.from(`{"n":${n}}`), origin: { log: 'L', at: n } }));
const settled = (source: FakeSource, count: number) => until('all are settled', async () => source.acked.length === count);

test.each(['', 'buffer: disk'])('the copy is the message as it is at the tap, whatever later steps do; with %j', async (buffer) => {
  const source = new FakeSource().push(...numbered(4));
  const { shelf, dead, mqferry } = await run(
    `
routes:
  a:
    source: given
    steps:
      - filter: body.n != 0
      - set: { header.seen: 'yes', header.kind: '\${{ body.n == 3 ? "last" : "other" }}' }
      - tap: dead
      - set: { body: changed }
      - filter: header.kind != "last"
    ${buffer}
    sink: shelf
`,
    source.end,
  );
  await settled(source, 4);
  await until('all are copied', async () => dead.stored.length === 3);
  expect(dead.stored.map((copy) => [String(copy.body), copy.header('seen')])).toEqual([1, 2, 3].map((n) => [`{"n":${n}}`, 'yes']));
  await until('all are written', async () => shelf.stored.length === 2);
  expect(shelf.stored.map(({ body }) => String(body))).toEqual(['changed', 'changed']);
  await until('the books are closed', async () => books(mqferry, 'a')?.delivered === 2);
  expect(books(mqferry, 'a')).toMatchObject({ read: 4, delivered: 2, filtered: 2, dropped: 0 });
  await mqferry.stop();
});

test('a tap stands in the branches of a sink, too, and copies have ids of their own', async () => {
  const source = new FakeSource().push(...numbered(4));
  const placed = { ...source.end, can: { ...source.end.can, stableIds: ['log', 'at'] } };
  const { shelf, dead } = await run(
    `
routes:
  a:
    source: given
    sink:
      switch:
        - { when: body.n < 2, steps: [tap: dead], sink: shelf }
        - otherwise: { sink: { oneOf: '\${{ body.n == 9 ? "y" : "x" }}', allow: { x: { steps: [{ filter: body.n > 2 }, { tap: { sink: dead } }], sink: shelf } } } }
`,
    placed,
  );
  await settled(source, 4);
  await until('all are copied', async () => dead.stored.length === 3);
  expect(dead.stored.map(({ body }) => String(body)).sort()).toEqual(['{"n":0}', '{"n":1}', '{"n":3}']);
  expect(
    dead.ids.map(String).every((id) => /^a\.tap[12]\//.test(id)),
    dead.ids.join(),
  ).toBe(true);
  expect(shelf.ids.some((id) => dead.ids.includes(id))).toBe(false);
  expect(dead.stored.map((copy) => copy.header('mqf-hops'))).toEqual([1, 1, 1]);
});

test('what came round in a loop is not tapped again', async () => {
  const source = new FakeSource().push(new Message({ body: Buffer.from('x'), headers: [['mqf-hops', 8]] }), ...numbered(1));
  const { dead, mqferry } = await run(
    'routes: { a: { source: given, steps: [{ tap: dead }], sink: shelf, onError: { then: drop } } }',
    source.end,
  );
  await settled(source, 2);
  await until('one is copied', async () => dead.stored.length === 1);
  expect([...mqferry.engine.view('a')!.run!.taps.values()][0]).toMatchObject({ copied: 1, dropped: 1 });
});

test('a route is tapped again after it was stopped and started', async () => {
  const source = new FakeSource().push(...numbered(1));
  const { dead, mqferry } = await run(
    'routes: { a: { source: given, sink: [{ switch: [{ otherwise: { steps: [{ tap: dead }], sink: shelf } }] }] } }',
    source.end,
  );
  await until('one is copied', async () => dead.stored.length === 1);
  await mqferry.engine.stopRoute('a', 1000);
  await mqferry.engine.startRoute('a');
  source.push(...numbered(1));
  await until('another one is copied', async () => dead.stored.length === 2);
});

test('explain says that a tap is best effort, and the route keeps its promise', async () => {
  const rabbit = 'rabbitmq: { connection: { url: amqp://localhost }, queue: a }';
  const text = `
routes:
  a:
    guarantee: at-least-once
    source: { ${rabbit} }
    steps: [{ tap: { sink: { local: { queue: seen } }, maxMessages: 50 } }]
    sink: { kafka: { connection: { brokers: 'a:1' }, topic: t } }
`;
  const { routes, problems } = await compileRoutes({ routes: { texts: [{ name: 'a.yaml', text }] } });
  expect(problems).toEqual([]);
  const said = explain(routes[0]!);
  expect(said).toContain(
    'Copies each message, as it is here, to local, best effort: nothing waits for it, and a copy that finds 50 waiting, or cannot be sent, is dropped and counted.',
  );
  expect(said).toContain('Delivery: at-least-once.');
  expect(said).not.toContain('held in memory');
  expect(oneLine(routes[0]!)).toBe('rabbitmq → tap → kafka · at-least-once · order key');
});

test('a tap must go with the other ends of its connector', async () => {
  const text = `
routes:
  a: { source: generate, steps: [{ tap: { local: { queue: q } } }], sink: print }
  b: { source: { local: { queue: q, store: disk } }, sink: print }
`;
  const { problems } = await compileRoutes({ routes: { texts: [{ name: 'a.yaml', text }] } });
  expect(problems.map(({ rule }) => rule)).toContain('misfit');
});
