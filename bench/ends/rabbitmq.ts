import amqp from 'amqplib';
import { makeQueues, type RabbitmqBroker, withChannel } from '../../test/brokers/rabbitmq.ts';
import { body, type Counter, type End, headers } from '../end.ts';

const confirmEvery = 1000;

/** Durable classic queues, read and written by AMQP 0-9-1; with `stomp` the source is read by the broker's STOMP plugin. */
export function rabbitmqEnd(broker: RabbitmqBroker, protocol: 'amqp' | 'stomp' = 'amqp'): End {
  const [login, password] = ['mq', 'mq-pass'];
  return {
    broker,
    connection:
      protocol === 'amqp'
        ? `{ rabbitmq: { url: '${broker.url()}' } }`
        : `{ stomp: { url: 'stomp://127.0.0.1:${broker.ports['stomp']}', username: ${login}, password: ${password}, vhost: mq } }`,
    fill: (place, messages) => fill(broker, place, messages),
    async empty(place) {
      await makeQueues(broker, [place]);
      await withChannel(broker, (channel) => channel.purgeQueue(place));
    },
    counter: (place) => counter(broker, place),
    source: (place) =>
      protocol === 'amqp'
        ? `rabbitmq: { connection: from, queue: ${place} }`
        : `stomp: { connection: from, destination: /amq/queue/${place} }`,
    sink: (place) => (protocol === 'amqp' ? `rabbitmq: { connection: to, queue: ${place} }` : ''),
  };
}

async function fill(broker: RabbitmqBroker, place: string, messages: number): Promise<void> {
  await makeQueues(broker, [place]);
  const connection = await amqp.connect(broker.url(), { noDelay: true });
  const channel = await connection.createConfirmChannel();
  await channel.purgeQueue(place);
  for (let n = 0; n < messages; n++) {
    channel.sendToQueue(place, body(n), { persistent: true, headers });
    if (n % confirmEvery === 0) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
  await connection.close();
}

async function counter(broker: RabbitmqBroker, place: string): Promise<Counter> {
  const connection = await amqp.connect(broker.url(), { noDelay: true });
  const channel = await connection.createChannel();
  return {
    count: async () => (await channel.checkQueue(place)).messageCount,
    close: () => connection.close(),
  };
}
