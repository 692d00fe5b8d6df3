import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../../src/connector.ts';
import { until } from '../../brokers/broker.ts';
import { countReady, drain, makeQueues, publish, type RabbitmqBroker, rabbitmq, untilReady, withChannel } from '../../brokers/rabbitmq.ts';
import { cutConnections, errorOf, never, readSome, sourceEnd, using } from './ends.ts';

const room = { messages: 100, bytes: 1_000_000 };
let broker: RabbitmqBroker;
beforeAll(async () => {
  broker = await rabbitmq.start();
  // RabbitMQ 3.10 has a new durable queue on disk about a second after it has confirmed it: this one is there long before it is needed.
  await makeQueues(broker, ['killed']);
});
afterAll(() => broker.dispose());

async function filled(queue: string, count: number, args: Record<string, unknown> = {}): Promise<void> {
  await makeQueues(broker, [queue], args);
  await publish(broker, queue, upTo(count).map(String));
  await untilReady(broker, queue, count);
}

const bodies = (messages: readonly Message[]) => messages.map((m) => Number(m.body?.toString()));
const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

describe.each([
  ['a classic queue', {}],
  ['a quorum queue', { 'x-queue-type': 'quorum' }],
])('%s', (kind, args) => {
  test('delivers again, in order, what was not acked before the close', async () => {
    const queue = `again ${kind}`;
    await filled(queue, 50, args);
    await using(sourceEnd(broker, queue), async (source) => {
      expect(bodies(await readSome(source, 20, { ack: true }))).toEqual(upTo(20));
      await readSome(source, 15);
    });
    await using(sourceEnd(broker, queue), async (source) => {
      const rest = await readSome(source, 30);
      expect(bodies(rest)).toEqual(upTo(30, 20));
      expect(rest[0]!.origin).toMatchObject({ queue, exchange: '', routingKey: queue, redelivered: true });
      expect(rest[0]!.lane).toBe(queue);
    });
  });

  test('forgets only what was acked, when batches end out of order', async () => {
    const queue = `order ${kind}`;
    await filled(queue, 30, args);
    await using(sourceEnd(broker, queue), async (source) => {
      const batches = [];
      for (let i = 0; i < 30; i++) batches.push((await source.read({ messages: 1, bytes: 1e6 }, never))!);
      for (let i = 20; i < 30; i++) batches[i]!.ack();
      for (let i = 9; i >= 0; i--) batches[i]!.ack();
    });
    await untilReady(broker, queue, 10);
    expect((await drain(broker, queue)).map((m) => Number(m.content))).toEqual(upTo(10, 10));
  });
});

test('a batch that is stuck does not keep the broker from sending, and the acks around it are exact', async () => {
  await filled('stuck', 200);
  await using(sourceEnd(broker, 'stuck', { prefetch: 10 }), async (source) => {
    const stuck = await source.read({ messages: 1, bytes: 1e6 }, never);
    for (let got = 1; got < 150; ) {
      const batch = (await source.read({ messages: 1, bytes: 1e6 }, never))!;
      got += batch.messages.length;
      batch.ack();
    }
    stuck!.ack();
    await readSome(source, 50, { ack: true });
  });
  expect(await drain(broker, 'stuck')).toEqual([]);
});

test('acks reach the broker while the source is open, without a full window', async () => {
  await filled('prompt', 3);
  await using(sourceEnd(broker, 'prompt'), async (source) => {
    await readSome(source, 3, { ack: true });
    await until('nothing is unacked', async () => {
      const state = (await broker.api('GET', 'queues/mq/prompt')) as { messages?: number };
      return state.messages === 0;
    });
  });
});

test('a full prefetch of acks goes on without a pause', async () => {
  await filled('flow', 500);
  const got = await using(sourceEnd(broker, 'flow', { prefetch: 7 }), (source) => readSome(source, 500, { ack: true }));
  expect(bodies(got)).toEqual(upTo(500));
  expect(await countReady(broker, 'flow')).toBe(0);
});

test('no more than prefetch messages are handed out unacked', async () => {
  await filled('bounded', 30);
  await using(sourceEnd(broker, 'bounded', { prefetch: 10 }), async (source) => {
    await readSome(source, 10);
    expect(await source.read(room, AbortSignal.timeout(300))).toBeNull();
  });
});

test('acks of a closed source do nothing to the next one', async () => {
  await filled('stale', 10);
  const first = await sourceEnd(broker, 'stale').open(never);
  const old = (await first.read(room, never))!;
  await first.close();
  const second = await sourceEnd(broker, 'stale').open(never);
  await readSome(second, 10);
  old.ack();
  await second.close();
  await untilReady(broker, 'stale', 10);
});

test('acks after a lost link do nothing, and read says NOT_CONNECTED', async () => {
  await filled('cut', 10);
  const end = sourceEnd(broker, 'cut', {}, { clientId: 'to-be-cut' });
  const source = await end.open(never);
  const batch = (await source.read({ messages: 5, bytes: 1e6 }, never))!;
  await cutConnections(broker, 'to-be-cut');
  expect(await errorOf(readUntilEnd(source))).toMatchObject({ code: 'NOT_CONNECTED' });
  batch.ack();
  await source.close();
  await source.close();
  await untilReady(broker, 'cut', 10);
});

