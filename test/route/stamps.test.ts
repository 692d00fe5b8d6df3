import { afterEach, expect, test } from 'vitest';
import { resetLocalQueues } from '../../connectors/local/index.ts';
import { Message, type SourceEnd } from '../../src/connector.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { FakeSource } from '../engine/fakes.ts';
import { books, run } from './shelf.ts';

afterEach(resetLocalQueues);

function numbered(count: number, more: Partial<ConstructorParameters<typeof Message>[0]> = {}): Message[] {
  return Array.from({ length: count }, (_, i) => new Message({ body: Buffer.from(`${i}`), origin: { log: 'L', at: i }, ...more }));
}

/** A source whose messages have a place. */
function placed(source: FakeSource): SourceEnd {
  return { ...source.end, can: { ...source.end.can, stableIds: ['log', 'at'] } };
}

test('two routes that read what the other writes end in the dead letter, after as many hops as there may be', async () => {
  const source = new FakeSource().push(...numbered(3));
  const { dead, mqferry } = await run(
    `
routes:
  feed: { source: given, sink: { local: { queue: a } } }
  there: { source: { local: { queue: a } }, sink: { local: { queue: b } }, onError: { deadLetter: dead } }
  back: { source: { local: { queue: b } }, sink: { local: { queue: a } }, onError: { deadLetter: dead }, maxHops: 5 }
`,
    source.end,
  );
  await until('all are dead', async () => dead.stored.length === 3);
  // feed 1, there 2, back 3, there 4, back 5, there 6; back takes no seventh
  expect(dead.stored.map((message) => message.header('mqf-error-code'))).toEqual(Array(3).fill('HOPS_EXCEEDED'));
  expect(dead.stored.map((message) => message.header('mqf-hops'))).toEqual([7, 7, 7]);
  expect(books(mqferry, 'there')).toMatchObject({ read: 9, delivered: 9, inFlight: 0 });
  expect(books(mqferry, 'back')).toMatchObject({ read: 9, delivered: 6, deadLettered: 3, inFlight: 0 });
});

test('a message that comes with too many hops is dead-lettered, and does not stop the route', async () => {
  const source = new FakeSource().push(...numbered(1, { headers: [['mqf-hops', '8']] }), ...numbered(1));
  const { shelf, dead, mqferry } = await run('routes: { a: { source: given, sink: shelf, onError: { deadLetter: dead } } }', source.end);
  await until('both have ended', async () => source.acked.length === 2);
  expect(dead.stored.map((message) => message.header('mqf-hops'))).toEqual([9]);
  expect(shelf.stored.map((message) => message.header('mqf-hops'))).toEqual([1]);
  expect(books(mqferry, 'a')).toMatchObject({ delivered: 1, deadLettered: 1 });
});

test('what the source delivers again carries the mqf-id that it had, and no other message does', async () => {
  const source = new FakeSource().push(...numbered(3));
  const { shelf } = await run('routes: { a: { source: given, sink: shelf } }', placed(source));
  await until('all are stored', async () => shelf.stored.length === 3 && source.acked.length === 3);
  expect(shelf.ids).toEqual(['a/L/0', 'a/L/1', 'a/L/2']);

  source.push(...numbered(3));
  await until('all are stored again', async () => shelf.stored.length === 6);
  expect(shelf.ids.slice(3)).toEqual(shelf.ids.slice(0, 3));
});

test('what comes out of the buffer again, in another process, carries the mqf-id that it had', async () => {
  const yaml = 'routes: { a: { source: given, buffer: disk, sink: shelf } }';
  const dataDir = folder();
  const source = new FakeSource().push(...numbered(3, { origin: {} }));
  const first = await run(yaml, source.end, dataDir);
  first.shelf.isSilent = true;
  await until('all are on their way', async () => first.shelf.stored.length === 3);
  await first.mqferry.stop(0);

  const second = await run(yaml, new FakeSource().push(...numbered(1, { origin: {} })).end, dataDir);
  await until('all have come', async () => second.shelf.stored.length === 4);
  expect(second.shelf.ids.slice(0, 3)).toEqual(first.shelf.ids);
  expect(new Set(second.shelf.ids).size).toBe(4);
  expect(first.shelf.ids[0]).toMatch(/^a\/[0-9a-f]{16}\/1$/);
});

test('a buffer that may give a position twice gives no mqf-id', async () => {
  const source = new FakeSource().push(...numbered(1));
  const { shelf } = await run('routes: { a: { source: given, buffer: { disk: { sync: interval } }, sink: shelf } }', source.end);
  await until('it is stored', async () => shelf.stored.length === 1);
  expect(shelf.ids).toEqual([undefined]);
});

test('the place at the source is a better mqf-id than that in the buffer: it is the same in more copies', async () => {
  const source = new FakeSource().push(...numbered(1));
  const { shelf } = await run('routes: { a: { source: given, buffer: disk, sink: shelf } }', placed(source));
  await until('it is stored', async () => shelf.stored.length === 1);
  expect(shelf.ids).toEqual(['a/L/0']);
});

test('each sink of a route has ids of its own: what it gets may be made otherwise', async () => {
  const source = new FakeSource().push(...numbered(1));
  const { shelf, dead } = await run('routes: { a: { source: given, sink: [shelf, dead] } }', placed(source));
  await until('both have it', async () => source.acked.length === 1);
  expect([shelf.ids, dead.ids]).toEqual([['a/L/0'], ['a.2/L/0']]);
});

test('an mqf-id that the message has is kept when the source is trusted, and hidden when not', async () => {
  const headers = [['mqf-id', 'given']] as const;
  const trusted = new FakeSource().push(...numbered(1, { headers }));
  const one = await run('routes: { a: { source: { given: { trusted: true } }, sink: shelf } }', placed(trusted));
  await until('it is stored', async () => one.shelf.stored.length === 1);
  expect(one.shelf.ids).toEqual(['given']);

  const stranger = new FakeSource().push(...numbered(1, { headers }));
  const other = await run('routes: { a: { source: given, sink: shelf } }', placed(stranger));
  await until('it is stored', async () => other.shelf.stored.length === 1);
  expect(other.shelf.ids).toEqual(['a/L/0']);
  expect(other.shelf.stored[0]?.header('mqf-h-mqf-id')).toBe('given');
});

test('mqfId: false writes none', async () => {
  const source = new FakeSource().push(...numbered(1));
  const { shelf } = await run('routes: { a: { mqfId: false, source: given, sink: shelf } }', placed(source));
  await until('it is stored', async () => shelf.stored.length === 1);
  expect(shelf.stored[0]?.headers).toEqual([['mqf-hops', 1]]);
});
