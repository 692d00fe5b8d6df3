import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePublishes } from '../../../connectors/mqtt/encode.ts';
import { mqttSink } from '../../../connectors/mqtt/sink.ts';
import { Message, type Template } from '../../../src/connector.ts';
import { type Broker, until } from '../../brokers/broker.ts';
import { startMosquitto } from '../../brokers/mosquitto.ts';
import { client, context, never, openSink, openSource, publish, sinkConfig, take, texts, toClose, wide } from './ends.ts';
import { spyOn } from './spy.ts';

const dir = mkdtempSync(join(tmpdir(), 'mqferry-acl-'));
writeFileSync(join(dir, 'acl'), 'user mq\ntopic readwrite open/#\n');

let broker: Broker;
let port: number;
beforeAll(async () => {
  broker = await startMosquitto(['max_packet_size 3000000', 'max_inflight_messages 50', `acl_file ${dir}/acl`]);
  port = broker.ports['tcp'] as number;
});
afterAll(async () => {
  await broker.dispose();
  rmSync(dir, { recursive: true });
});

const messages = (...bodies: (string | Buffer)[]) => bodies.map((body) => new Message({ body: Buffer.from(body) }));
const tooBig = Buffer.alloc(3_000_100);
const byHeader = ((message: Message) => `open/${message.header('to')}`) as Template;
const to = (header: string, body = header) => new Message({ body: Buffer.from(body), headers: [['to', header]] });

/** All that a subscriber gets. */
async function listen(filter: string): Promise<{ seen: string[]; client: MqttClient }> {
  const ears = await client(port);
  const seen: string[] = [];
  ears.on('message', (_, payload) => void seen.push(payload.length > 100 ? 'big' : String(payload)));
  await ears.subscribeAsync(filter, { qos: 1 });
  return { seen, client: ears };
}

describe('a refused message (MQTT 5)', () => {
  test('is returned for good when its topic is none, and its neighbours arrive', async () => {
    const { seen } = await listen('open/#');
    const sink = await openSink(port, 'topics', { topic: byHeader });
    const bad = [to('#', 'a'), to('a/+', 'b'), to('a\u0000', 'c'), to('a\n', 'd'), to('\ud800', 'e'), to('x'.repeat(65_536), 'f')];
    const refused = await sink.write([to('1'), ...bad, to('2')]);
    expect(refused.map(({ message }) => message)).toEqual(bad);
    expect(refused.every(({ error, retry }) => error.code === 'UNMAPPABLE' && !retry)).toBe(true);
    await until('both have come', () => seen.length === 2);
    expect(seen).toEqual(['1', '2']);
    expect(await sink.write([to('3')])).toEqual([]); // on the same connection
  });

  test('is returned for good when a header cannot be said, which mosquitto would answer by hanging up', async () => {
    const sink = await openSink(port, 'headers', { topic: 'open/headers' });
    const bad = new Message({ body: null, headers: [['a', 'line\nline']] });
    expect(await sink.write([bad])).toMatchObject([{ message: bad, retry: false, error: { code: 'UNMAPPABLE' } }]);
  });

  test('is returned for good when the broker forbids its topic', async () => {
    const sink = await openSink(port, 'acl', { topic: 'closed' });
    expect(await sink.write(messages('x'))).toMatchObject([{ retry: false, error: { code: 'FORBIDDEN' } }]);
  });

  test('is returned as TOO_LARGE before it is sent, to the byte', async () => {
    const sink = await openSink(port, 'large', { topic: 'open/large' });
    const { seen } = await listen('open/large');
    // 1 byte, 4 of length, 2 + 10 of topic, 2 of packet id, 1 of properties.
    const largest = Buffer.alloc(3_000_000 - 20);
    const refused = await sink.write(messages(largest, Buffer.concat([largest, Buffer.alloc(1)]), 'x'));
    expect(refused).toMatchObject([{ retry: false, error: { code: 'TOO_LARGE', message: expect.stringContaining('3000001 bytes') } }]);
    await until('the others have come', () => seen.length === 2);
  });

  test('is worth another try when nobody subscribes and requireSubscriber is fail', async () => {
    const fail = await openSink(port, 'fail', { topic: 'open/nobody', requireSubscriber: 'fail' });
    expect(await fail.write(messages('x'))).toMatchObject([{ retry: true, error: { code: 'UNROUTABLE' } }]);
    const ears = context('warn');
    const warn = toClose(await mqttSink(sinkConfig(port, { topic: 'open/nobody' }), ears).open(never));
    expect(await warn.write(messages('x', 'y'))).toEqual([]);
    expect(ears.lines).toMatchObject([{ level: 'warn', fields: { code: 'UNROUTABLE' } }]);
  });
});

