import { afterAll } from 'vitest';
import { stomp as connector } from '../../connectors/stomp/index.ts';
import { activemq } from '../brokers/activemq.ts';
import { brokerContract } from './broker-contract.ts';
import { stompPublisher } from './stomp-publisher.ts';

const broker = await activemq.start();
const port = broker.ports['stomp'] as number;
const publisher = await stompPublisher(port);
afterAll(async () => {
  publisher.close();
  await broker.dispose();
});

await brokerContract({
  name: 'stomp (activemq)',
  connector,
  port,
  connection: (to) => ({ url: [`stomp://mq:mq-pass@127.0.0.1:${to}`], broker: 'activemq' }),
  wrongPassword: (to) => ({ url: [`stomp://mq:wrong@127.0.0.1:${to}`], broker: 'activemq' }),
  source: (queue) => ({ destination: `/queue/${queue}` }),
  sink: (queue) => ({ destination: `/queue/${queue}` }),
  publish: (queue, messages) => publisher.publish(`/queue/${queue}`, messages),
  values: { replyTo: '/queue/answers' },
  lacksAtSink: { group: 'ActiveMQ obeys the group, and does not deliver it' },
});
