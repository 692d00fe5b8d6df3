/** The second driver, on kafkajs 2.2.4, for brokers that the first does not get along with. Its limits are in the README. */
import library, { type Admin, type IHeaders, type Message as KafkajsMessage } from 'kafkajs';
import { MqferryError } from '../../../src/connector.ts';
import { failure } from '../failures.ts';
import type { ClientOptions, Driver, OutRecord, Probe, Writer, WriterOptions } from '../port.ts';
import { kafkaOf, limited } from './kafkajsClient.ts';
import { compressionTypes } from './kafkajsCodecs.ts';
import { openKafkajsReader } from './kafkajsReader.ts';

const { ConfigResourceTypes, Partitioners } = library;

export const kafkajs: Driver = { openWriter, openReader: openKafkajsReader, openProbe };

const metadataMaxAgeMs = 5000;

async function openWriter(client: ClientOptions, options: WriterOptions): Promise<Writer> {
  const kafka = kafkaOf(client);
  const admin = kafka.admin();
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    metadataMaxAge: metadataMaxAgeMs,
    retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 2000 },
  });
  const close = () => limited([producer.disconnect(), admin.disconnect()]);
  try {
    await Promise.all([producer.connect(), admin.connect()]);
  } catch (error) {
    await close();
    throw failure(`cannot connect to Kafka at ${client.brokers.join(', ')}`, error);
  }
  const counts = new Map<string, { readonly partitions: number; readonly at: number }>();
  return {
    async partitions(topic) {
      const known = counts.get(topic);
      if (known && Date.now() - known.at < metadataMaxAgeMs) return known.partitions;
      const { partitions } = await describe(admin, topic);
      counts.set(topic, { partitions, at: Date.now() });
      return partitions;
    },
    async send(records) {
      const [first] = records;
      if (!first) return;
      try {
        // One partition per call: with more, a partition whose leader moves during a repeat is never sent, and yet confirmed (issue 1303).
        await producer.send({
          topic: first.topic,
          acks: -1,
          compression: compressionTypes[options.compression],
          messages: records.map(outgoing),
        });
      } catch (error) {
        throw failure(`cannot write to ${first.topic}/${first.partition}`, error);
      }
    },
    close,
  };
}

function outgoing(record: OutRecord): KafkajsMessage {
  const { key, value, partition, timestamp } = record;
  return {
    key,
    value,
    partition,
    headers: outgoingHeaders(record.headers),
    ...(timestamp !== undefined && { timestamp: String(timestamp) }),
  };
}

function outgoingHeaders(headers: OutRecord['headers']): IHeaders {
  const object = Object.create(null) as Record<string, (Buffer | string)[]>;
  for (const [name, value] of headers) {
    if (value === null) throw new MqferryError('REFUSED', `driver kafkajs cannot write the header "${name}" without a value (null)`);
    (object[name] ??= []).push(value);
  }
  return object;
}

async function describe(admin: Admin, topic: string): Promise<{ partitions: number; replicas: number; offline: number }> {
  try {
    const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
    const partitions = found?.partitions ?? [];
    const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
    return { partitions: partitions.length, replicas, offline: partitions.filter((partition) => partition.leader < 0).length };
  } catch (error) {
    throw failure(`cannot look up topic ${topic}`, error);
  }
}

async function openProbe(client: ClientOptions): Promise<Probe> {
  const admin = kafkaOf(client).admin();
  try {
    await admin.connect();
  } catch (error) {
    await limited([admin.disconnect()]);
    throw failure(`cannot connect to Kafka at ${client.brokers.join(', ')}`, error);
  }
  return {
    topics: () => admin.listTopics(),
    describe: (topic) => describe(admin, topic),
    async setting(topic, name) {
      try {
        const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }];
        const [found] = (await admin.describeConfigs({ resources, includeSynonyms: false })).resources;
        return found?.configEntries.find((entry) => entry.configName === name)?.configValue;
      } catch {
        return undefined; // needs a permission that writing does not
      }
    },
    close: () => limited([admin.disconnect()]),
  };
}
