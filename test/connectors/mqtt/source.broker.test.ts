import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mqttSource } from '../../../connectors/mqtt/source.ts';
import { Message } from '../../../src/connector.ts';
import { type Broker, until } from '../../brokers/broker.ts';
import { mosquitto, mosquittoCa } from '../../brokers/mosquitto.ts';
import { client, context, messagesOf, never, openSink, openSource, readBatches, sourceConfig, take, texts, toClose, wide } from './ends.ts';
import { spyOn } from './spy.ts';

let broker: Broker;
let port: number;
beforeAll(async () => {
  broker = await mosquitto.start();
  port = broker.ports['tcp'] as number;
});
afterAll(() => broker.dispose());

/** Numbered messages, confirmed by the broker. */
async function publish(topic: string, from: number, to: number, body = (i: number) => String(i)): Promise<void> {
  const sink = await openSink(port, `publisher-${topic}`, { topic });
  const messages = Array.from({ length: to - from }, (_, i) => new Message({ body: Buffer.from(body(from + i)) }));
  expect(await sink.write(messages)).toEqual([]);
  await sink.close();
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i));
}

describe('session', () => {
  test('delivers again, in order, what was not acked before it was closed, and not what was', async () => {
    const source = await openSource(port, 'again', { topics: ['again'] });
    await publish('again', 0, 10);
    const [first, ...rest] = await readBatches(source, 10, { messages: 4, bytes: 1e6 });
    expect(rest.length).toBeGreaterThan(0);
    first?.ack();
    await source.close();
    const acked = first?.messages.length ?? 0;

    const next = await openSource(port, 'again', { topics: ['again'] });
    const messages = await take(next, 10 - acked);
    expect(texts(messages)).toEqual(numbers(acked, 10));
    expect(messages.every((message) => message.origin['redelivered'])).toBe(true);
  });

  test('holds what is published while nobody is there, and hands it over from the first packet on', async () => {
    await (await openSource(port, 'gap', { topics: ['gap'] })).close();
    await publish('gap', 0, 3000);
    const source = await openSource(port, 'gap', { topics: ['gap'] });
    expect(texts(await take(source, 3000))).toEqual(numbers(0, 3000));
  });

  test('opens although more waits than the window takes', async () => {
    await (await openSource(port, 'crowded', { topics: ['crowded'] })).close();
    await publish('crowded', 0, 500);
    const source = await openSource(port, 'crowded', { topics: ['crowded'] }, { messages: 3, bytes: 1e6 });
    expect(texts(await take(source, 500))).toEqual(numbers(0, 500));
  });

  test('survives a restart of the broker in mid-flow without a loss', async () => {
    const end = mqttSource(sourceConfig(port, { topics: ['restart'] }), context('restart'));
    const source = toClose(await end.open(never));
    await publish('restart', 0, 2000);
    const seen = new Set<string>();
    for (const message of await take(source, 300)) seen.add(String(message.body));
    await broker.stop();
    await expect(take(source, 5000)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await broker.start();
    const next = toClose(await end.open(never));
    while (seen.size < 2000) for (const message of await take(next, 1)) seen.add(String(message.body));
    expect(seen).toEqual(new Set(numbers(0, 2000)));
  });

  test('subscribes at every start to what its filters are now, although the session is there (MQTT 3.1.1)', async () => {
    const connection = { version: '3.1.1' } as const;
    await (await openSource(port, 'more', { topics: ['more/1'], connection })).close();
    await publish('more/1', 0, 100);
    const changes = { topics: ['more/1', 'more/2'], connection };
    const source = await openSource(port, 'more', changes, { messages: 3, bytes: 1e6 });
    await publish('more/2', 100, 101);
    expect(new Set(texts(await take(source, 101)))).toEqual(new Set(numbers(0, 101)));
  });

  test('says so when the broker has lost the session', async () => {
    const ears = context('forgotten');
    const end = mqttSource(sourceConfig(port, { topics: ['forgotten'] }), ears);
    await (await end.open(never)).close();
    expect(ears.lines).toEqual([]);
    await (await client(port, { clientId: 'forgotten', clean: true, properties: { sessionExpiryInterval: 0 } })).endAsync();
    const source = toClose(await end.open(never));
    expect(ears.lines).toMatchObject([{ level: 'warn', fields: { code: 'SESSION_LOST' } }]);
    await publish('forgotten', 0, 5);
    expect(texts(await take(source, 5))).toEqual(numbers(0, 5)); // subscribed anew
  });
});

describe('acknowledgement', () => {
  test('sends every PUBACK once, in the order of arrival', async () => {
    const proxy = await spyOn(port);
    const source = await openSource(proxy.port, 'order', { topics: ['order'] });
    const received: number[] = [];
    await publish('order', 0, 200);
    const batches = await readBatches(source, 200, { messages: 7, bytes: 1e6 });
    for (const { messages } of batches) received.push(...messages.map((message) => Number(message.body)));
    expect(proxy.pubacks).toEqual([]);
    for (const batch of batches) batch.ack();
    await until('all are acked', () => proxy.pubacks.length === 200);
    // The ids are counted up by the broker in the order in which it sends.
    expect(proxy.pubacks).toEqual(numbers(1, 201).map(Number));
    expect(received).toEqual(numbers(0, 200).map(Number));
    proxy.close();
  });

  test('never takes more than the window, although the broker goes beyond it', async () => {
    const source = await openSource(port, 'window', { topics: ['window'], connection: { version: '3.1.1' } }, { messages: 20, bytes: 1e6 });
    await publish('window', 0, 5000);
    const batches = await readBatches(source, 20);
    expect(messagesOf(batches)).toHaveLength(20);
    const more = source.read(wide, AbortSignal.timeout(300));
    expect(await more).toBeNull();
    for (const batch of batches) batch.ack();
    expect(texts(await take(source, 4980))).toEqual(numbers(20, 5000));
  });

  test('never takes many more bytes than the window', async () => {
    const source = await openSource(port, 'heavy', { topics: ['heavy'] }, { messages: 1000, bytes: 300_000 });
    await publish('heavy', 0, 10, (i) => `${i}${'x'.repeat(100_000)}`);
    const batches = await readBatches(source, 3);
    expect(await source.read(wide, AbortSignal.timeout(300))).toBeNull();
    for (const batch of batches) batch.ack();
    expect((await take(source, 7)).map((message) => String(message.body)[0])).toEqual(numbers(3, 10));
  });

  test('is void when the link is gone', async () => {
    const proxy = await spyOn(port);
    const end = mqttSource(sourceConfig(proxy.port, { topics: ['void'] }), context('void'));
    const source = toClose(await end.open(never));
    await publish('void', 0, 3);
    const batches = await readBatches(source, 3);
    proxy.cut();
    await expect(source.read(wide, never)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    const next = toClose(await end.open(never));
    for (const batch of batches) batch.ack();
    expect(texts(await take(next, 3))).toEqual(numbers(0, 3));
    proxy.close();
  });

  test('keeps the link alive while the full window keeps it from reading', async () => {
    const source = await openSource(port, 'alive', { topics: ['alive'], connection: { keepalive: 1000 } }, { messages: 2, bytes: 1e6 });
    await publish('alive', 0, 10);
    const batches = await readBatches(source, 2);
    // Longer than the one and a half keepalives after which either side would hang up.
    expect(await source.read(wide, AbortSignal.timeout(4000))).toBeNull();
    for (const batch of batches) batch.ack();
    expect(texts(await take(source, 8))).toEqual(numbers(2, 10));
  });

  test('loses nothing of 20,000 messages over ten cut links', async () => {
    const proxy = await spyOn(port);
    const end = mqttSource(sourceConfig(proxy.port, { topics: ['cuts'] }), context('cuts', { messages: 500, bytes: 1e7 }));
    await (await end.open(never)).close();
    await publish('cuts', 0, 20_000);
    const seen = new Set<string>();
    for (let cuts = 0; seen.size < 20_000; cuts++) {
      const source = toClose(await end.open(never));
      for (let read = 0; seen.size < 20_000 && (read < 2500 || cuts >= 10); ) {
        const batch = await source.read(wide, never);
        for (const text of texts(batch?.messages ?? [])) seen.add(text);
        read += batch?.messages.length ?? 0;
        await setImmediate(); // a sink takes at least this long
        batch?.ack();
      }
      proxy.cut();
      await source.close();
    }
    // No word on copies: mosquitto 2.0.11 sends far beyond the Receive Maximum, and what it has not heard of when the link is cut comes again.
    expect(seen).toEqual(new Set(numbers(0, 20_000)));
    proxy.close();
  });

  test('notices a dead link although the full window keeps it from reading', async () => {
    const proxy = await spyOn(port);
    const changes = { topics: ['dead'], connection: { keepalive: 1000 } };
    const source = await openSource(proxy.port, 'dead', changes, { messages: 2, bytes: 1e6 });
    await publish('dead', 0, 10);
    await readBatches(source, 2);
    proxy.cut();
    await expect(source.read(wide, never)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    proxy.close();
  });
});

describe('retained messages', () => {
  test('are taken once per subscription with MQTT 5, not at every reconnect', async () => {
    await (await client(port)).publishAsync('kept/5', 'old', { qos: 1, retain: true });
    const end = mqttSource(sourceConfig(port, { topics: ['kept/5'] }), context('kept5'));
    const source = toClose(await end.open(never));
    const [message] = await take(source, 1);
    expect(message?.origin).toMatchObject({ retained: true, topic: 'kept/5', qos: 1 });
    await source.close();
    const next = toClose(await end.open(never));
    await publish('kept/5', 0, 1);
    expect(texts(await take(next, 1))).toEqual(['0']);
  });

  test.each([5, '3.1.1'] as const)('are skipped when the config says so, and leave no hole in the acks (MQTT %s)', async (version) => {
    const topic = `skip/${version}`;
    const other = await client(port);
    for (const name of ['a', 'b', 'c']) await other.publishAsync(`${topic}/${name}`, 'old', { qos: 1, retain: true });
    const changes = { topics: [`${topic}/#`], retained: 'skip', connection: { version } } as const;
    const source = await openSource(port, `skip${version}`, changes, { messages: 2, bytes: 1e6 });
    await publish(`${topic}/a`, 0, 20);
    expect(texts(await take(source, 20))).toEqual(numbers(0, 20));
  });
});

describe('opening', () => {
  test('fails with AUTH for a wrong password, on both versions', async () => {
    for (const version of [5, '3.1.1'] as const) {
      const wrong = openSource(port, 'wrong', { topics: ['x'], connection: { version, password: 'no' } });
      await expect(wrong).rejects.toMatchObject({ code: 'AUTH', message: expect.not.stringContaining('no-pass') });
    }
  });

  test('works over TLS with an own CA, and refuses one that it does not know', async () => {
    const url = [`mqtts://localhost:${broker.ports['tls']}`];
    const tls = { ca: mosquittoCa(broker), cert: undefined, key: undefined, passphrase: undefined, servername: undefined, insecure: false };
    const source = await openSource(port, 'tls', { topics: ['tls'], connection: { url, tls } });
    await publish('tls', 0, 3);
    expect(texts(await take(source, 3))).toEqual(numbers(0, 3));
    const stranger = openSource(port, 'tls2', { topics: ['tls'], connection: { url } });
    await expect(stranger).rejects.toMatchObject({ code: 'AUTH', message: expect.stringContaining('tls settings') });
  });

  test('works over WebSockets, and goes to the next address when one does not answer', async () => {
    const url = ['mqtt://127.0.0.1:1', `ws://127.0.0.1:${broker.ports['ws']}`];
    const source = await openSource(port, 'ws', { topics: ['ws'], connection: { url } });
    await publish('ws', 0, 3);
    expect(texts(await take(source, 3))).toEqual(numbers(0, 3));
  });

  test('shares the messages of a shared subscription', async () => {
    const topics = ['$share/team/shared'];
    const [one, two] = await Promise.all([openSource(port, 'team1', { topics }), openSource(port, 'team2', { topics })]);
    await publish('shared', 0, 100);
    const seen: string[] = [];
    const read = async (source: typeof one) => {
      for (let batch = await source.read(wide, stop.signal); batch; batch = await source.read(wide, stop.signal)) {
        seen.push(...texts(batch.messages));
        batch.ack();
      }
    };
    const stop = new AbortController();
    const reading = Promise.all([read(one), read(two)]);
    await until('all have come', () => seen.length >= 100);
    stop.abort();
    await reading;
    expect(seen.map(Number).sort((a, b) => a - b)).toEqual(numbers(0, 100).map(Number));
  });

  test('does not wait for an aborted connect', async () => {
    const gone = new AbortController();
    const opening = mqttSource(sourceConfig(port, { topics: ['x'], connection: { url: ['mqtt://127.0.0.1:1'] } }), context('x')).open(
      gone.signal,
    );
    gone.abort();
    await expect(opening).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});

test('carries a body of 1 MiB bit by bit, and one of nothing', async () => {
  const source = await openSource(port, 'big', { topics: ['big'] });
  const body = Buffer.alloc(1024 * 1024, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  const sink = await openSink(port, 'big-sink', { topic: 'big' });
  expect(await sink.write([new Message({ body }), new Message({ body: Buffer.alloc(0) })])).toEqual([]);
  const [big, nothing] = await take(source, 2);
  expect(big?.body?.equals(body)).toBe(true);
  expect(nothing?.body?.length).toBe(0);
});

test('ends with NOT_CONNECTED when another client takes over its session', async () => {
  const source = await openSource(port, 'taken', { topics: ['taken'] });
  const read = source.read(wide, never);
  await Promise.all([client(port, { clientId: 'taken' }), expect(read).rejects.toMatchObject({ code: 'NOT_CONNECTED' })]);
});
