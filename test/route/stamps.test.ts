import { afterEach, expect, onTestFinished, test } from 'vitest';
import { resetLocalQueues } from '../../connectors/local/index.ts';
import { defineConnector, Message, notConnected, type SinkEnd, type SourceEnd } from '../../src/connector.ts';
import { createEngine, type Mqferry } from '../../src/index.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { FakeSource } from '../engine/fakes.ts';
import { sinkCan } from '../engine/sim/sink-broker.ts';

afterEach(resetLocalQueues);

/** Stores messages, and confirms them unless told otherwise. */
class Shelf {
  readonly stored: Message[] = [];
  isSilent = false;
  readonly end: SinkEnd = {
    can: sinkCan(false),
    open: async () => {
      const closed = Promise.withResolvers<void>();
      return {
        write: async (messages) => {
          this.stored.push(...messages);
          if (this.isSilent) await closed.promise.then(() => Promise.reject(notConnected('closed')));
          return [];
        },
        close: async () => closed.resolve(),
      };
    },
  };
}

/** `given` reads a fake source; `shelf` and `dead` are written to. */
async function run(yaml: string, source: SourceEnd, dataDir = folder()) {
  const [shelf, dead] = [new Shelf(), new Shelf()];
  const sinkOf = (name: string, { end }: Shelf) =>
    defineConnector({ name, summary: 'For this test.', sink: { fields: {}, create: () => end } });
  const given = defineConnector({ name: 'given', summary: 'For this test.', source: { fields: {}, create: () => source } });
  const connectors = { given, shelf: sinkOf('shelf', shelf), dead: sinkOf('dead', dead) };
  const mqferry = await createEngine({ routes: { texts: [{ name: 'a.yaml', text: yaml }] }, connectors, dataDir });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  return { shelf, dead, mqferry };
}

const books = ({ engine }: Mqferry, route: string) => engine.routes.find(({ name }) => name === route)!.books;

function numbered(count: number, more: Partial<ConstructorParameters<typeof Message>[0]> = {}): Message[] {
  return Array.from({ length: count }, (_, i) => new Message({ body: Buffer.from(`${i}`), origin: { log: 'L', at: i }, ...more }));
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