async function readUntilEnd(source: Awaited<ReturnType<ReturnType<typeof sourceEnd>['open']>>): Promise<void> {
  while (await source.read(room, AbortSignal.timeout(20_000)));
}

test('a deleted queue ends the source with NOT_CONNECTED', async () => {
  await filled('deleted', 1);
  const source = await sourceEnd(broker, 'deleted').open(never);
  await readSome(source, 1);
  const waiting = errorOf(readUntilEnd(source));
  await withChannel(broker, (channel) => channel.deleteQueue('deleted'));
  const error = await waiting;
  expect(error).toMatchObject({ code: 'NOT_CONNECTED' });
  expect(error.message).toMatch(/cancelled the consumer of queue deleted/);
  await source.close();
});

test("a delivery that is held beyond the broker's ack time-out ends the source, and comes again", async () => {
  await filled('timeout', 2);
  await broker.ctl('eval', 'application:set_env(rabbit, channel_tick_interval, 500), application:set_env(rabbit, consumer_timeout, 500).');
  const source = await sourceEnd(broker, 'timeout').open(never);
  const batch = (await source.read({ messages: 1, bytes: 1e6 }, never))!;
  const error = await errorOf(readUntilEnd(source));
  await broker.ctl(
    'eval',
    'application:set_env(rabbit, channel_tick_interval, 60000), application:set_env(rabbit, consumer_timeout, 1800000).',
  );
  expect(error).toMatchObject({ code: 'NOT_CONNECTED' });
  expect(error.message).toMatch(/delivery acknowledgement.*timed out/);
  batch.ack();
  await source.close();
  await untilReady(broker, 'timeout', 2);
});

test('a broker that is killed ends the source, and what was not acked comes again', async () => {
  await filled('killed', 10);
  const source = await sourceEnd(broker, 'killed').open(never);
  await readSome(source, 10);
  const waiting = errorOf(readUntilEnd(source));
  await broker.stop('SIGKILL');
  expect(await waiting).toMatchObject({ code: 'NOT_CONNECTED' });
  await source.close();
  expect(await errorOf(sourceEnd(broker, 'killed').open(never))).toMatchObject({ code: 'NOT_CONNECTED' });
  await broker.start();
  await using(sourceEnd(broker, 'killed'), async (again) => expect(bodies(await readSome(again, 10))).toEqual(upTo(10)));
});

describe('opening', () => {
  test('says NOT_FOUND for a queue that is not there, and does not make it', async () => {
    const error = await errorOf(sourceEnd(broker, 'nowhere').open(never));
    expect(error).toMatchObject({ code: 'NOT_FOUND' });
    expect(error.message).toContain('nowhere');
    expect(await errorOf(countReady(broker, 'nowhere'))).toMatchObject({ code: 404 });
  });

  const declare = { durable: true, type: 'quorum', autoDelete: false, exclusive: false, arguments: undefined, bindings: [] } as const;

  test('declares a queue with its bindings when asked to, and again without complaint', async () => {
    const bindings = [{ exchange: 'amq.topic', routingKey: 'a.#', arguments: undefined }];
    const end = sourceEnd(broker, 'declared', { declare: { ...declare, arguments: { 'x-max-length': 10 }, bindings } });
    await using(end, async () => undefined);
    await using(end, async () => undefined);
    const state = (await broker.api('GET', 'queues/mq/declared')) as { type: string; arguments: Record<string, unknown> };
    expect(state).toMatchObject({ type: 'quorum', durable: true, arguments: { 'x-max-length': 10 } });
    await withChannel(
      broker,
      async (channel) => channel.publish('amq.topic', 'a.b', Buffer.from('bound')) && channel.checkQueue('declared'),
    );
    await untilReady(broker, 'declared', 1);
  });

  test('never declares over a queue that differs', async () => {
    await filled('classic', 1);
    const error = await errorOf(sourceEnd(broker, 'classic', { declare }).open(never));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(error.message).toMatch(/x-queue-type/);
    expect(await countReady(broker, 'classic')).toBe(1);
  });

  test('exclusive: true keeps a second reader out', async () => {
    await makeQueues(broker, ['alone']);
    await using(sourceEnd(broker, 'alone', { exclusive: true }), async () => {
      expect(await errorOf(sourceEnd(broker, 'alone', { exclusive: true }).open(never))).toMatchObject({ code: 'FORBIDDEN' });
    });
  });

  test('an end whose queue dies with its link does not claim that messages come again', () => {
    expect(sourceEnd(broker, 'q', { declare: { ...declare, exclusive: true } }).can.redelivers).toBe('never');
    expect(sourceEnd(broker, 'q').can.redelivers).toBe('inOrder');
  });
});
