import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Message } from '../../../src/connector.ts';
import { until } from '../../brokers/broker.ts';
import { createTopics, type KafkaCluster, startKafkaCluster } from '../../brokers/kafka.ts';
import { body, type DriverName, drain, drivers, newTopic, openSink, openSource } from './setup.ts';

let cluster: KafkaCluster;

beforeAll(async () => {
  cluster = await startKafkaCluster(3);
});

afterAll(() => cluster?.dispose());

async function reopen<T>(open: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (attempt > 120) throw error;
      await sleep(250);
    }
  }
}

/** Writes numbered messages until told to stop, again where a link was lost; keeps what was confirmed. */
function writer(driver: DriverName, topic: string) {
  const confirmed: number[] = [];
  let going = true;
  const running = (async () => {
    let sink = await openSink(cluster.bootstrap, driver, topic);
    for (let next = 0; going; ) {
      const numbers = Array.from({ length: 50 }, (_, i) => next + i);
      try {
        await sink.write(numbers.map((number) => new Message({ body: Buffer.from(String(number)), key: Buffer.from(`k${number}`) })));
        confirmed.push(...numbers);
        next += 50;
        await sleep(10); // a pace, so that the log stays small enough to read it back
      } catch {
        await sink.close();
        sink = await reopen(() => openSink(cluster.bootstrap, driver, topic));
      }
    }
    await sink.close();
  })();
  const stop = async () => {
    going = false;
    await running;
    return confirmed;
  };
  return { confirmed, stop };
}

/** Reads and acks until told to stop, again where a link was lost. */
function reader(driver: DriverName, topic: string) {
  const seen = new Set<number>();
  let links = 0;
  let lastError: unknown;
  const end = new AbortController();
  const open = () => openSource(cluster.bootstrap, driver, topic, { clientId: `reader-${topic}` });
  const running = (async () => {
    let source = await reopen(open);
    while (!end.signal.aborted) {
      try {
        const batch = await source.read({ messages: 500, bytes: 1_000_000 }, end.signal);
        for (const message of batch?.messages ?? []) seen.add(Number(body(message)));
        batch?.ack();
      } catch (error) {
        lastError = error;
        await source.close();
        source = await reopen(open);
        links++;
      }
    }
    await source.close();
  })();
  const stop = async () => {
    end.abort();
    await running;
  };
  return { seen, stop, state: () => `the link was lost ${links} times, at last by ${lastError}` };
}

describe.each(drivers)('driver %s on three brokers', (driver) => {
  test('loses nothing that was confirmed, and reads on, while brokers are restarted in good order', async () => {
    const topic = newTopic(`roll-${driver}`);
    await createTopics(cluster.bootstrap, [{ name: topic, partitions: 6, replicas: 3 }]);
    const writing = writer(driver, topic);
    const reading = reader(driver, topic);
    for (const broker of cluster.brokers.slice(0, 2)) {
      const before = writing.confirmed.length;
      await until('messages flow', () => writing.confirmed.length > before + 500, 60_000);
      await broker.stop();
      await broker.start();
    }
    const confirmed = await writing.stop();
    // The log itself, read afresh.
    const fresh = await openSource(cluster.bootstrap, 'platformatic', topic, { groupId: `fresh-${topic}` });
    const stored = new Set((await drain(fresh, Number.POSITIVE_INFINITY, { quietMs: 3000 })).map((message) => Number(body(message))));
    await fresh.close();
    expect(confirmed.filter((number) => !stored.has(number))).toEqual([]);
    const missing = () => confirmed.filter((number) => !reading.seen.has(number));
    await until('all has been read', () => missing().length === 0, 120_000).catch((error: Error) => {
      throw new Error(
        `${error.message}: ${missing().length} of ${confirmed.length} are missing, from ${missing()[0]} on; ${reading.state()}`,
      );
    });
    await reading.stop();
  }, 240_000);
});
