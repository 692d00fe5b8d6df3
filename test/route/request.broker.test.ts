/** Questions and answers across brokers: clients of RabbitMQ ask a service at mosquitto, and the other way round. */
import { randomBytes } from 'node:crypto';
import amqp, { type Channel, type ChannelModel } from 'amqplib';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createEngine } from '../../src/index.ts';
import { type Broker, until } from '../brokers/broker.ts';
import { mosquittoLogin, startMosquitto } from '../brokers/mosquitto.ts';
import { type RabbitmqBroker, startRabbitmq } from '../brokers/rabbitmq.ts';
import { folder } from '../cli/mqferry.ts';

let rabbit: RabbitmqBroker;
let mosquitto: Broker;
let connection: ChannelModel;
beforeAll(async () => {
  [rabbit, mosquitto] = await Promise.all([startRabbitmq(), startMosquitto()]);
  connection = await amqp.connect(rabbit.url());
});
afterAll(async () => {
  await connection?.close();
  await Promise.all([rabbit?.dispose(), mosquitto?.dispose()]);
});

const mqttUrl = () => `mqtt://127.0.0.1:${mosquitto.ports['tcp']}`;

async function channelWith(...queues: string[]): Promise<Channel> {
  const channel = await connection.createChannel();
  onTestFinished(() => channel.close());
  for (const queue of queues) await channel.assertQueue(queue, { durable: true });
  return channel;
}

async function mqttClient(): Promise<MqttClient> {
  const client = await connectAsync(mqttUrl(), { ...mosquittoLogin, protocolVersion: 5 });
  onTestFinished(() => client.endAsync());
  return client;
}

async function running(routes: string): Promise<void> {
  const { username, password } = mosquittoLogin;
  const text = `
connections:
  rabbit: { rabbitmq: { url: '${rabbit.url()}' } }
  mosquitto: { mqtt: { url: '${mqttUrl()}', username: ${username}, password: ${password} } }
routes:${routes}`;
  const mqferry = await createEngine({ routes: { texts: [{ name: 'r.yaml', text }] }, dataDir: folder() });
  onTestFinished(() => void mqferry.stop());
  await mqferry.start();
  await until('all links are open', () => mqferry.engine.routes.every(({ run }) => run?.links.every(({ state }) => state === 'open')));
}

test('a client of RabbitMQ, by direct reply-to, is answered by a service at mosquitto', { timeout: 120_000 }, async () => {
  const channel = await channelWith('rpc.asked', 'rpc.dead');
  await running(`
  requests:
    source: { rabbitmq: { connection: rabbit, queue: rpc.asked } }
    steps: [{ request: { calls: c, replyTo: rpc/answers, timeout: 3s } }]
    sink: { mqtt: { connection: mosquitto, topic: rpc/service } }
  replies:
    source: { mqtt: { connection: mosquitto, topics: rpc/answers } }
    steps: [{ reply: { calls: c } }]
    sink: { rabbitmq: { connection: rabbit, queue: '\${{ replyTo }}' } }
    onError: { deadLetter: { rabbitmq: { connection: rabbit, queue: rpc.dead } } }`);
  const service = await mqttClient();
  service.on('message', (_topic, payload, { properties }) => {
    if (String(payload) === 'silence') return;
    const correlationData = properties?.correlationData as Buffer;
    void service.publishAsync(properties?.responseTopic as string, `${payload}!`, { qos: 1, properties: { correlationData } });
  });
  await service.subscribeAsync('rpc/service', { qos: 1 });

  const answers: (readonly [string, unknown, unknown])[] = [];
  await channel.consume(
    'amq.rabbitmq.reply-to',
    (message) => message && answers.push([String(message.content), message.properties.correlationId, message.properties.replyTo]),
    { noAck: true },
  );
  const ask = (body: string) =>
    channel.sendToQueue('rpc.asked', Buffer.from(body), { replyTo: 'amq.rabbitmq.reply-to', correlationId: `of ${body}` });
  for (let n = 0; n < 200; n++) ask(`${n}`);
  await until('all are answered', () => answers.length >= 200);
  expect(answers.toSorted()).toEqual(Array.from({ length: 200 }, (_, n) => [`${n}!`, `of ${n}`, undefined]).toSorted());

  answers.length = 0;
  ask('silence');
  await until('who asked is told that none came', () => answers.length === 1, 10_000);
  expect(answers).toEqual([['{"error":"timeout"}', 'of silence', undefined]]);

  // Who asked by a queue that is gone when the answer comes: nobody can have it, and it is not lost.
  channel.sendToQueue('rpc.asked', Buffer.from('silence'), { replyTo: 'rpc.gone', correlationId: 'x' });
  await until('the answer is dead', async () => (await channel.checkQueue('rpc.dead')).messageCount === 1, 20_000);
  expect(answers).toHaveLength(1);
});

test('a client of mosquitto is answered by a service at RabbitMQ', { timeout: 120_000 }, async () => {
  const channel = await channelWith('svc.asked', 'svc.answers');
  await running(`
  requests:
    source: { mqtt: { connection: mosquitto, topics: svc/asked } }
    steps: [{ request: { calls: c, replyTo: svc.answers } }]
    sink: { rabbitmq: { connection: rabbit, queue: svc.asked } }
  replies:
    source: { rabbitmq: { connection: rabbit, queue: svc.answers } }
    steps: [{ reply: { calls: c } }]
    sink: { mqtt: { connection: mosquitto, topic: '\${{ replyTo }}' } }`);
  await channel.consume('svc.asked', (message) => {
    if (!message) return;
    const { replyTo, correlationId } = message.properties;
    channel.sendToQueue(replyTo as string, Buffer.from(`${message.content}!`), { correlationId: correlationId as string });
    channel.ack(message);
  });
  const client = await mqttClient();
  const answers: (readonly [string, string | undefined])[] = [];
  client.on('message', (_topic, payload, { properties }) => answers.push([String(payload), properties?.correlationData?.toString('hex')]));
  await client.subscribeAsync('clients/7', { qos: 1 });
  const correlationData = randomBytes(300); // longer than an AMQP correlation-id may be
  await client.publishAsync('svc/asked', 'q', { qos: 1, properties: { responseTopic: 'clients/7', correlationData } });
  await until('it is answered', () => answers.length > 0);
  expect(answers).toEqual([['q!', correlationData.toString('hex')]]);
});
