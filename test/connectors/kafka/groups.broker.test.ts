import { fork } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Message, type Source } from '../../../src/connector.ts';
import { type Broker, freePorts, until } from '../../brokers/broker.ts';
import { createTopics, startKafka } from '../../brokers/kafka.ts';
import { startProxy, type TcpProxy } from '../../faults/proxy.ts';
import { body, drain, drivers, newTopic, openSink, openSource } from './setup.ts';

let broker: Broker;
let brokers: string[];
let proxied: string[];
let proxy: TcpProxy;

beforeAll(async () => {
  const [port] = await freePorts(1);
  broker = await startKafka({ advertise: port as number });
  brokers = [`127.0.0.1:${broker.ports['plain']}`];
  proxied = [`127.0.0.1:${port}`];
  proxy = await startProxy(broker.ports['proxied'] as number, port);
});

afterAll(async () => {
  await proxy?.close();
  await broker?.dispose();
});

async function topicWith(prefix: string, partitions: number, messages: number): Promise<string> {
  const topic = newTopic(prefix);
  await createTopics(brokers, [{ name: topic, partitions }]);
  await write(topic, 0, messages);
  return topic;
}

async function write(topic: string, from: number, count: number): Promise<void> {
  const sink = await openSink(brokers, 'platformatic', topic);
  for (let at = 0; at < count; at += 500) {
    const size = Math.min(500, count - at);
    await sink.write(
      Array.from(
        { length: size },
        (_, i) => new Message({ body: Buffer.from(String(from + at + i)), key: Buffer.from(`k${from + at + i}`) }),
      ),
    );
  }
  await sink.close();
}

/** A member that reads and acks until it is stopped; keeps what it has seen. */
function member(source: Source) {
  const stop = new AbortController();
  const seen: Message[] = [];
  const reading = (async () => {
    for (;;) {
      const batch = await source.read({ messages: 100, bytes: 1_000_000 }, stop.signal);
      if (batch === null) return;
      seen.push(...batch.messages);
      batch.ack();
    }
  })();
  return {
    seen,
    async leave() {
      stop.abort();
      await reading;
      await source.close();
    },
  };
}

function partitionsOf(messages: readonly Message[]): Set<unknown> {
  return new Set(messages.map((message) => message.origin['partition']));
}

describe.each(drivers)('driver %s in a group', (driver) => {
  test('members come and go, and nothing is lost; a partition that stays is not read twice', async () => {
    const topic = await topicWith('rebalance', 6, 2000);
    const options = { groupId: `g-${topic}` };
    const first = member(await openSource(brokers, driver, topic, options));
    await until('the first has all', () => first.seen.length >= 2000);
    const second = member(await openSource(brokers, driver, topic, options));
    await write(topic, 2000, 2000);
    await until('both have read', () => new Set([...first.seen, ...second.seen].map(body)).size === 4000);
    expect(second.seen.length).toBeGreaterThan(0);
    await first.leave();
    await write(topic, 4000, 1000);
    await until('the second has the rest', () => new Set([...first.seen, ...second.seen].map(body)).size === 5000);
    expect(partitionsOf(second.seen).size).toBe(6);
    await second.leave();
    // Everything was acked before each change, so nothing had to come twice.
    expect(first.seen.length + second.seen.length).toBe(5000);
  });

  test('an ack that comes after its partition has gone to another does not move the position', async () => {
    const topic = await topicWith('stale', 2, 400);
    const options = { groupId: `g-${topic}` };
    const source = await openSource(brokers, driver, topic, options);
    const batches = [];
    for (let count = 0; count < 400; ) {
      const batch = await source.read({ messages: 400, bytes: 1_000_000 }, AbortSignal.timeout(10_000));
      if (batch === null) throw new Error('nothing came');
      batches.push(batch);
      count += batch.messages.length;
    }
    const stop = new AbortController();
    const idle = source.read({ messages: 1, bytes: 1000 }, stop.signal);
    const other = member(await openSource(brokers, driver, topic, options));
    // What the other has got is not ours any more.
    await until('the other has its share', () => other.seen.length >= 100);
    for (const batch of batches) batch.ack();
    stop.abort();
    await idle;
    await source.close();
    await write(topic, 400, 100);
    await until('the other has the new ones', () => other.seen.filter((message) => Number(body(message)) >= 400).length === 100);
    await other.leave();
  });

  test('a cut link is NOT_CONNECTED at both ends, and nothing acked or confirmed is lost over it', async () => {
    const topic = await topicWith('cut', 2, 300);
    const source = await openSource(proxied, driver, topic, { clientId: `cut-${topic}` });
    const acked = await drain(source, 200);
    const late: Message[] = [];
    const sink = await openSink(proxied, driver, topic, { deliveryTimeout: 8000 });
    const failed = expect(drain(source, 1000, { into: late })).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    proxy.refuse(true);
    proxy.cut();
    await expect(sink.write([new Message({ body: Buffer.from('lost?') })])).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await failed;
    await Promise.all([source.close(), sink.close()]);
    proxy.refuse(false);
    const again = await openSource(proxied, driver, topic, { clientId: `cut-${topic}` });
    const rest = await drain(again, 101, { quietMs: 3000 });
    await again.close();
    const seen = new Set([...acked, ...late, ...rest].map(body));
    for (let i = 0; i < 300; i++) expect(seen).toContain(String(i));
  });
});

test('a batch whose confirm was lost on the way is sent again by the default driver, and stored once', async () => {
  const topic = newTopic('repeat');
  await createTopics(brokers, [{ name: topic, partitions: 1 }]);
  const sink = await openSink(proxied, 'platformatic', topic);
  await sink.write([new Message({ body: Buffer.from('0') })]);
  proxy.hold('toClient', true);
  const writing = sink.write(Array.from({ length: 100 }, (_, i) => new Message({ body: Buffer.from(String(i + 1)) })));
  const source = await openSource(brokers, 'platformatic', topic);
  expect(await drain(source, 101)).toHaveLength(101); // the broker has them, and nobody knows
  proxy.cut();
  proxy.hold('toClient', false);
  expect(await writing).toEqual([]);
  await sink.write([new Message({ body: Buffer.from('last') })]);
  expect((await drain(source, 1)).map(body)).toEqual(['last']);
  await Promise.all([source.close(), sink.close()]);
});

test('a process that was killed takes its partitions again within seconds', async () => {
  const topic = await topicWith('killed', 4, 1000);
  const run = () =>
    fork(new URL('./member.ts', import.meta.url), [brokers[0] as string, topic], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  const victim = run();
  const first: number[] = [];
  victim.on('message', (message) => first.push(...(message as number[])));
  await until('the victim reads', () => first.length > 300, 30_000);
  victim.kill('SIGKILL');
  await new Promise((resolve) => victim.once('exit', resolve));
  const started = Date.now();
  const second: number[] = [];
  const next = run();
  next.on('message', (message) => second.push(...(message as number[])));
  await until('the heir reads', () => second.length > 0, 30_000);
  const resumedMs = Date.now() - started;
  await until('all have been read', () => new Set([...first, ...second]).size === 1000, 30_000);
  next.kill('SIGKILL');
  await new Promise((resolve) => next.once('exit', resolve));
  // The session time-out is 30 s: without the static membership nothing would come before it has passed.
  expect(resumedMs).toBeLessThan(10_000);
  expect(first.length + second.length - 1000).toBeLessThanOrEqual(200 + 200);
});
