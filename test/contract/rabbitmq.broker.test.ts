import amqp from 'amqplib';
import { afterAll } from 'vitest';
import { rabbitmq as connector } from '../../connectors/rabbitmq/index.ts';
import { Message, type Template } from '../../src/connector.ts';
import { makeQueues, rabbitmq, rabbitmqUser, withChannel } from '../brokers/rabbitmq.ts';
import { brokerContract } from './broker-contract.ts';

const broker = await rabbitmq.start();
const publisher = await amqp.connect(broker.url());
const channel = await publisher.createConfirmChannel();
afterAll(async () => {
  await publisher.close();
  await broker.dispose();
});

const isElsewhere = (message: Message) => message.header('to') === 'nowhere';

await brokerContract({
  name: 'rabbitmq',
  connector,
  port: broker.ports['amqp'] as number,
  connection: (port) => ({ url: [broker.url().replace(/:\d+\//, `:${port}/`)] }),
  wrongPassword: (port) => ({ url: [`amqp://${rabbitmqUser}:wrong@127.0.0.1:${port}/mq`] }),
  source: (queue) => ({ queue }),
  // One message is for a queue that is not there: the broker returns it.
  sink: (queue) => ({ queue: Object.assign((message: Message) => (isElsewhere(message) ? 'nowhere' : queue)) as Template }),
  refused: new Message({ body: Buffer.from('refused'), headers: [['to', 'nowhere']] }),
  prepare: (queue) => makeQueues(broker, [queue]),
  async publish(queue, messages) {
    for (const message of messages) channel.sendToQueue(queue, message.body ?? Buffer.alloc(0), properties(message));
    await channel.waitForConfirms();
  },
  remaining: (queue) => withChannel(broker, async (look) => (await look.checkQueue(queue)).messageCount),
});

function properties(message: Message): amqp.Options.Publish {
  const { id, correlationId, replyTo, timestamp, expiresAt, priority, contentType, contentEncoding, type, appId } = message;
  const headers = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of message.headers) headers[name] = value;
  return {
    persistent: true,
    headers,
    ...(id !== undefined && { messageId: id }),
    ...(correlationId !== undefined && { correlationId: String(correlationId) }),
    ...(replyTo !== undefined && { replyTo }),
    ...(timestamp !== undefined && { timestamp: timestamp / 1000 }),
    ...(expiresAt !== undefined && { expiration: String(expiresAt - Date.now()) }),
    ...(priority !== undefined && { priority }),
    ...(contentType !== undefined && { contentType }),
    ...(contentEncoding !== undefined && { contentEncoding }),
    ...(type !== undefined && { type }),
    ...(appId !== undefined && { appId }),
  };
}
