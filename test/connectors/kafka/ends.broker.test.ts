import { randomBytes } from 'node:crypto';
import { Admin } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSink, checkSource } from '../../../connectors/kafka/check.ts';
import { registerCodecs } from '../../../connectors/kafka/drivers/kafkajsCodecs.ts';
import { kafkaSink } from '../../../connectors/kafka/sink.ts';
import { Message, type Template } from '../../../src/connector.ts';
import { type Broker, until } from '../../brokers/broker.ts';
import { createTopics, kafkaUsers, startKafka } from '../../brokers/kafka.ts';
import {
  body,
  connection,
  context,
  drain,
  drivers,
  type Logged,
  never,
  newTopic,
  openSink,
  openSource,
  sinkConfig,
  sourceConfig,
} from './setup.ts';

let broker: Broker;
let brokers: string[];

beforeAll(async () => {
  broker = await startKafka();
  brokers = [`127.0.0.1:${broker.ports['plain']}`];
});

afterAll(() => broker?.dispose());

async function topicWith(prefix: string, partitions = 1, configs: Record<string, string> = {}): Promise<string> {
  const name = newTopic(prefix);
  await createTopics(brokers, [{ name, partitions, configs }]);
  return name;
}

function text(value: string, more: Partial<ConstructorParameters<typeof Message>[0]> = {}): Message {
  return new Message({ body: Buffer.from(value), ...more });
}

