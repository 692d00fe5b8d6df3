/** The protocols of the mapping table, each with what its connector's own ends declare. */
import { connectors } from '../connectors/index.ts';
import type { Speaker } from '../src/envelope/fates.ts';
import { mappingPage } from '../src/envelope/mapping.ts';
import { testContext, testSettings } from '../src/testkit/index.ts';

const stomp = { destination: '/queue/q' };

/** The ways of speaking, with the settings that make the difference. */
const ways: readonly (readonly [title: string, connector: string, connection: object, source: object, sink: object])[] = [
  ['rabbitmq', 'rabbitmq', {}, { queue: 'q' }, { queue: 'q' }],
  ['kafka', 'kafka', { brokers: ['b:9092'] }, { topics: ['t'], groupId: 'g' }, { topic: 't' }],
  ['mqtt 5', 'mqtt', { url: ['mqtt://h'], version: 5 }, { topics: ['t'] }, { topic: 't' }],
  ['mqtt 3.1.1', 'mqtt', { url: ['mqtt://h'], version: '3.1.1' }, { topics: ['t'] }, { topic: 't' }],
  ['stomp', 'stomp', {}, stomp, stomp],
  ['stomp, `broker: activemq`', 'stomp', { broker: 'activemq' }, stomp, stomp],
  ['stomp, `broker: artemis`', 'stomp', { broker: 'artemis' }, stomp, stomp],
  ['stomp, `broker: rabbitmq`', 'stomp', { broker: 'rabbitmq' }, stomp, stomp],
  ['kafka, `driver: kafkajs`', 'kafka', { brokers: ['b:9092'], driver: 'kafkajs' }, { topics: ['t'], groupId: 'g' }, { topic: 't' }],
];

/** How many of them are shown on their way to one another. */
const shownInPairs = 5;

export async function mapping(): Promise<string> {
  const speakers: Speaker[] = [];
  for (const [title, name, connection, source, sink] of ways) {
    const connector = await connectors[name]?.();
    if (!connector?.source || !connector.sink) throw new Error(`${name} has not both ends`);
    const link = { connection: testSettings(connector.connection, connection as Record<string, unknown>) };
    const read = connector.source.create(
      { ...testSettings(connector.source.fields, source as Record<string, unknown>), ...link },
      testContext(),
    );
    const write = connector.sink.create(
      { ...testSettings(connector.sink.fields, sink as Record<string, unknown>), ...link },
      testContext(),
    );
    speakers.push({ title, source: read.can.carries, sink: write.can.carries });
  }
  return mappingPage(speakers, speakers.slice(0, shownInPairs), Date.now());
}
