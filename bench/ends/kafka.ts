import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { type Broker, until } from '../../test/brokers/broker.ts';
import { createTopics } from '../../test/brokers/kafka.ts';
import { body, type End, headers } from '../end.ts';

const partitions = 4;
const batch = 500;

/** Topics of four partitions. What was read stays: a new group reads the same topic again. */
export function kafkaEnd(broker: Broker): End {
  const bootstrap = [`127.0.0.1:${broker.ports['plain']}`];
  const kafka = new Kafka({ clientId: 'bench', brokers: bootstrap, logLevel: logLevel.NOTHING });
  const filled = new Map<string, number>();
  return {
    broker,
    connection: `{ kafka: { brokers: ['${bootstrap[0]}'] } }`,
    async fill(place, messages) {
      if (filled.get(place) === messages) return;
      await createTopics(bootstrap, [{ name: place, partitions }]);
      filled.set(place, messages);
      const producer = kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      for (let from = 0, turn = 0; from < messages; from += batch, turn++) {
        const size = Math.min(batch, messages - from);
        const records = Array.from({ length: size }, (_, i) => ({ partition: turn % partitions, value: body(from + i), headers }));
        await producer.send({ topic: place, acks: -1, compression: CompressionTypes.None, messages: records });
      }
      await producer.disconnect();
    },
    empty: (place) => createTopics(bootstrap, [{ name: place, partitions }]),
    async counter(place) {
      const admin = kafka.admin();
      await admin.connect();
      const sum = async () => (await admin.fetchTopicOffsets(place)).reduce((total, { high }) => total + Number(high), 0);
      // A new topic may have no leader yet for whoever is asked.
      const isCounted = () =>
        sum().then(
          () => true,
          () => false,
        );
      await until(`${place} can be counted`, isCounted);
      return { count: sum, close: () => admin.disconnect() };
    },
    source: (place, reader) => `kafka: { connection: from, topics: [${place}], groupId: ${reader} }`,
    sink: (place) => `kafka: { connection: to, topic: ${place} }`,
  };
}
