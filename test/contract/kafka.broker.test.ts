import { Producer } from '@platformatic/kafka';
import { afterAll } from 'vitest';
import { kafka as connector } from '../../connectors/kafka/index.ts';
import { freePorts } from '../brokers/broker.ts';
import { createTopics, startKafka } from '../brokers/kafka.ts';
import { startProxy } from '../faults/proxy.ts';
import { brokerContract } from './broker-contract.ts';

const [proxyPort] = (await freePorts(1)) as [number];
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

// The broker tells clients to come by this port, so both suites share the proxy.
const proxy = await startProxy(broker.ports['proxied'] as number, proxyPort);

for (const driver of ['platformatic', 'kafkajs'] as const)
  await brokerContract({
    name: `kafka (${driver})`,
    connector,
    port: broker.ports['proxied'] as number,
    proxy,
    mendsItself: true,
    connection: (port) => ({ brokers: [`127.0.0.1:${port === proxyPort ? port : broker.ports['plain']}`], driver }),
    source: (topic) => ({ topics: [topic], groupId: `group-${topic}`, sessionTimeout: 6000 }),
    sink: (topic) => ({ topic, maxRequestBytes: 1_500_000 }),
    ...(driver === 'kafkajs' && { lacksAtSink: { 'bytes and null': 'kafkajs refuses a header without a value' } }),
    prepare: (name) => createTopics(bootstrap, [{ name, configs: { 'max.message.bytes': '2000000' } }]),
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
