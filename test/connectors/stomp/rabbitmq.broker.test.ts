import { expect, test } from 'vitest';
import { makeQueues, rabbitmq } from '../../brokers/rabbitmq.ts';
import { stompSuite } from './broker-suite.ts';
import { bodies, connection, openSink, openSource, take, texts } from './ends.ts';

await stompSuite({ kind: rabbitmq, name: 'rabbitmq', vhost: 'mq', refusedBy: 'transaction:zz\n', keptAround: ['good1', 'good2'] });

test.skipIf((await rabbitmq.version()) === undefined)(
  'a queue with a single active consumer keeps its order, also beside a link that lives on',
  async () => {
    const broker = await rabbitmq.start();
    try {
      await makeQueues(broker, ['single'], { 'x-single-active-consumer': true });
      const to = connection(broker.ports['stomp'] as number, { vhost: 'mq', broker: 'rabbitmq' });
      const sink = await openSink(to, '/amq/queue/single');
      await sink.write(texts(30));
      await sink.close();
      const first = await openSource(to, '/amq/queue/single', { prefetch: 10 });
      await take(first, 10, false);
      const second = await openSource(to, '/amq/queue/single', { prefetch: 10 });
      expect(await second.read({ messages: 1, bytes: Infinity }, AbortSignal.timeout(500))).toBeNull();
      await first.close();
      expect(bodies(await take(second, 30))).toEqual(bodies(texts(30)));
      await second.close();
    } finally {
      await broker.dispose();
    }
  },
);
