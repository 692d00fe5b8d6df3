import { CompressionTypes, type IHeaders, Kafka, logLevel } from 'kafkajs';
import { freePorts } from '../../../brokers/broker.ts';
import { createTopics, startKafka } from '../../../brokers/kafka.ts';
import type { Subject } from '../subject.ts';

const partitions = 2;

export async function kafkaSubject(): Promise<Subject> {
  const [proxyPort] = (await freePorts(1)) as [number];
  const broker = await startKafka({ advertise: proxyPort });
  const bootstrap = [`127.0.0.1:${broker.ports['plain']}`];
  const kafka = new Kafka({
    clientId: 'faults',
    brokers: bootstrap,
    logLevel: logLevel.NOTHING,
    requestTimeout: 5000,
  });
  return {
    protocol: 'kafka',
    broker,
    lanes: partitions,
    restartBy: 'SIGKILL',
    port: broker.ports['plain'] as number,
    proxy: { port: proxyPort, target: broker.ports['proxied'] as number },
    prepare: (name) => createTopics(bootstrap, [{ name, partitions, configs: { 'max.message.bytes': '4194304' } }]),
    async publisher(name) {
      const producer = kafka.producer({
        allowAutoTopicCreation: false,
        // The ledger counts what is sent again, so nobody else may.
        retry: { retries: 0 },
      });
      await producer.connect();
      return {
        async publish(parcels) {
          // One partition a send: with several, kafkajs 2.2.4 can resolve without having sent.
          for (let partition = 0; partition < partitions; partition++) {
            const own = parcels.filter(({ n }) => n % partitions === partition);
            const messages = own.map(({ body, headers }) => ({ partition, value: body, headers: headersOf(headers) }));
            if (messages.length > 0) await producer.send({ topic: name, acks: -1, compression: CompressionTypes.None, messages });
          }
        },
        close: () => producer.disconnect(),
      };
    },
    async drain(name, arrived) {
      const consumer = kafka.consumer({ groupId: `drain-${name}`, allowAutoTopicCreation: false });
      await consumer.connect();
      await consumer.subscribe({ topics: [name], fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message }) => {
          const { headers } = message;
          const header = (wanted: string) => {
            const value = headers && Object.hasOwn(headers, wanted) ? headers[wanted] : undefined;
            return Buffer.isBuffer(value) ? value.toString() : undefined;
          };
          arrived({ body: message.value ?? Buffer.alloc(0), names: Object.keys(headers ?? {}), header });
        },
      });
      return () => consumer.disconnect();
    },
    connection: (at, isImpatient) => `{ kafka: { brokers: ['127.0.0.1:${at}']${isImpatient ? ', requestTimeout: 4s' : ''} } }`,
    source: (name) => `kafka: { connection: from, topics: [${name}], groupId: group-${name}, sessionTimeout: 6s }`,
    sink: (name) => `kafka: { connection: to, topic: ${name}, maxRequestBytes: 3MiB }`,
  };
}

function headersOf(headers: readonly (readonly [string, string])[]): IHeaders {
  // kafkajs reads headers by Object.entries: a name like __proto__ must be an own property.
  const own: IHeaders = {};
  for (const [name, value] of headers) Object.defineProperty(own, name, { value: Buffer.from(value), enumerable: true });
  return own;
}