describe.each(drivers)('driver %s', (driver) => {
  test('carries keys, bodies, headers and times exactly', async () => {
    const topic = await topicWith('exact');
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const withNull = driver === 'kafkajs' ? [] : [text('hnull', { headers: [['a', null]] })];
    const ordered = driver === 'kafkajs' ? 'aab' : 'aba';
    const sent = [
      text('v0', { key: Buffer.from('k0') }),
      text('keyless'),
      new Message({ key: Buffer.from('tombstone'), body: null }),
      new Message({ key: Buffer.from('empty'), body: Buffer.alloc(0) }),
      text('empty key', { key: Buffer.alloc(0) }),
      new Message({ key: everyByte, body: everyByte, headers: [['bin', everyByte]] }),
      text('repeats', { headers: [...ordered].map((name, i) => [name, Buffer.from(String(i))] as const) }),
      text('names', {
        headers: [
          ['ключ', Buffer.from('знач')],
          ['', Buffer.from('z')],
          ['empty', Buffer.alloc(0)],
        ],
      }),
      text('at 0', { timestamp: 0 }),
      text('later', { timestamp: 1.7e12 }),
      new Message({ body: randomBytes(900_000), timestamp: 5e9 }),
      text('many', { headers: Array.from({ length: 1000 }, (_, i) => [`h${i}`, Buffer.from(`v${i}`)] as const) }),
      ...withNull,
    ];
    const sink = await openSink(brokers, driver, topic);
    expect(await sink.write(sent)).toEqual([]);
    await sink.close();
    const source = await openSource(brokers, driver, topic);
    const got = await drain(source, sent.length);
    await source.close();
    for (const [i, message] of sent.entries()) {
      const { body: value, key, headers, timestamp } = got[i] as Message;
      expect({ value, key, headers }).toEqual({ value: message.body, key: message.key, headers: message.headers });
      if (message.timestamp !== undefined) expect(timestamp).toBe(message.timestamp);
    }
  });

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('writes and reads %s, also what the other driver wrote', async (compression) => {
    const topic = await topicWith(compression);
    for (const writer of drivers) {
      const sink = await openSink(brokers, writer, topic, { compression });
      expect(await sink.write(Array.from({ length: 50 }, (_, i) => text(`${writer} ${i} ${'x'.repeat(200)}`)))).toEqual([]);
      await sink.close();
    }
    const source = await openSource(brokers, driver, topic);
    const got = await drain(source, 100);
    await source.close();
    expect(got.map((message) => body(message).split(' ')[1])).toEqual(Array.from({ length: 100 }, (_, i) => String(i % 50)));
  });

  test("reads snappy in the Java client's framing", async () => {
    const topic = await topicWith('xerial');
    registerCodecs();
    const { CompressionCodecs, CompressionTypes, Kafka } = kafkajs;
    const plain = CompressionCodecs[CompressionTypes.Snappy] as () => {
      compress(e: { buffer: Buffer }): Promise<Buffer>;
      decompress: unknown;
    };
    CompressionCodecs[CompressionTypes.Snappy] = () => ({
      ...plain(),
      async compress(encoder: { buffer: Buffer }) {
        const block = await plain().compress(encoder);
        const header = Buffer.concat([Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]), Buffer.alloc(4)]);
        header.writeInt32BE(block.length, 16);
        return Buffer.concat([header, block]);
      },
    });
    const producer = new Kafka({ brokers, logLevel: 0 }).producer();
    await producer.connect();
    await producer.send({ topic, compression: CompressionTypes.Snappy, messages: [{ value: 'framed' }] });
    await producer.disconnect();
    CompressionCodecs[CompressionTypes.Snappy] = plain;
    const source = await openSource(brokers, driver, topic);
    expect((await drain(source, 1)).map(body)).toEqual(['framed']);
    await source.close();
  });

  test('takes the broker time of a LogAppendTime topic', async () => {
    const topic = await topicWith('append', 1, { 'message.timestamp.type': 'LogAppendTime' });
    const before = Date.now();
    const sink = await openSink(brokers, driver, topic);
    await sink.write([text('x', { timestamp: 5 })]);
    await sink.close();
    const source = await openSource(brokers, driver, topic);
    const [message] = await drain(source, 1);
    await source.close();
    expect(message?.timestamp).toBeGreaterThanOrEqual(before - 1000);
  });

  test('hands out no record of an aborted transaction, and commits past the markers', async () => {
    const topic = await topicWith('transactions');
    const kafka = new kafkajs.Kafka({ brokers, logLevel: 0 });
    const producer = kafka.producer({ transactionalId: `tx-${topic}`, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    for (let i = 0; i < 6; i++) {
      const transaction = await producer.transaction();
      await transaction.send({
        topic,
        messages: Array.from({ length: 10 }, (_, n) => ({ value: `${i % 2 ? 'abort' : 'commit'} ${i} ${n}`, partition: 0 })),
      });
      await (i % 2 ? transaction.abort() : transaction.commit());
    }
    await producer.disconnect();
    const source = await openSource(brokers, driver, topic);
    const got = await drain(source, 60, { quietMs: 2000 });
    await source.close();
    expect(got.map(body)).toEqual([0, 2, 4].flatMap((i) => Array.from({ length: 10 }, (_, n) => `commit ${i} ${n}`)));
    const again = await openSource(brokers, driver, topic);
    expect(await drain(again, 1, { quietMs: 1500 })).toEqual([]);
    await again.close();
  });

  test('refuses what the broker will not have, and stores the neighbours', async () => {
    const topic = await topicWith('refused', 2, { 'max.message.bytes': '20000' });
    const sink = await openSink(brokers, driver, topic);
    const large = new Message({ body: randomBytes(50_000) });
    const future = text('future', { timestamp: Date.now() + 5 * 3600_000 });
    const ancient = text('ancient', { timestamp: -5 });
    const refusals = await sink.write([text('a'), large, text('b'), future, ancient, text('c')]);
    await sink.close();
    const found = new Map(refusals.map(({ message, error, retry }) => [message, `${error.code} ${retry}`]));
    expect([found.get(large), found.get(future), found.get(ancient)]).toEqual(['TOO_LARGE false', 'REFUSED false', 'UNMAPPABLE false']);
    const source = await openSource(brokers, driver, topic);
    expect((await drain(source, 3)).map(body)).toEqual(['a', 'b', 'c']);
    await source.close();
  });

  test('puts equal keys where the Java client would, in order', async () => {
    const topic = await topicWith('keys', 5);
    const sink = await openSink(brokers, driver, topic);
    const writes = Array.from({ length: 5 }, (_, w) =>
      sink.write(Array.from({ length: 20 }, (_, i) => text(`${w * 20 + i}`, { key: Buffer.from(i % 2 ? '21' : 'foobar') }))),
    );
    await Promise.all(writes);
    await sink.close();
    const source = await openSource(brokers, driver, topic);
    const got = await drain(source, 100);
    await source.close();
    const lanes = (key: string) =>
      new Set(got.filter((message) => String(message.key) === key).map((message) => message.origin['partition']));
    expect([...lanes('21')]).toEqual([1173551340 % 5]);
    expect([...lanes('foobar')]).toEqual([(-790332482 & 0x7fffffff) % 5]);
    for (const key of ['21', 'foobar']) {
      const numbers = got.filter((message) => String(message.key) === key).map((message) => Number(body(message)));
      expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
    }
  });

  test('a topic that is not there is NOT_FOUND when it is fixed, and refused when a template named it', async () => {
    await expect(openSink(brokers, driver, 'nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(openSource(brokers, driver, 'nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const topic = await topicWith('template');
    const named: Template = (message) => String(message.header('to'));
    const sink = await kafkaSink({ ...sinkConfig(brokers, driver, topic), topic: named }, context('sink-template')).open(never);
    const [good, bad, worse] = [topic, 'nowhere', 'no name'].map((to) => text(to, { headers: [['to', to]] })) as [
      Message,
      Message,
      Message,
    ];
    const refusals = await sink.write([good, bad, worse]);
    await sink.close();
    expect(refusals.map(({ message, error }) => [message, error.code])).toEqual([
      [bad, 'NOT_FOUND'],
      [worse, 'REFUSED'],
    ]);
  });

  test('delivers again what was not acked, and only that', async () => {
    const topic = await topicWith('again', 3);
    const sink = await openSink(brokers, driver, topic);
    await sink.write(Array.from({ length: 300 }, (_, i) => text(`${i}`, { key: Buffer.from(`k${i}`) })));
    await sink.close();
    const source = await openSource(brokers, driver, topic);
    const acked = await drain(source, 100);
    const open = await drain(source, 50, { ack: false });
    await source.close();
    const second = await openSource(brokers, driver, topic);
    const rest = await drain(second, 200);
    expect(await drain(second, 1, { quietMs: 700 })).toEqual([]);
    await second.close();
    expect(new Set([...acked, ...rest].map(body)).size).toBe(300);
    for (const message of open) expect(rest.map(body)).toContain(body(message));
  });

  test('a new group starts where `from` says, and keeps that place when it dies before its first commit', async () => {
    const topic = await topicWith('latest');
    const sink = await openSink(brokers, driver, topic);
    await sink.write([text('old')]);
    const source = await openSource(brokers, driver, topic, { from: 'latest' });
    await sink.write([text('new')]);
    expect((await drain(source, 1, { ack: false })).map(body)).toEqual(['new']);
    await source.close();
    await sink.write([text('newer')]);
    await sink.close();
    const second = await openSource(brokers, driver, topic, { from: 'latest' });
    expect((await drain(second, 2)).map(body)).toEqual(['new', 'newer']);
    await second.close();
  });

  // The other driver does not say how far a partition goes.
  if (driver === 'platformatic') {
    test('knows when it has read all there is, and when there is more', async () => {
      const topic = await topicWith('caught-up', 3);
      const sink = await openSink(brokers, driver, topic);
      await sink.write(Array.from({ length: 300 }, (_, i) => text(`${i}`)));
      const source = await openSource(brokers, driver, topic, { fetchBytes: 1024 });
      expect(source.isCaughtUp).toBe(false);
      await drain(source, 100);
      expect(source.isCaughtUp, 'after 100 of 300').toBe(false);
      await drain(source, 200);
      await until('it is caught up', () => source.isCaughtUp === true);
      const more = drain(source, 1);
      await sink.write([text('more')]);
      await more;
      await until('it is caught up again', () => source.isCaughtUp === true);
      await Promise.all([source.close(), sink.close()]);
    });
  }

  test('stops with a report when records at its position are gone, and goes on when told so', async () => {
    const topic = await topicWith('gap');
    const sink = await openSink(brokers, driver, topic);
    await sink.write(Array.from({ length: 20 }, (_, i) => text(`${i}`)));
    await sink.close();
    const source = await openSource(brokers, driver, topic);
    await drain(source, 5);
    await source.close();
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers });
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 12n }] }] });
    await admin.close();
    const stopped = openSource(brokers, driver, topic).then((opened) => drain(opened, 1).finally(() => opened.close()));
    await expect(stopped).rejects.toMatchObject({ code: 'SOURCE_GAP', message: expect.stringMatching(/5 to 11 .*7 at most/) });
    const logged: Logged[] = [];
    const going = await openSource(brokers, driver, topic, { onGap: 'earliest', logged });
    expect((await drain(going, 8)).map(body)).toEqual(['12', '13', '14', '15', '16', '17', '18', '19']);
    await going.close();
    expect(logged.filter(({ level }) => level === 'warn').map((line) => line.text)).toEqual([expect.stringContaining('5 to 11')]);
  });

  test('reads every topic that a pattern matches, and no other', async () => {
    const topics = [await topicWith(`pattern-${driver}.a`), await topicWith(`pattern-${driver}.b`), await topicWith(`other-${driver}`)];
    for (const topic of topics) {
      const sink = await openSink(brokers, driver, topic);
      await sink.write([text(topic)]);
      await sink.close();
    }
    const source = await openSource(brokers, driver, `p-${driver}`, { pattern: `pattern-${driver}\\..*` });
    const got = await drain(source, 3, { quietMs: 3000 });
    await source.close();
    expect(got.map(body).sort()).toEqual(topics.slice(0, 2).sort());
  });

  test('logs in by PLAIN and SCRAM, over TLS too, and says AUTH for a wrong password', async () => {
    const topic = await topicWith('login');
    const sasl = [`127.0.0.1:${broker.ports['sasl']}`];
    const open = (address: string[], more: object) => {
      const config = { ...sinkConfig(address, driver, topic), connection: connection(address, driver, more) };
      return kafkaSink(config as ReturnType<typeof sinkConfig>, context('login')).open(never);
    };
    const { plain, scram } = kafkaUsers;
    for (const more of [
      { sasl: { mechanism: 'PLAIN', ...plain } },
      { sasl: { mechanism: 'SCRAM-SHA-256', ...scram } },
      { sasl: { mechanism: 'SCRAM-SHA-512', ...scram } },
    ]) {
      const sink = await open(sasl, more);
      expect(await sink.write([text('x')])).toEqual([]);
      await sink.close();
    }
    await expect(open(sasl, { sasl: { mechanism: 'SCRAM-SHA-256', username: 'alice', password: 'wrong-secret' } })).rejects.toMatchObject({
      code: 'AUTH',
    });
    const noTls = { ca: undefined, cert: undefined, key: undefined, passphrase: undefined, servername: undefined, insecure: false };
    const tls = await open([`127.0.0.1:${broker.ports['tls']}`], { tls: { ...noTls, ca: `${broker.dir}/ca.crt` } });
    expect(await tls.write([text('x')])).toEqual([]);
    await tls.close();
    await expect(open([`127.0.0.1:${broker.ports['tls']}`], { tls: noTls })).rejects.toMatchObject({ code: 'AUTH' });
  });

  test('check finds brokers, topics and how safely they keep', async () => {
    const topic = await topicWith('check', 2);
    const there = await checkSink(sinkConfig(brokers, driver, topic), context('check'));
    expect(there.map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(there.at(-1)?.text).toContain('warning: 1 of 1');
    const missing = await checkSource(sourceConfig(brokers, driver, 'nowhere'), context('check'));
    expect(missing.map(({ ok }) => ok)).toEqual([true, false]);
    const silent = await checkSink(sinkConfig(['127.0.0.1:1'], driver, topic), context('check'));
    expect(silent.map(({ ok }) => ok)).toEqual([false]);
  });
});