describe('a message that mosquitto answers by hanging up (MQTT 3.1.1)', () => {
  test('ends all writes as NOT_CONNECTED; what came before it is taken, nothing that came after it', async () => {
    const { seen } = await listen('open/hangup');
    const sink = await openSink(port, 'hangup', { topic: 'open/hangup', connection: { version: '3.1.1' } });
    const first = sink.write(messages('1', '2', tooBig, '3'));
    const second = sink.write(messages('4'));
    const outcomes = await Promise.allSettled([first, second]);
    expect(outcomes).toMatchObject([{ reason: { code: 'NOT_CONNECTED' } }, { reason: { code: 'NOT_CONNECTED' } }]);
    const next = await openSink(port, 'hangup', { topic: 'open/hangup', connection: { version: '3.1.1' } });
    expect(await next.write(messages('5'))).toEqual([]);
    await until('the last one has come', () => seen.includes('5'));
    expect(seen).toEqual(['1', '2', '5']);
  });

  test.each(['open/#', 'open/\u0001', ''])('takes nothing after the topic %j that nobody has validated', async (topic) => {
    const { seen } = await listen('open/raw');
    const raw = await client(port, { protocolVersion: 4 });
    const closed = new Promise<void>((resolve) => raw.once('close', () => resolve()));
    raw.stream.write(encodePublishes(['open/raw', topic, 'open/raw', 'open/raw'].map((name, i) => publish(name, String(i), i + 1))));
    await closed;
    await (await client(port)).publishAsync('open/raw', 'last', { qos: 1 });
    await until('the last one has come', () => seen.includes('last'));
    expect(seen).toEqual(['0', 'last']);
  });
});

test('MQTT 3.1.1 cannot tell that mosquitto drops what its ACL forbids: it confirms it', async () => {
  const sink = await openSink(port, 'acl4', { topic: 'closed', connection: { version: '3.1.1' } });
  expect(await sink.write(messages('x'))).toEqual([]);
});

describe('a write', () => {
  test('resolves only when the broker has confirmed', async () => {
    const spy = await spyOn(port);
    const sink = await openSink(spy.port, 'late', { topic: 'open/late' });
    spy.withhold(true);
    let done = false;
    const write = sink.write(messages('x')).then(() => (done = true));
    await until('it is at the broker', () => spy.count(3) === 1);
    await (await client(port)).publishAsync('open/other', 'x', { qos: 1 }); // a whole round trip to the broker
    expect(done).toBe(false);
    spy.withhold(false);
    await write;
    spy.close();
  });

  test('keeps to the Receive Maximum of the broker', async () => {
    const spy = await spyOn(port);
    const sink = await openSink(spy.port, 'narrow', { topic: 'open/narrow' });
    spy.withhold(true);
    const write = sink.write(messages(...Array.from({ length: 500 }, String)));
    await until('the window is full', () => spy.count(3) === 50);
    await (await client(port)).publishAsync('open/other', 'x', { qos: 1 });
    expect(spy.count(3)).toBe(50);
    spy.withhold(false);
    expect(await write).toEqual([]);
    spy.close();
  });

  test('ends with NOT_CONNECTED when the broker confirms nothing in time', async () => {
    const spy = await spyOn(port);
    const sink = await openSink(spy.port, 'silent', { topic: 'open/silent', confirmTimeout: 400 });
    spy.withhold(true);
    await expect(sink.write(messages('x'))).rejects.toMatchObject({ code: 'NOT_CONNECTED', message: expect.stringContaining('0.4 s') });
    await expect(sink.write(messages('y'))).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    spy.close();
  });

  test('ends when the sink is closed', async () => {
    const spy = await spyOn(port);
    const sink = await openSink(spy.port, 'closing', { topic: 'open/closing' });
    spy.withhold(true);
    const write = sink.write(messages('x'));
    const ended = expect(write).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await Promise.all([sink.close(), sink.close(), ended]);
    spy.close();
  });

  test('ends with NOT_CONNECTED when the broker is restarted, and nothing is sent behind our back', async () => {
    const source = await openSource(port, 'restart-ears', { topics: ['open/restart'] });
    const spy = await spyOn(port);
    const sink = await openSink(spy.port, 'restart', { topic: 'open/restart' });
    spy.withhold(true);
    const write = sink.write(messages('1'));
    const ended = expect(write).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await until('it is at the broker', () => spy.count(3) === 1);
    await broker.stop();
    spy.cut();
    await ended;
    await broker.start();
    await source.close();
    const next = await openSink(port, 'restart', { topic: 'open/restart' });
    expect(await next.write(messages('1', '2'))).toEqual([]);
    const ears = await openSource(port, 'restart-ears', { topics: ['open/restart'] });
    expect(texts(await take(ears, 3))).toEqual(['1', '1', '2']);
    expect(spy.count(3)).toBe(1);
    spy.close();
  });

  test('keeps call order over many writes at once, on both versions', async () => {
    for (const version of [5, '3.1.1'] as const) {
      const { seen } = await listen(`open/order/${version}`);
      const sink = await openSink(port, 'order', { topic: `open/order/${version}`, connection: { version } });
      const all = Array.from({ length: 1000 }, (_, i) => String(i));
      const writes = Array.from({ length: 100 }, (_, i) => sink.write(messages(...all.slice(i * 10, i * 10 + 10))));
      expect((await Promise.all(writes)).flat()).toEqual([]);
      await until('all have come', () => seen.length === 1000);
      expect(seen).toEqual(all);
    }
  });
});

