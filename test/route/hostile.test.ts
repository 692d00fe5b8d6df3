import { expect, onTestFinished, test } from 'vitest';
import { defineConnector } from '../../src/connector.ts';
import { createEngine } from '../../src/index.ts';
import { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { folder } from '../cli/mqferry.ts';
import { FakeSink, FakeSource } from '../engine/fakes.ts';
import { hostileMessages } from '../steps/hostile.ts';
import { books } from './shelf.ts';

/** All that decides where a message goes reads what it brings: cases, names of sinks, error rules, settings of a sink. */
const text = `
routes:
  a:
    source: given
    sink:
      - switch:
          - when: 'header.region == "eu" || body.id == 0'
            sink: eu
          - when: 'has(body.total) && body.total > 4'
            sink: { oneOf: '\${{ body.id == 0 ? "eu" : body.id }}', allow: { eu: eu } }
          - otherwise: { sink: us }
    onError:
      - when: 'error.code == "UNROUTABLE" && body.id != "x"'
        deadLetter: dead
      - when: 'error.code == "STEP_FAILED" && body.id == 1'
        then: drop
      - deadLetter: dead
`;

test('hostile messages go to a sink or the error path, and those between them where they should', async () => {
  const hostile = [...hostileMessages().values()].filter(({ bytes }) => bytes < 1_000_000);
  const good = hostile.map((_, i) => new Message({ body: Buffer.from(`{"id":0,"n":${i}}`) }));
  const source = new FakeSource().push(...hostile.flatMap((one, i) => [one, good[i] as Message]));
  const sinks = { eu: new FakeSink(), us: new FakeSink(), dead: new FakeSink() };
  const end = (name: keyof typeof sinks) =>
    defineConnector({ name, summary: 'For this test.', sink: { fields: {}, create: () => sinks[name].end } });
  const given = defineConnector({ name: 'given', summary: 'For this test.', source: { fields: {}, create: () => source.end } });
  const connectors = { given, eu: end('eu'), us: end('us'), dead: end('dead') };
  const mqferry = await createEngine({ routes: { texts: [{ name: 'a.yaml', text }] }, connectors, dataDir: folder() });
  onTestFinished(() => void mqferry.stop(0));
  await mqferry.start();
  await until('all are settled', async () => source.acked.length === 2 * hostile.length);
  const arrived = sinks.eu.stored.map(({ body }) => String(body)).filter((body) => body.startsWith('{"id":0,"n":'));
  expect(arrived).toEqual(good.map(({ body }) => String(body)));
  const { read, delivered, deadLettered, dropped, inFlight } = books(mqferry, 'a') as NonNullable<ReturnType<typeof books>>;
  expect([read, inFlight]).toEqual([2 * hostile.length, 0]);
  expect(delivered + deadLettered + dropped).toBe(read);
  expect(deadLettered).toBeGreaterThan(20);
  expect(sinks.dead.stored).toHaveLength(deadLettered);
});