test('a topic that is deleted and created again while it is read is a gap', async () => {
  const topic = await topicWith('recreated');
  const write = async (count: number) => {
    const sink = await openSink(brokers, 'platformatic', topic);
    await sink.write(Array.from({ length: count }, (_, i) => text(`${i}`)));
    await sink.close();
  };
  await write(5);
  const source = await openSource(brokers, 'platformatic', topic);
  await drain(source, 5);
  const reading = drain(source, 1, { quietMs: 20_000 });
  const outcome = expect(reading).rejects.toMatchObject({
    code: 'SOURCE_GAP',
    message: expect.stringContaining('deleted and created again'),
  });
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers });
  await admin.deleteTopics({ topics: [topic] });
  await admin.close();
  await createTopics(brokers, [{ name: topic }]);
  await outcome;
  await source.close();
});

test('a partition that a topic gets later is read from its beginning, also by a group that began at the end', async () => {
  const topic = await topicWith('grown', 2);
  const options = { from: 'latest', groupId: `g-${topic}`, clientId: `c-${topic}` } as const;
  const sink = await openSink(brokers, 'platformatic', topic);
  await sink.write(Array.from({ length: 50 }, (_, i) => text('old', { key: Buffer.from(`k${i}`) })));
  const first = await openSource(brokers, 'platformatic', topic, options);
  await first.close();
  await sink.close();
  const admin = new kafkajs.Kafka({ brokers, logLevel: 0 }).admin();
  await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
  await admin.disconnect();
  const wide = await openSink(brokers, 'platformatic', topic);
  await wide.write(Array.from({ length: 50 }, (_, i) => text('new', { key: Buffer.from(`k${i}`) })));
  await wide.close();
  const second = await openSource(brokers, 'platformatic', topic, options);
  const got = await drain(second, 50);
  await second.close();
  expect(got.map(body)).toEqual(Array.from({ length: 50 }, () => 'new'));
  expect(new Set(got.map((message) => message.origin['partition'])).size).toBe(4);
});
