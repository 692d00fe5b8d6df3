import { describe, expect, test } from 'vitest';
import { endOfUrl } from '../../src/cli/endpoint-url.ts';

const amqp = (url: string) => ({ url });

describe('the URL of an endpoint', () => {
  test.each<[string, 'source' | 'sink', unknown]>([
    ['amqp://localhost?queue=q', 'source', { rabbitmq: { connection: amqp('amqp://localhost'), queue: 'q' } }],
    ['amqps://u:p@h:5671/%2F?queue=q', 'sink', { rabbitmq: { connection: amqp('amqps://u:p@h:5671/%2F'), queue: 'q' } }],
    ['amqp://u:${PW}@h/shop?queue=q', 'source', { rabbitmq: { connection: amqp('amqp://u:${PW}@h/shop'), queue: 'q' } }],
    [
      'amqp://h/shop?queue=q&declare.durable=true&declare.type=quorum&heartbeat=5s',
      'source',
      { rabbitmq: { connection: { url: 'amqp://h/shop', heartbeat: '5s' }, queue: 'q', declare: { durable: 'true', type: 'quorum' } } },
    ],
    [
      'kafka://a:9092,b:9092/orders',
      'source',
      { kafka: { connection: { brokers: 'a:9092,b:9092' }, groupId: 'mqferry-copy', topics: 'orders' } },
    ],
    ['kafka:///orders?groupId=g', 'source', { kafka: { connection: { brokers: 'localhost:9092' }, groupId: 'g', topics: 'orders' } }],
    [
      'kafka+ssl://u:p%40x@a:9093/orders?sasl.mechanism=SCRAM-SHA-512',
      'sink',
      {
        kafka: {
          connection: { brokers: 'a:9093', tls: {}, sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p@x' } },
          topic: 'orders',
        },
      },
    ],
    ['mqtt://h/sensors/+/#', 'source', { mqtt: { connection: { url: 'mqtt://h' }, topics: 'sensors/+/#' } }],
    ['mqtt://h/$share/g/a', 'source', { mqtt: { connection: { url: 'mqtt://h' }, topics: '$share/g/a' } }],
    ['mqtt://h/a?version=3.1.1&qos=0', 'sink', { mqtt: { connection: { url: 'mqtt://h', version: '3.1.1' }, topic: 'a', qos: '0' } }],
    ['stomp://h:61613/queue/a', 'sink', { stomp: { connection: { url: 'stomp://h:61613' }, destination: '/queue/a' } }],
    ['print:', 'sink', { print: {} }],
    ['generate:?count=5&body=a%26b', 'source', { generate: { count: '5', body: 'a&b' } }],
    ['local:inbox', 'sink', { local: { queue: 'inbox' } }],
  ])('%s as a %s', async (url, role, shape) => {
    expect(await endOfUrl(url, role)).toEqual(shape);
  });

  test('an unknown scheme is answered with those that are known', async () => {
    await expect(endOfUrl('nats://h', 'source')).rejects.toThrow(/nats: — known are amqp, amqps, kafka/);
  });

  test('what cannot be a sink is named', async () => {
    await expect(endOfUrl('generate:', 'sink')).rejects.toThrow('generate cannot be a sink');
  });

  test('what is no URL is answered with an example', async () => {
    await expect(endOfUrl('localhost', 'sink')).rejects.toThrow('e.g. amqp://localhost?queue=orders');
  });
});
