import { afterAll } from 'vitest';
import { stomp as connector } from '../../connectors/stomp/index.ts';
import { artemis } from '../brokers/artemis.ts';
import { brokerContract } from './broker-contract.ts';
import { stompPublisher } from './stomp-publisher.ts';

const broker = await artemis.start();
const port = broker.ports['stomp'] as number;
const publisher = await stompPublisher(port, '/', { 'destination-type': 'ANYCAST' });
afterAll(async () => {
  publisher.close();
  await broker.dispose();
});

await brokerContract({
  name: 'stomp (artemis)',
  connector,
  port,
  connection: (to) => ({ url: [`stomp://mq:mq-pass@127.0.0.1:${to}`], broker: 'artemis' }),
  wrongPassword: (to) => ({ url: [`stomp://mq:wrong@127.0.0.1:${to}`], broker: 'artemis' }),
  source: (queue) => ({ destination: `/queue/${queue}` }),
  sink: (queue) => ({ destination: `/queue/${queue}` }),
  publish: (queue, messages) => publisher.publish(`/queue/${queue}`, messages),
  values: { replyTo: '/queue/answers' },
});
