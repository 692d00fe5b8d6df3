import { expect, test } from 'vitest';
import { artemis } from '../../brokers/artemis.ts';
import { stompSuite } from './broker-suite.ts';
import { bodies, connection, drain, openSink, openSource, take, texts } from './ends.ts';

await stompSuite({ kind: artemis, name: 'artemis', vhost: '/', refusedBy: 'priority:300\n', keptAround: ['good1', 'good2'] });

test.skipIf((await artemis.version()) === undefined)('an address without a prefix is used as it was made', async () => {
  const broker = await artemis.start();
  try {
    // An anycast address that exists; its own protocol (core, JMS) names queues so.
    await broker.artemis(
      'queue',
      'create',
      '--name',
      'orders',
      '--address',
      'orders',
      '--anycast',
      '--durable',
      '--preserve-on-no-consumers',
      '--auto-create-address',
    );
    const to = connection(broker.ports['stomp'] as number);
    const sink = await openSink(to, 'orders');
    await sink.write(texts(3));
    await sink.close();
    const first = await openSource(to, 'orders');
    await take(first, 3, false);
    await first.close();
    expect(bodies(await drain(to, 'orders'))).toEqual(bodies(texts(3)));
  } finally {
    await broker.dispose();
  }
});
