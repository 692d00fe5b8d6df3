/** RabbitMQ's MQTT plugin, which speaks 3.1.1: what becomes of order there. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePublishes } from '../../../connectors/mqtt/encode.ts';
import { mqttSource } from '../../../connectors/mqtt/source.ts';
import { Message, type Sink } from '../../../src/connector.ts';
import { until } from '../../brokers/broker.ts';
import { drain, type RabbitmqBroker, startRabbitmq, withChannel } from '../../brokers/rabbitmq.ts';
import { client, context, never, openSink, publish, readBatches, sourceConfig, take, texts, toClose, wide } from './ends.ts';
import { spyOn } from './spy.ts';

const connection = { version: '3.1.1' } as const;
const largest = 100_000;
let broker: RabbitmqBroker;
let port: number;
beforeAll(async () => {
  broker = await startRabbitmq({ conf: () => [`max_message_size = ${largest}`] });
  port = broker.ports['mqtt'] as number;
});
afterAll(() => broker?.dispose());

const messages = (...bodies: (string | Buffer)[]) => bodies.map((body) => new Message({ body: Buffer.from(body) }));
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

/** A queue that gets what is published to the topic of its name. */
function bindQueue(name: string, args: Record<string, unknown> = {}): Promise<void> {
  return withChannel(broker, async (channel) => {
    await channel.assertQueue(name, { durable: true, arguments: args });
    await channel.bindQueue(name, 'amq.topic', name);
  });
}

async function contents(queue: string): Promise<string[]> {
  return (await drain(broker, queue)).map(({ content }) => String(content));
}

function open(topic: string, confirmTimeout = 30_000): Promise<Sink> {
  return openSink(port, `sink-${topic}`, { topic, connection, confirmTimeout });
}

describe('a message that RabbitMQ does not take', () => {
  test('for its size: it falls silent; what came before it is taken, nothing that came after it', async () => {
    await bindQueue('size');
    const write = (await open('size', 1000)).write(messages('1', '2', Buffer.alloc(largest + 1), '3', '4'));
    await expect(write).rejects.toMatchObject({ code: 'NOT_CONNECTED', message: expect.stringContaining('confirmed nothing') });
    expect(await (await open('size')).write(messages('5'))).toEqual([]);
    expect(await contents('size')).toEqual(['1', '2', '5']);
  });

  test('for its topic, which is forbidden: it hangs up, and takes nothing that came after it', async () => {
    await bindQueue('allowed');
    await broker.api('PUT', 'topic-permissions/mq/mq', { exchange: 'amq.topic', write: '^allowed$', read: '.*' });
    const raw = await client(port, { protocolVersion: 4 });
    const closed = new Promise<void>((resolve) => raw.once('close', () => resolve()));
    raw.stream.write(encodePublishes(['allowed', 'forbidden', 'allowed', 'allowed'].map((topic, i) => publish(topic, String(i), i + 1))));
    await closed;
    expect(await (await open('allowed')).write(messages('last'))).toEqual([]);
    await broker.api('DELETE', 'topic-permissions/mq/mq');
    expect(await contents('allowed')).toEqual(['0', 'last']);
  });

  // The queue says no to the plugin, which hangs up; meanwhile there is room again, and what was on its way is taken.
  test('for a full queue: it hangs up, but may take what came after it, which is why keepsOrder is none', async () => {
    await bindQueue('full', { 'x-max-length': 20, 'x-overflow': 'reject-publish' });
    const seen: number[] = [];
    await withChannel(broker, async (channel) => {
      await channel.consume('full', (message) => void seen.push(Number(message?.content)), { noAck: true });
      await until('a message was taken after one that was not', async () => {
        seen.length = 0;
        await (await open('full')).write(messages(...numbers(5000))).catch(() => []);
        return seen.some((number, i) => i > 0 && number !== (seen[i - 1] as number) + 1);
      });
    });
  });
});

test.each(['a/#', 'a/+', 'a/\u0001', ''])('a topic like %j, which nobody has validated, is taken as any other', async (topic) => {
  await bindQueue('around');
  const raw = await client(port, { protocolVersion: 4 });
  let pubacks = 0;
  raw.on('packetreceive', ({ cmd }) => (pubacks += cmd === 'puback' ? 1 : 0));
  raw.stream.write(encodePublishes(['around', topic, 'around'].map((name, i) => publish(name, String(i), i + 1))));
  await until('all are confirmed', () => pubacks === 3);
  expect(await contents('around')).toEqual(['0', '2']);
});

test('one message at a time arrives in order at a full queue that rejects, over all the hanging up', async () => {
  await bindQueue('narrow', { 'x-max-length': 1, 'x-overflow': 'reject-publish' });
  const first: string[] = [];
  let sink: Sink | undefined;
  for (const body of numbers(20)) {
    for (;;) {
      sink ??= await open('narrow');
      const isTaken = await sink.write(messages(body)).then(
        () => true,
        () => false,
      );
      if (isTaken) break;
      await sink.close();
      sink = undefined;
      for (const content of await contents('narrow')) if (!first.includes(content)) first.push(content);
    }
  }
  for (const content of await contents('narrow')) if (!first.includes(content)) first.push(content);
  expect(first).toEqual(numbers(20));
});

test('a source gets again, in order, what it had not acked when its link was cut', async () => {
  const proxy = await spyOn(port);
  const end = mqttSource(sourceConfig(proxy.port, { topics: ['again'], connection }), context('again'));
  const source = toClose(await end.open(never));
  const publisher = await client(port, { protocolVersion: 4 });
  for (const body of numbers(50)) await publisher.publishAsync('again', body, { qos: 1 });
  for (const batch of await readBatches(source, 5, { ...wide, messages: 5 })) batch.ack();
  await readBatches(source, 5, { ...wide, messages: 5 });
  await until('the acks are at the broker', () => proxy.pubacks.length === 5);
  proxy.cut();
  await source.close();
  const again = texts(await take(toClose(await end.open(never)), 45));
  expect(again).toEqual(numbers(50).slice(50 - again.length));
  expect(again.length).toBeGreaterThanOrEqual(45);
  proxy.close();
});
