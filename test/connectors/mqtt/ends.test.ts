import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSink, checkSource } from '../../../connectors/mqtt/check.ts';
import type { Link } from '../../../connectors/mqtt/connection.ts';
import { mqttSink } from '../../../connectors/mqtt/sink.ts';
import { mqttSource } from '../../../connectors/mqtt/source.ts';
import { subscribe } from '../../../connectors/mqtt/subscribe.ts';
import { Message, type Template } from '../../../src/connector.ts';
import { type AedesBroker, startAedes } from '../../brokers/aedes.ts';
import {
  client,
  constant,
  context,
  never,
  openSink,
  openSource,
  readBatches,
  sinkConfig,
  sourceConfig,
  take,
  texts,
  toClose,
  wide,
} from './ends.ts';

const connection = { version: '3.1.1' } as const;
let broker: AedesBroker;
let port: number;
beforeAll(async () => {
  broker = await startAedes();
  port = broker.port;
});
afterAll(() => broker.close());

const messages = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => new Message({ body: Buffer.from(String(from + i)) }));
const numbers = (from: number, to: number) => texts(messages(from, to));

describe('through a broker in the process', () => {
  test('messages arrive in order, and what is not acked comes again on the next connection only', async () => {
    const end = mqttSource(sourceConfig(port, { topics: ['flow'], connection }), context('flow'));
    const source = toClose(await end.open(never));
    const sink = await openSink(port, 'flow-sink', { topic: 'flow', connection });
    expect(await sink.write(messages(0, 100))).toEqual([]);
    const [first] = await readBatches(source, 1, { messages: 30, bytes: 1e6 });
    first?.ack();
    await source.close();
    const next = toClose(await end.open(never));
    const acked = first?.messages.length ?? 0;
    expect(acked).toBeLessThanOrEqual(30);
    expect(texts(await take(next, 100 - acked))).toEqual(numbers(acked, 100));
  });

  test('a cut link is thrown by read and by write', async () => {
    const source = await openSource(port, 'cut', { topics: ['cut'], connection });
    const sink = await openSink(port, 'cut-sink', { topic: 'cut', connection });
    const read = expect(source.read(wide, never)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    broker.cut();
    await read;
    await expect(sink.write(messages(0, 1))).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });

  test('a read that is aborted ends with null, and nothing is lost by it', async () => {
    const source = await openSource(port, 'abort', { topics: ['abort'], connection });
    const stop = new AbortController();
    const read = source.read(wide, stop.signal);
    stop.abort();
    expect(await read).toBeNull();
    await (await openSink(port, 'abort-sink', { topic: 'abort', connection })).write(messages(0, 1));
    expect(texts(await take(source, 1))).toEqual(['0']);
  });

  test('an empty write is nothing', async () => {
    expect(await (await openSink(port, 'empty', { connection })).write([])).toEqual([]);
  });

  test('a template that throws costs its message, not the link', async () => {
    const picky = ((message: Message) => {
      if (String(message.body) === '1') throw new TypeError('no such field');
      return 'picky';
    }) as Template;
    const sink = await openSink(port, 'picky', { topic: picky, connection });
    const sent = messages(0, 3);
    const refused = await sink.write(sent);
    expect(refused).toMatchObject([
      { message: sent[1], retry: false, error: { code: 'UNMAPPABLE', message: expect.stringContaining('no such field') } },
    ]);
  });
});

describe('a subscription', () => {
  test('that is refused is FORBIDDEN', async () => {
    broker.aedes.authorizeSubscribe = (_, subscription, done) => done(null, subscription.topic === 'no' ? null : subscription);
    const refused = openSource(port, 'refused', { topics: ['yes', 'no'], connection });
    await expect(refused).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('subscription to no:') });
  });

  test('that is granted with QoS 0 only is FORBIDDEN, as messages would be lost', async () => {
    const link = { address: 'mqtt://host', client: { subscribeAsync: async () => [{ topic: 'a', qos: 0 }] } } as unknown as Link;
    const asking = (qos: 0 | 1) => subscribe(link, sourceConfig(port, { topics: ['a'], qos }));
    await expect(asking(1)).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('grants only QoS 0 for a') });
    await asking(0);
  });

  test('is looked at by check, without the session of the route', async () => {
    broker.aedes.authorizeSubscribe = (_, subscription, done) => done(null, subscription.topic === 'no' ? null : subscription);
    const config = sourceConfig(port, { topics: ['yes', 'no', '$share/g/yes'], connection });
    expect(await checkSource(config, context('checked'))).toMatchObject([
      { what: 'connection', ok: true },
      { what: 'subscription to yes', ok: true },
      { what: 'subscription to no', ok: false },
      { what: 'subscription to $share/g/yes', ok: true, text: expect.stringContaining('not tried') },
    ]);
  });
});

