import { Producer } from '@platformatic/kafka';
import { afterAll } from 'vitest';
import { kafka as connector } from '../../connectors/kafka/index.ts';
import { freePorts } from '../brokers/broker.ts';
import { createTopics, kafkaUsers, startKafka } from '../brokers/kafka.ts';
import { brokerContract } from './broker-contract.ts';

const [proxyPort, otherProxyPort] = (await freePorts(2)) as [number, number];
const broker = await startKafka({ advertise: proxyPort });
const bootstrap = [`127.0.0.1:${broker.ports['plain']}`];
const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({
  clientId: 'publisher',
  bootstrapBrokers: bootstrap,
  acks: -1,
  strict: true,
});
afterAll(async () => {
  await producer.close();
  await broker.dispose();
});
void otherProxyPort;
void kafkaUsers;

await brokerContract({
  name: 'kafka (platformatic)',
  connector,
  port: broker.ports['proxied'] as number,
  proxyPort,
  connection: (port) => ({ brokers: [`127.0.0.1:${port === proxyPort ? port : broker.ports['plain']}`] }),
  source: (topic) => ({ topics: [topic], groupId: `group-${topic}`, sessionTimeout: 6000 }),
  sink: (topic) => ({ topic }),
  prepare: (name) => createTopics(bootstrap, [{ name }]),
  async publish(topic, messages) {
    await producer.send({
      messages: messages.map(({ body, key, headers, timestamp }) => ({
        topic,
        value: body as Buffer,
        key: key as Buffer,
        headers: new Map(headers.map(([name, value]) => [Buffer.from(name), value as Buffer])),
        ...(timestamp !== undefined && { timestamp: BigInt(timestamp) }),
      })),
    });
  },
});
