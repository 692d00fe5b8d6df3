import amqp from 'amqplib';
import { startRabbitmq, withChannel } from '../../../brokers/rabbitmq.ts';
import type { Subject } from '../subject.ts';

/** amqplib cannot send the first; to RabbitMQ the others are orders, at the source as well. */
const notHere = ['__proto__', 'CC', 'BCC'];

export async function rabbitmqSubject(): Promise<Subject> {
  const broker = await startRabbitmq();
  const port = broker.ports['amqp'] as number;
  return {
    protocol: 'rabbitmq',
    broker,
    lanes: 1,
    restartBy: 'SIGKILL',
    port,
    proxy: { port: 0, target: port },
    async prepare(name) {
      await withChannel(broker, (channel) => channel.assertQueue(name, { durable: true }));
    },
    async publisher(name) {
      const connection = await amqp.connect(broker.url());
      connection.on('error', () => {});
      const channel = await connection.createConfirmChannel();
      channel.on('error', () => {});
      return {
        publish: async (parcels) => {
          await Promise.all(
            parcels.map(
              ({ body, headers }) =>
                new Promise<void>((resolve, reject) => {
                  const own = Object.fromEntries(headers.filter(([header]) => !notHere.includes(header)));
                  channel.publish('', name, body, { persistent: true, headers: own }, (error) => (error ? reject(error) : resolve()));
                }),
            ),
          );
        },
        close: () => connection.close(),
      };
    },
    async drain(name, arrived) {
      const connection = await amqp.connect(broker.url());
      connection.on('error', () => {});
      const channel = await connection.createChannel();
      await channel.prefetch(500);
      await channel.consume(name, (message) => {
        if (!message) return;
        const { headers } = message.properties;
        arrived({
          body: message.content,
          names: Object.keys(headers ?? {}),
          header: (header) => (headers?.[header] === undefined ? undefined : String(headers[header])),
        });
        channel.ack(message);
      });
      return () => connection.close();
    },
    connection: (at, isImpatient) =>
      `{ rabbitmq: { url: '${broker.url().replace(`:${port}/`, `:${at}/`)}'${isImpatient ? ', heartbeat: 1s' : ''} } }`,
    source: (name) => `rabbitmq: { connection: from, queue: ${name} }`,
    sink: (name) => `rabbitmq: { connection: to, queue: ${name} }`,
  };
}