describe('a connection', () => {
  test('whose broker does not answer the subscription is given up in time, and the next one subscribes', async () => {
    broker.aedes.authorizeSubscribe = () => {};
    const config = sourceConfig(port, { topics: ['ignored'], connection: { ...connection, connectTimeout: 300 } });
    const end = mqttSource(config, context('ignored'));
    await expect(end.open(never)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    broker.aedes.authorizeSubscribe = (_, subscription, done) => done(null, subscription);
    const source = toClose(await end.open(never)); // finds a session, but not one that has its filters
    await (await openSink(port, 'ignored-sink', { topic: 'ignored', connection })).write(messages(0, 1));
    expect(texts(await take(source, 1))).toEqual(['0']);
  });

  test.each([
    [2, 'FORBIDDEN'],
    [3, 'NOT_CONNECTED'],
    [4, 'AUTH'],
    [5, 'AUTH'],
  ])('that is refused with code %i fails with %s, and check says so', async (returnCode, code) => {
    broker.aedes.authenticate = (_, __, ___, done) => done(Object.assign(new Error('no'), { returnCode }), false);
    await expect(openSink(port, 'refused', { connection })).rejects.toMatchObject({ code });
    expect(await checkSink(sinkConfig(port, { connection }), context('x'))).toMatchObject([{ what: 'connection', ok: false }]);
    broker.aedes.authenticate = (_, __, ___, done) => done(null, true);
  });

  test('to a server that does not answer fails in time', async () => {
    const silent = await listening(() => {});
    const opening = openSink(silent.port, 'deaf', { connection: { ...connection, connectTimeout: 200 } });
    await expect(opening).rejects.toMatchObject({ code: 'NOT_CONNECTED', message: expect.stringContaining('connack timeout') });
    silent.close();
  });

  test('to a server that speaks something else fails', async () => {
    const web = await listening((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(openSink(web.port, 'web', { connection })).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    web.close();
  });

  test('takes its credentials from the URL, never a client id', async () => {
    const seen: unknown[] = [];
    broker.aedes.authenticate = (peer, username, password, done) => {
      seen.push(peer.id, username, String(password));
      done(null, true);
    };
    const url = [`mqtt://m%40e:pass%2Fword@127.0.0.1:${port}/?clientId=other`];
    await openSink(port, 'mine', { connection: { ...connection, url, username: undefined, password: undefined } });
    expect(seen).toEqual(['mine', 'm@e', 'pass/word']);
    broker.aedes.authenticate = (_, __, ___, done) => done(null, true);
  });

  test('never shows its password in an error', async () => {
    const url = ['mqtt://me:hunter2@127.0.0.1:1'];
    const error = await openSink(port, 'quiet', { connection: { ...connection, url } }).catch((error) => error);
    expect(error).toMatchObject({ code: 'NOT_CONNECTED', message: expect.stringContaining('mqtt://127.0.0.1:1') });
    expect(`${error.message} ${error.cause?.message}`).not.toContain('hunter2');
  });

  test('is thrown out by the next one of its name', async () => {
    const source = await openSource(port, 'twin', { topics: ['twin'], connection });
    const read = expect(source.read(wide, never)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await client(port, { protocolVersion: 4, clientId: 'twin' });
    await read;
  });
});

describe('a config that no broker takes is an error before anything connects', () => {
  test.each([
    [() => mqttSource(sourceConfig(1, { topics: ['a#'] }), context('x')), /a#/],
    [() => mqttSource(sourceConfig(1, { topics: [] }), context('x')), /at least one/],
    [() => mqttSource(sourceConfig(1, { topics: ['a'], connection: { url: ['amqp://localhost'] } }), context('x')), /an MQTT url is mqtt:/],
    [() => mqttSink(sinkConfig(1, { topic: 'a/#' }), context('x')), /wildcard/],
    [() => mqttSink(sinkConfig(1, { topic: '$SYS/x' }), context('x')), /\$SYS/],
    [() => mqttSink(sinkConfig(1, { connection: { url: ['nonsense'] } }), context('x')), /an MQTT url is mqtt:/],
    [() => mqttSink(sinkConfig(1, { connection: { tls: { ca: 'x', cert: undefined, key: undefined, passphrase: undefined, servername: undefined, insecure: false } } }), context('x')), /not encrypted/], // biome-ignore format: a row
  ])('%#', (make, text) => {
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(text) }));
  });
});

describe('what an end can', () => {
  const source = (changes: Parameters<typeof sourceConfig>[1]) =>
    mqttSource(sourceConfig(1, { topics: ['a'], ...changes }), context('x')).can;
  const sink = (changes: Parameters<typeof sinkConfig>[1]) => mqttSink(sinkConfig(1, changes), context('x')).can;

  test('depends on what the broker keeps for it', () => {
    expect(source({})).toMatchObject({ settles: 'inOrder', redelivers: 'inOrder', stableIds: [] });
    expect(source({ topics: ['a', '$share/g/a'] }).redelivers).toBe('anyOrder');
    expect(source({ qos: 0 }).redelivers).toBe('never');
    expect(source({ sessionExpiry: 0 }).redelivers).toBe('never');
    expect(source({ sessionExpiry: 0, connection }).redelivers).toBe('inOrder');
  });

  test('keeps order only where the broker can refuse nothing, on one topic', () => {
    expect(sink({}).keepsOrder).toBe('none');
    expect(sink({ connection }).keepsOrder).toBe('none');
    expect(sink({ connection, topic: constant('t'), qos: 0 })).toMatchObject({ keepsOrder: 'none', confirms: 'none' });
  });
});

async function listening(answer: (socket: Socket) => void): Promise<{ port: number; close(): void }> {
  const server = createServer((socket) => answer(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as { port: number }).port, close: () => void server.close() };
}