describe('what a message carries (MQTT 5)', () => {
  test('comes through: headers in order with repeats, properties, an empty body, binary', async () => {
    const source = await openSource(port, 'carry', { topics: ['open/carry'] });
    const sink = await openSink(port, 'carry-sink', { topic: 'open/carry' });
    const sent = new Message({
      body: Buffer.from([0, 1, 255, 254]),
      headers: [
        ['a', '1'],
        ['a', '2'],
        ['größe', '日本 🚢'],
        ['__proto__', 'x'],
        ['empty', ''],
      ],
      contentType: 'application/x-thing; a="b"',
      replyTo: 'answers/here',
      correlationId: Buffer.from([0xff, 0]),
      expiresAt: Date.now() + 60_000,
    });
    expect(await sink.write([sent, new Message({ body: Buffer.alloc(0), correlationId: 'plain' })])).toEqual([]);
    const [got, empty] = (await take(source, 2)) as [Message, Message];
    expect(got.headers).toEqual(sent.headers);
    expect([got.body, got.contentType, got.replyTo, got.correlationId]).toEqual([
      sent.body,
      sent.contentType,
      sent.replyTo,
      sent.correlationId,
    ]);
    expect(Math.abs((got.expiresAt ?? 0) - (sent.expiresAt ?? 0))).toBeLessThan(3000);
    expect([empty.body?.length, empty.correlationId, empty.headers]).toEqual([0, 'plain', []]);
    expect(got.lane).toBe('carry');
  });

  test('keeps the retained flag when told to', async () => {
    const source = await openSource(port, 'flags', { topics: ['open/flag/in'] });
    const other = await client(port);
    await other.publishAsync('open/flag/in', 'kept', { qos: 1, retain: true });
    await other.publishAsync('open/flag/in', 'not', { qos: 1 });
    const sink = await openSink(port, 'flag-sink', { topic: byBody, retain: 'preserve' });
    expect(await sink.write(await take(source, 2))).toEqual([]);
    const late = await openSource(port, 'late-ears', { topics: ['open/flag/out/#'] });
    await other.publishAsync('open/flag/out/end', 'end', { qos: 1 });
    expect(texts(await take(late, 2))).toEqual(['kept', 'end']);
  });

  test('goes out with QoS 0 when told to', async () => {
    const { seen } = await listen('open/zero');
    const sink = await openSink(port, 'zero', { topic: 'open/zero', qos: 0 }, { ...wide, messages: 10 });
    expect(await sink.write(messages(...Array.from({ length: 2000 }, String)))).toEqual([]);
    await sink.close();
    await until('all have come', () => seen.length === 2000);
  });
});

const byBody = ((message: Message) => `open/flag/out/${message.body}`) as Template;
