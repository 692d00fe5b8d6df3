/** The default driver, on @platformatic/kafka 2.x: its clients, but never its stream (it is destroyed by any error that outlives its retries). */
import { Admin, Producer } from '@platformatic/kafka';
import { MqferryError } from '../../../src/connector.ts';
import { failure } from '../failures.ts';
import type { ClientOptions, Driver, Probe, Writer, WriterOptions } from '../port.ts';
import { baseOptions, closeAll } from './platformaticClient.ts';
import { openPlatformaticReader } from './platformaticReader.ts';
import { recordSender } from './platformaticWire.ts';

export const platformatic: Driver = { openWriter, openReader: openPlatformaticReader, openProbe };

async function openWriter(client: ClientOptions, options: WriterOptions): Promise<Writer> {
  const producer = new Producer<never, never, never, never>({
    ...baseOptions(client),
    idempotent: true,
    retries: 8,
    retryDelay: 250,
  });
  producer.on('error', () => {}); // every failure also rejects the call that met it
  const sendRecords = recordSender(producer, options.compression);
  const writer: Writer = {
    async partitions(topic) {
      try {
        const found = (await producer.metadata({ topics: [topic], retries: 2 })).topics.get(topic);
        if (found) return found.partitionsCount;
      } catch (error) {
        throw failure(`cannot look up topic ${topic}`, error);
      }
      throw new MqferryError('NOT_FOUND', `there is no topic "${topic}": create it, mqferry does not`);
    },
    async send(records) {
      try {
        await sendRecords(records);
      } catch (error) {
        const [first] = records;
        throw failure(`cannot write to ${first?.topic}/${first?.partition}`, error);
      }
    },
    async close() {
      await closeAll([producer]);
    },
  };
  await connected(writer, () => producer.metadata({ topics: [], forceUpdate: true, retries: 0 }), client);
  return writer;
}

async function openProbe(client: ClientOptions): Promise<Probe> {
  const admin = new Admin({ ...baseOptions(client), retries: 1, retryDelay: 250 });
  admin.on('error', () => {});
  const probe: Probe = {
    async topics() {
      return admin.listTopics();
    },
    async describe(topic) {
      try {
        const found = (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic);
        if (!found) throw new MqferryError('NOT_FOUND', `there is no topic "${topic}"`);
        const replicas = Math.min(...found.partitions.map((partition) => partition.replicas.length));
        return {
          partitions: found.partitionsCount,
          replicas,
          offline: found.partitions.filter((partition) => partition.leader < 0).length,
        };
      } catch (error) {
        throw failure(`cannot look up topic ${topic}`, error);
      }
    },
    async setting(topic, name) {
      try {
        const [found] = await admin.describeConfigs({ resources: [{ resourceType: 2, resourceName: topic, configurationKeys: [name] }] });
        return found?.configs.find((config) => config.name === name)?.value ?? undefined;
      } catch {
        return undefined; // needs a permission that writing does not
      }
    },
    async close() {
      await closeAll([admin]);
    },
  };
  await connected(probe, () => admin.metadata({ topics: [], forceUpdate: true }), client);
  return probe;
}

async function connected(end: { close(): Promise<void> }, ask: () => Promise<unknown>, client: ClientOptions): Promise<void> {
  try {
    await ask();
  } catch (error) {
    await end.close();
    throw failure(`cannot connect to Kafka at ${client.brokers.join(', ')}`, error);
  }
}
