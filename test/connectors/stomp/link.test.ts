/** The connector against a broker that misbehaves, which no real one does when it is wanted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { headerOf } from '../../../connectors/stomp/frames.ts';
import { stompSource } from '../../../connectors/stomp/source.ts';
import { Message } from '../../../src/message.ts';
import { captureLog } from '../../../src/testkit/index.ts';
import { freePorts, until } from '../../brokers/broker.ts';
import { makeCertificates, pem } from '../../brokers/certificates.ts';
import { bodies, connection, context, never, openSink, openSource, sinkEnd, sourceEnd, take, texts } from './ends.ts';
import { type Answer, connected, decently, type FakeBroker, fakeBroker } from './fake-broker.ts';

const brokers: FakeBroker[] = [];
async function start(answer?: Answer): Promise<FakeBroker> {
  const broker = await fakeBroker(answer);
  brokers.push(broker);
  return broker;
}
afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.close()));
});

const delivery = (id: number, body = `m${id}`) =>
  `MESSAGE\nsubscription:0\nmessage-id:${id}\ndestination:/queue/q\nack:a${id}\ncontent-length:${Buffer.byteLength(body)}\n\n${body}\0`;

/** Answers to SUBSCRIBE with these bytes. */
const delivering =
  (bytes: string | Buffer): Answer =>
  (frame, socket) => {
    decently(frame, socket);
    if (frame.command === 'SUBSCRIBE') socket.write(bytes);
  };

/** What a server at 127.0.0.1 needs for TLS, and what a client needs to trust it. */
function certificates(): Record<'ca' | 'cert' | 'key', string> {
  const dir = mkdtempSync(join(tmpdir(), 'mqferry-tls-'));
  makeCertificates(dir, { server: { name: 'localhost', altNames: 'IP:127.0.0.1' } });
  const made = { ca: pem(dir, 'ca'), cert: pem(dir, 'server'), key: pem(dir, 'server.key') };
  rmSync(dir, { recursive: true });
  return made;
}

/** Decent, by another name; by none when it is empty. */
const saying =
  (name: string): Answer =>
  (frame, socket) =>
    frame.command === 'CONNECT' ? socket.write(`CONNECTED\nversion:1.2\n${name && `server:${name}\n`}\n\0`) : decently(frame, socket);

describe('connecting', () => {
  test.each([
    ['STOMP 1.1', 'CONNECTED\nversion:1.1\n\n\0', 'REFUSED', /1\.1/],
    ['STOMP 1.0, which says no version', 'CONNECTED\nsession:1\n\n\0', 'REFUSED', /1\.0/],
    ['an ERROR about the login', "ERROR\nmessage:Bad CONNECT\n\nAccess refused for user 'x'\0", 'AUTH', /Access refused/],
    ['another ERROR', 'ERROR\nmessage:too busy\n\n\0', 'NOT_CONNECTED', /too busy/],
    ['a MESSAGE', delivery(1), 'NOT_CONNECTED', /unexpected "MESSAGE"/],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n\0', 'NOT_CONNECTED', /unexpected "HTTP/],
    ['endless headers', `CONNECTED\n${'h:x\n'.repeat(100_000)}`, 'NOT_CONNECTED', /cannot be read/],
  ])('fails when the broker answers with %s', async (_what, answer, code, text) => {
    const broker = await start((_frame, socket) => socket.write(answer));
    await expect(openSink(connection(broker.port), '/queue/q')).rejects.toMatchObject({ code, message: expect.stringMatching(text) });
  });

  test('gives up on a broker that stays mute, and on one that is not there', async () => {
    const mute = await start(() => {});
    const [nobody] = await freePorts(1);
    await expect(openSink(connection(mute.port, { connectTimeout: 100 }), '/queue/q')).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await expect(openSink(connection(nobody as number), '/queue/q')).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await expect(openSource(connection(mute.port, { connectTimeout: 100 }), '/queue/q')).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });

  test('stops at once when aborted', async () => {
    const mute = await start(() => {});
    const stop = new AbortController();
    const opening = sinkEnd(connection(mute.port), '/queue/q').open(stop.signal);
    await until('it has asked', () => mute.frames.length === 1);
    stop.abort();
    await expect(opening).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });

  test('takes the first of several addresses that answers', async () => {
    const [nobody] = await freePorts(1);
    const broker = await start();
    const to = connection(broker.port);
    const sink = await openSink({ ...to, url: [`stomp://127.0.0.1:${nobody}`, ...to.url] }, '/queue/q');
    await sink.close();
    expect(headerOf(broker.of('CONNECT')[0] as never, 'login')).toBe('mq');
  });

  test('a broker that is not the one the config names is CONFIG_INVALID at both ends, and is left', async () => {
    const broker = await start(); // says that it is RabbitMQ
    const to = connection(broker.port, { broker: 'activemq' });
    const wrong = { code: 'CONFIG_INVALID', message: expect.stringMatching(/is rabbitmq \(RabbitMQ\/3\.10\.8\).*`broker: activemq`/) };
    await expect(openSource(to, '/queue/q')).rejects.toMatchObject(wrong);
    await expect(openSink(to, '/queue/q')).rejects.toMatchObject(wrong);
    await until('both links are closed', () => broker.sockets.length === 2 && broker.sockets.every((socket) => socket.destroyed));
    expect(broker.of('SUBSCRIBE')).toEqual([]);
  });

  test('of several addresses the first that is the named broker is used', async () => {
    const [other, wanted] = [await start(), await start(saying('ActiveMQ/6.3.1'))];
    const to = connection(wanted.port, { broker: 'activemq' });
    await (await openSink({ ...to, url: [`stomp://127.0.0.1:${other.port}`, ...to.url] }, '/queue/q')).close();
    expect(wanted.of('DISCONNECT')).toHaveLength(1);
  });

  test.each(['', 'Renamed/1.0'])('a broker that calls itself %j is taken for the named one, with a warning', async (name) => {
    const broker = await start(saying(name));
    const log = captureLog();
    const end = stompSource(
      {
        connection: connection(broker.port, { broker: 'activemq' }),
        destination: '/queue/q',
        prefetch: 7,
        selector: undefined,
        durable: undefined,
      },
      context(undefined, log),
    );
    await (await end.open(never)).close();
    expect(headerOf(broker.of('SUBSCRIBE')[0] as never, 'activemq.prefetchSize')).toBe('7');
    expect(log.lines.filter(({ level }) => level === 'warn')).toMatchObject([{ text: expect.stringContaining('taken for it') }]);
  });

  test('sends the login without escapes, and never one that would begin another header', async () => {
    const broker = await start();
    const to = connection(broker.port);
    await (await openSink({ ...to, username: 'a:b', password: 'p:w\\d' }, '/queue/q')).close();
    // The reader of the fake broker takes CONNECT as any other frame, so that `\d` is a fault: the bytes went out as they are.
    expect(headerOf(broker.of('CONNECT')[0] as never, 'passcode')).toBe('p:w\\d');
    await expect(openSink({ ...to, password: 'x\nhost:/other' }, '/queue/q')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('speaks TLS, and takes no certificate that it cannot check', async () => {
    const { ca, cert, key } = certificates();
    const broker = await fakeBroker(decently, { cert, key });
    brokers.push(broker);
    const to = connection(broker.port, { url: [`stomps://127.0.0.1:${broker.port}`] });
    const tls = { ca, cert: undefined, key: undefined, passphrase: undefined, servername: undefined, insecure: false };
    const sink = await openSink({ ...to, tls }, '/queue/q');
    expect(await sink.write(texts(3))).toEqual([]);
    await sink.close();
    await expect(openSink(to, '/queue/q')).rejects.toMatchObject({ code: 'AUTH' });
    await (await openSink({ ...to, tls: { ...tls, ca: undefined, insecure: true } }, '/queue/q')).close();
  });
});

describe('TLS settings', () => {
  const tls = { ca: undefined, cert: undefined, key: undefined, passphrase: undefined, servername: undefined, insecure: false };
  const create = (url: string[], more = {}) => sinkEnd(connection(1, { url, tls: { ...tls, ...more } }), '/queue/q');

  test('beside an address that is not encrypted are CONFIG_INVALID before anything is sent', () => {
    expect(() => create(['stomps://a', 'stomp://b'])).toThrow(/stomp:\/\/b:61613 is not encrypted/);
    expect(() => sourceEnd(connection(1, { tls }), '/queue/q')).toThrow(/is not encrypted/);
  });

  test('that are no PEM are CONFIG_INVALID, and a key is not said aloud', () => {
    const { cert } = certificates();
    let error: unknown;
    try {
      create(['stomps://127.0.0.1:1'], { cert, key: 'canary pasted badly' });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(`${String(error)}${JSON.stringify(error)}${String((error as Error).cause)}`).not.toContain('canary');
  });
});

describe('a link that is lost', () => {
  test('silence beyond the heart-beats ends it, and our own heart-beats go out meanwhile', async () => {
    const broker = await start((frame, socket) =>
      frame.command === 'CONNECT' ? socket.write(connected('heart-beat:40,40\n')) : decently(frame, socket),
    );
    const source = await openSource(connection(broker.port, { heartbeat: 40 }), '/queue/q');
    await expect(source.read({ messages: 1, bytes: 1 }, never)).rejects.toMatchObject({
      code: 'NOT_CONNECTED',
      message: expect.stringContaining('silent'),
    });
    expect(broker.beats()).toBeGreaterThan(1);
  });

  test('an ERROR rejects every write that waits, even in a flood of them', async () => {
    const broker = await start((frame, socket) => {
      if (frame.command !== 'SEND') return decently(frame, socket);
      if (headerOf(frame, 'receipt') === '1') decently(frame, socket);
      else for (let i = 0; i < 1000; i++) socket.write('ERROR\nmessage:no\n\nbecause\nstack trace\0');
    });
    const sink = await openSink(connection(broker.port), '/queue/q');
    const writes = [sink.write(texts(1)), sink.write(texts(2)), sink.write(texts(1))];
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'NOT_CONNECTED', message: expect.stringMatching(/no: because$/) } });
    await expect(sink.write(texts(1))).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await sink.close();
  });

  test('a permission error is FORBIDDEN for a fixed destination, a lost link for one that the message chose', async () => {
    const broker = await start((frame, socket) =>
      frame.command === 'SEND' ? socket.write('ERROR\nmessage:access_refused\n\n\0') : decently(frame, socket),
    );
    const fixed = await openSink(connection(broker.port), '/queue/q');
    await expect(fixed.write(texts(1))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const chosen = await openSink(connection(broker.port), () => '/queue/q');
    await expect(chosen.write(texts(1))).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });

  test('a broker that sends no receipts loses the link after the time limit', async () => {
    const broker = await start((frame, socket) => (frame.command === 'SEND' ? undefined : decently(frame, socket)));
    const sink = await openSink(connection(broker.port), '/queue/q', 200);
    await expect(sink.write(texts(2))).rejects.toMatchObject({ code: 'NOT_CONNECTED', message: expect.stringContaining('no receipt') });
  });

  test('bytes that are no STOMP end it, and what was read before can still not be acked elsewhere', async () => {
    const broker = await start(delivering(`${delivery(1)}MESSAGE\ncontent-length:-5\n\n\0`));
    const source = await openSource(connection(broker.port), '/queue/q');
    await expect(source.read({ messages: 1, bytes: 1 }, never)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await source.close();
    expect(broker.of('ACK')).toEqual([]);
  });

  test('closing ends a write that waits, within its time limit, and twice is fine', async () => {
    const broker = await start((frame, socket) => (frame.command === 'SEND' ? undefined : decently(frame, socket)));
    const sink = await openSink(connection(broker.port), '/queue/q');
    const written = expect(sink.write(texts(1))).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await sink.close();
    await written;
    await sink.close();
  });
});

describe('reading', () => {
  test('acks each message of a batch, once it is asked to, before it leaves', async () => {
    const broker = await start(delivering([1, 2, 3, 4].map((id) => delivery(id)).join('')));
    const source = await openSource(connection(broker.port), '/queue/q');
    const first = await source.read({ messages: 3, bytes: Infinity }, never);
    const second = await source.read({ messages: 3, bytes: Infinity }, never);
    expect([first, second].map((batch) => bodies(batch?.messages ?? []))).toEqual([['m1', 'm2', 'm3'], ['m4']]);
    expect(broker.of('ACK')).toEqual([]);
    second?.ack();
    first?.ack();
    await source.close();
    expect(broker.of('ACK').map((frame) => headerOf(frame, 'id'))).toEqual(['a4', 'a1', 'a2', 'a3']);
    expect(broker.frames.at(-1)?.command).toBe('DISCONNECT');
  });

  test('hands a poisonous message over with its fault, and reads on', async () => {
    const poison = 'MESSAGE\nsubscription:0\nmessage-id:2\nack:a2\nbad:\\t\ncontent-length:3\n\nxyz\0';
    const broker = await start(delivering(delivery(1) + poison + delivery(3)));
    const source = await openSource(connection(broker.port), '/queue/q');
    const got = await take(source, 3);
    expect(bodies(got)).toEqual(['m1', 'xyz', 'm3']);
    expect(got.map(({ fault }) => fault !== undefined)).toEqual([false, true, false]);
    await source.close();
    expect(broker.of('ACK')).toHaveLength(3);
  });

  test('reads a stream that comes byte by byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 20 }, (_, i) => delivery(i)).join('\n'));
    const broker = await start((frame, socket) => {
      decently(frame, socket);
      if (frame.command === 'SUBSCRIBE') for (const byte of bytes) socket.write(Buffer.of(byte));
    });
    broker.sockets[0]?.setNoDelay(true);
    const source = await openSource(connection(broker.port), '/queue/q');
    expect(bodies(await take(source, 20))).toEqual(bodies(texts(20)));
    await source.close();
  });

  test('holds back, by TCP, a broker that sends more than the window', async () => {
    const body = 'x'.repeat(1000);
    const broker = await start((frame, socket) => {
      decently(frame, socket);
      if (frame.command === 'SUBSCRIBE') for (let i = 0; i < 20_000; i++) socket.write(delivery(i, body));
    });
    const source = await openSource(connection(broker.port), '/queue/q', { prefetch: 10 });
    const held = await take(source, 11, false);
    let more = 0;
    for (;;) {
      const batch = await source.read({ messages: 1000, bytes: Infinity }, AbortSignal.timeout(100));
      if (!batch) break;
      more += batch.messages.length;
    }
    expect(held.length + more).toBeLessThan(200); // what one read from the network held
    await source.close();
  });

  test('a window in bytes holds large messages back too, and acks let them go on', async () => {
    const body = 'x'.repeat(200_000);
    const broker = await start((frame, socket) => {
      decently(frame, socket);
      if (frame.command === 'SUBSCRIBE') for (let i = 0; i < 50; i++) socket.write(delivery(i, body));
    });
    const source = await openSource(connection(broker.port), '/queue/q', { window: { messages: 1000, bytes: 500_000 } });
    const first = await source.read({ messages: 1000, bytes: Infinity }, never);
    let held = first?.messages.length ?? 0;
    const batches = [first];
    for (;;) {
      const batch = await source.read({ messages: 1000, bytes: Infinity }, AbortSignal.timeout(100));
      if (!batch) break;
      held += batch.messages.length;
      batches.push(batch);
    }
    expect(held).toBeLessThanOrEqual(4);
    for (const batch of batches) batch?.ack();
    expect(await take(source, 50 - held)).toHaveLength(50 - held);
    await source.close();
    expect(broker.of('ACK')).toHaveLength(50);
  });

  test('ends the link over a message that could not be acked', async () => {
    const broker = await start(delivering('MESSAGE\nsubscription:0\nmessage-id:1\n\nx\0'));
    const source = await openSource(connection(broker.port), '/queue/q');
    await expect(source.read({ messages: 1, bytes: 1 }, never)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });

  test('an abort ends a read that waits with null', async () => {
    const broker = await start();
    const source = await openSource(connection(broker.port), '/queue/q');
    const stop = new AbortController();
    const reading = source.read({ messages: 1, bytes: 1 }, stop.signal);
    stop.abort();
    expect(await reading).toBeNull();
    await source.close();
  });
});

describe('writing', () => {
  test('resolves only when every receipt has come, in any order', async () => {
    const waiting: string[] = [];
    const broker = await start((frame, socket) =>
      frame.command === 'SEND' ? waiting.push(headerOf(frame, 'receipt') as string) : decently(frame, socket),
    );
    const sink = await openSink(connection(broker.port), '/queue/q');
    let isDone = false;
    const written = sink.write(texts(3)).then((refused) => {
      isDone = true;
      return refused;
    });
    await until('all came', () => waiting.length === 3);
    const receipt = (id: string) => broker.sockets[0]?.write(`RECEIPT\nreceipt-id:${id}\n\n\0`);
    for (const id of ['3', '1', '1', '99']) receipt(id);
    const next = sink.write(texts(1));
    await until('the next came', () => waiting.length === 4);
    receipt('4');
    expect(await next).toEqual([]);
    expect(isDone).toBe(false);
    receipt('2');
    expect(await written).toEqual([]);
    await sink.close();
  });

  test('sends persistent messages with a length, whatever the message says', async () => {
    const broker = await start();
    const sink = await openSink(connection(broker.port), '/queue/q');
    await sink.write([new Message({ body: Buffer.from('a\0b'), persistent: false }), new Message({ body: null })]);
    await sink.close();
    const sent = broker.of('SEND');
    expect(sent.map((frame) => headerOf(frame, 'persistent'))).toEqual(['true', 'true']);
    expect(sent.map((frame) => [headerOf(frame, 'content-length'), frame.body.toString()])).toEqual([
      ['3', 'a\0b'],
      ['0', ''],
    ]);
  });
});
