/** What the connector must do on every STOMP broker; the three `*.broker.test.ts` files run it. */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import stompit from 'stompit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSink, checkSource } from '../../../connectors/stomp/check.ts';
import { StompClient } from '../../../connectors/stomp/client.ts';
import type { ConnectionConfig } from '../../../connectors/stomp/config.ts';
import { headerLine } from '../../../connectors/stomp/frames.ts';
import { type BrokerName, profileNamed, profileOf } from '../../../connectors/stomp/profiles.ts';
import type { Source } from '../../../src/connector.ts';
import { Message } from '../../../src/message.ts';
import { type Broker, type BrokerKind, until } from '../../brokers/broker.ts';
import { startProxy } from '../../faults/proxy.ts';
import { bodies, connection, constant, context, drain, never, openSink, openSource, take, texts } from './ends.ts';

export interface Subject {
  readonly kind: BrokerKind;
  readonly name: BrokerName;
  readonly vhost: string;
  /** Headers of a SEND that the broker answers with ERROR, although mqferry would never write them. */
  readonly refusedBy: string;
  /** What is in the queue after good, refused, good were sent without waiting. */
  readonly keptAround: readonly string[];
}

export async function stompSuite(subject: Subject): Promise<void> {
  const version = await subject.kind.version();
  describe.skipIf(version === undefined)(`stomp on ${subject.kind.name} ${version ?? '(not installed)'}`, () => {
    let broker: Broker;
    let to: ConnectionConfig;
    let queues = 0;
    const newQueue = () => `/queue/test-${++queues}`;
    beforeAll(async () => {
      broker = await subject.kind.start();
      to = connection(broker.ports['stomp'] as number, { vhost: subject.vhost, broker: subject.name });
      // RabbitMQ 3.10 has a new queue on disk about a second after it has confirmed it: these are there long before they are needed.
      for (const queue of Object.values(restarted)) await (await openSource(to, queue)).close();
    });
    afterAll(() => broker?.dispose());
    const env = { subject, newQueue, to: () => to, broker: () => broker };
    fidelity(env);
    promises(env);
    refusals(env);
    topics(env);
    peers(env);
    restarts(env);
  });
}

/** The queues that live through a restart by this signal. */
const restarted = { SIGTERM: '/queue/restarted', SIGKILL: '/queue/killed' };

interface Env {
  readonly subject: Subject;
  newQueue(): string;
  to(): ConnectionConfig;
  broker(): Broker;
}

function fidelity({ newQueue, to }: Env): void {
  test('carries bodies bit by bit: empty, with NUL, of every byte, 1 MiB', async () => {
    const queue = newQueue();
    const everything = Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256));
    const sent = ['', 'AB\0CD', '\0', '\n\n\0\n', everything, Buffer.alloc(1024 * 1024, everything), '{"a":"é€😀"}'].map((body) =>
      Buffer.from(body),
    );
    const sink = await openSink(to(), queue);
    expect(await sink.write(sent.map((body) => new Message({ body })))).toEqual([]);
    await sink.close();
    const source = await openSource(to(), queue);
    const got = await take(source, sent.length);
    await source.close();
    expect(got.map(({ body }) => body?.length)).toEqual(sent.map((body) => body.length));
    expect(got.every(({ body }, i) => body?.equals(sent[i] as Buffer))).toBe(true);
  });

  test('carries hostile headers as they are', async () => {
    const queue = newQueue();
    const headers: [string, string][] = [
      ['plain', 'value'],
      ['colon:in:name', 'a:b:c'],
      ['back\\slash', 'C:\\root\\new'],
      ['line', 'a\nb\r\nc\r'],
      ['lead', '  blanks  '],
      ['unicode-é', '€ 😀 ﷽'],
      ['empty', ''],
      ['frame', 'x\n\nSEND\ndestination:/queue/victim\n\n'],
      ['hasOwnProperty', '1'],
      ['__proto__', '2'],
      ['constructor', '3'],
      ['Case', 'A'],
      ['case', 'a'],
      ['long', 'x'.repeat(3000)],
      ...Array.from({ length: 100 }, (_, i): [string, string] => [`h${i}`, String(i)]),
    ];
    const sink = await openSink(to(), queue);
    expect(await sink.write([new Message({ body: Buffer.from('x'), headers })])).toEqual([]);
    await sink.close();
    const source = await openSource(to(), queue);
    const [got] = await take(source, 1);
    await source.close();
    const sorted = (list: readonly (readonly [string, unknown])[]) => [...list].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(got?.headers ?? [])).toEqual(sorted(headers));
    expect(await drain(to(), '/queue/victim', 200)).toEqual([]);
  });

  test('carries properties in their own places', async () => {
    const queue = newQueue();
    const expiresAt = Date.now() + 3_600_000;
    const sent = {
      contentType: 'application/json; charset=utf-8',
      contentEncoding: 'gzip',
      type: 'order.created',
      correlationId: 'c:1',
      priority: 7,
      expiresAt,
      persistent: true,
    };
    const sink = await openSink(to(), queue);
    expect(await sink.write([new Message({ body: Buffer.from('x'), ...sent, replyTo: '/queue/answers' })])).toEqual([]);
    await sink.close();
    const source = await openSource(to(), queue);
    const [got] = (await take(source, 1)) as [Message];
    await source.close();
    for (const [name, value] of Object.entries(sent)) {
      if (name === 'expiresAt') expect(Math.abs((got.expiresAt as number) - expiresAt)).toBeLessThan(10_000);
      else expect([name, got[name as keyof Message]]).toEqual([name, value]);
    }
    expect(got.replyTo).toBeDefined();
    expect(got.headers).toEqual([]);
    expect(got.origin).toMatchObject({ redelivered: false });
    expect(got.lane).toBe(queue);
  });
}

function promises({ subject, newQueue, to, broker }: Env): void {
  test('delivers in order what was written in many pipelined writes', async () => {
    const queue = newQueue();
    const sink = await openSink(to(), queue);
    const writes = Array.from({ length: 10 }, (_, i) => sink.write(texts(100, `${i}.`)));
    expect((await Promise.all(writes)).flat()).toEqual([]);
    await sink.close();
    const source = await openSource(to(), queue);
    const expected = Array.from({ length: 10 }, (_, i) => bodies(texts(100, `${i}.`))).flat();
    expect(bodies(await take(source, 1000))).toEqual(expected);
    await source.close();
    expect(await drain(to(), queue, 200)).toEqual([]);
  });

  test('delivers again what was not acked when the link ended, in order where that is promised, and nothing that was', async () => {
    const queue = newQueue();
    const sink = await openSink(to(), queue);
    await sink.write(texts(30));
    await sink.close();
    const first = await openSource(to(), queue, { prefetch: 30 });
    const batches: NonNullable<Awaited<ReturnType<Source['read']>>>[] = [];
    while (batches.length < 30) {
      const batch = await first.read({ messages: 1, bytes: Infinity }, AbortSignal.timeout(10_000));
      if (!batch) throw new Error(`only ${batches.length} came`);
      batches.push(batch);
    }
    const acked = [25, 3, 4, 17, 9];
    for (const index of acked) batches[index]?.ack();
    await first.close();
    batches[0]?.ack(); // of a dead link: void
    const second = await openSource(to(), queue);
    const again = await take(second, 25);
    await second.close();
    const left = texts(30).filter((_, i) => !acked.includes(i));
    expect(inPromisedOrder(subject, bodies(again))).toEqual(bodies(left));
    if (subject.name === 'rabbitmq') expect(again.every((message) => message.origin['redelivered'] === true)).toBe(true);
    expect(await drain(to(), queue, 200)).toEqual([]);
  });

  test('goes on, after each cut, at or before the oldest unacked message, without a gap where order is promised', async () => {
    const queue = newQueue();
    const sink = await openSink(to(), queue);
    await sink.write(texts(400));
    await sink.close();
    const proxy = await startProxy(broker().ports['stomp'] as number);
    const through = connection(proxy.port, { vhost: subject.vhost, broker: subject.name });
    const seen = new Set<number>();
    // Artemis gives up on a message after ten deliveries, whether it was read or only sent ahead.
    const cutsMax = subject.name === 'artemis' ? 8 : 12;
    for (let cuts = 0, acked = 0; cuts < cutsMax; cuts++) {
      const source = await openSource(through, queue, { prefetch: 20 });
      const numbers = bodies(await take(source, 10)).map((body) => Number(body.slice(1)));
      proxy.cut();
      await source.close();
      // Without a pause a new link is now and then served while the broker still believes in the old one. This is the engine's shortest.
      await sleep(500);
      const [first = Infinity] = numbers;
      if (profileNamed(subject.name).redeliversInOrder) {
        expect(first).toBeLessThanOrEqual(acked);
        expect(numbers).toEqual(numbers.map((_, i) => first + i));
      }
      acked = Math.max(acked, first + numbers.length);
      for (const number of numbers) seen.add(number);
    }
    await proxy.close();
    for (const body of bodies(await drain(to(), queue))) seen.add(Number(body.slice(1)));
    expect(seen.size).toBe(400);
  });

  test('is not taken for another broker than the config names', async () => {
    const broker = subject.name === 'artemis' ? 'activemq' : 'artemis';
    await expect(openSource({ ...to(), broker }, newQueue())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('never holds much more than its prefetch, and goes on after acks', async () => {
    const queue = newQueue();
    const sink = await openSink(to(), queue);
    await sink.write(texts(600));
    await sink.close();
    const source = await openSource(to(), queue, { prefetch: 20 });
    let held = 0;
    for (;;) {
      const batch = await source.read({ messages: 1000, bytes: Infinity }, AbortSignal.timeout(500));
      if (!batch) break;
      held += batch.messages.length;
    }
    // Artemis counts bytes, so that more small messages come; the rest is held back by TCP.
    expect(held).toBeGreaterThanOrEqual(20);
    expect(held).toBeLessThanOrEqual(subject.name === 'artemis' ? 300 : 20);
    await source.close();
    const second = await openSource(to(), queue, { prefetch: 20 });
    expect(inPromisedOrder(subject, bodies(await take(second, 600)))).toEqual(bodies(texts(600)));
    await second.close();
    expect(await drain(to(), queue, 200)).toEqual([]);
  });

  test('says AUTH when the login is wrong, without the password', async () => {
    const wrong = { ...to(), url: [`stomp://mq:canary-secret@127.0.0.1:${new URL(to().url[0] as string).port}`] };
    const error = await openSink(wrong, newQueue()).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'AUTH' });
    expect(String(error)).not.toContain('canary');
  });

  test('looks at a broker without leaving a trace', async () => {
    const found = await checkSource(
      { connection: to(), destination: '/queue/nobody', prefetch: undefined, selector: undefined, durable: undefined },
      context(),
    );
    expect(found.every(({ ok }) => ok)).toBe(true);
    const bad = await checkSink({ connection: to(), destination: constant('nowhere\n'), confirmTimeout: 1000 }, context());
    expect(bad.map(({ ok }) => ok)).toEqual([true, true, false]);
  });
}

/** As it came where the broker keeps order, else sorted: all of it must be there. */
function inPromisedOrder(subject: Subject, found: string[]): string[] {
  if (profileNamed(subject.name).redeliversInOrder) return found;
  return found.sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
}

function refusals({ subject, newQueue, to }: Env): void {
  test('refuses what would be an order, cut or misread, and delivers its neighbours', async () => {
    const queue = newQueue();
    const bad: Message[] = [
      ['transaction', 'zz'],
      ['Destination', '/queue/victim'],
      ['receipt', 'r'],
      ['content-length', '1'],
      ['CC', 'victim'],
      ['AMQ_SCHEDULED_DELAY', '1000'],
      ['_AMQ_SCHED_DELIVERY', '9999999999999'],
      ['nul', 'a\0b'],
      ['half', '\ud800'],
      ['', 'no name'],
    ].map(([name, value]) => new Message({ body: Buffer.from('bad'), headers: [[name as string, value as string]] }));
    const sink = await openSink(to(), queue);
    const written = bad.flatMap((message, i) => [message, new Message({ body: Buffer.from(`good${i}`) })]);
    const refused = await sink.write(written);
    await sink.close();
    expect(refused.map(({ message }) => message)).toEqual(bad);
    expect(refused.every(({ error, retry }) => error.code === 'UNMAPPABLE' && !retry)).toBe(true);
    expect(bodies(await drain(to(), queue))).toEqual(bad.map((_, i) => `good${i}`));
  });

  test('sends each message where its template says, and refuses a destination that the broker would misread', async () => {
    const queue = newQueue();
    const sink = await openSink(to(), (message) => String(message.header('to')));
    const message = (destination: string) => new Message({ body: Buffer.from(destination), headers: [['to', destination]] });
    const bad = ['', '/queue/', `${queue}\n`, ` ${queue}`];
    if (subject.name === 'activemq') bad.push(`${queue},victim`, '/queue/>', '/queue/a.*', `${queue}?x=1`, 'victim');
    if (subject.name === 'rabbitmq') bad.push(`${queue}/x`, 'victim', '/temp-queue/x', '/queue/%');
    if (subject.name === 'artemis') bad.push('/queue/a::b', 'activemq.management', '/queue/$sys');
    const refused = await sink.write([message(`${queue}-a`), ...bad.map(message), message(`${queue}-b`)]);
    expect(refused.map((refusal) => String(refusal.message.body))).toEqual(bad);
    expect(bodies(await drain(to(), `${queue}-a`, 200))).toEqual([`${queue}-a`]);
    expect(bodies(await drain(to(), `${queue}-b`, 200))).toEqual([`${queue}-b`]);
    await sink.close();
  });

  test('an ERROR of the broker ends the link; what it keeps behind the refused frame is why keepsOrder is none', async () => {
    const queue = newQueue();
    const client = await rawClient(to());
    const destination = profileOf(client.server)
      .destination(queue, 'SEND')
      .map(([name, value]) => headerLine(name, value))
      .join('');
    const send = (body: string, more = '') =>
      client.write(`SEND\n${destination}${more}persistent:true\nreceipt:${body}\n`, Buffer.from(body));
    send('good1');
    send('bad', subject.refusedBy);
    send('good2');
    await until('the broker has answered', () => client.ended !== undefined);
    expect(client.ended?.code).toBe('NOT_CONNECTED');
    const found = bodies(await drain(to(), queue));
    expect(found).toEqual(subject.keptAround);
  });
}

function topics({ subject, to }: Env): void {
  test('a durable subscription keeps what was sent while nobody read', async () => {
    const topic = '/topic/news';
    const durable = { name: 'sub1', clientId: 'mqferry-durable' };
    await (await openSource(to(), topic, { durable })).close();
    const sink = await openSink(to(), topic);
    await sink.write(texts(5));
    await sink.close();
    const source = await openSource(to(), topic, { durable });
    expect(bodies(await take(source, 5, false))).toEqual(bodies(texts(5)));
    await source.close();
    const again = await openSource(to(), topic, { durable });
    expect(bodies(await take(again, 5))).toEqual(bodies(texts(5)));
    await again.close();
  });

  test('a selector takes only what it selects; a broker without selectors says so', async () => {
    const queue = '/queue/selected';
    const open = async () => openSource(to(), queue, { selector: "region = 'eu'" });
    if (subject.name === 'rabbitmq') {
      await expect(open()).rejects.toThrow('rabbitmq has no selectors');
      return;
    }
    const sink = await openSink(to(), queue);
    const message = (region: string) => new Message({ body: Buffer.from(region), headers: [['region', region]] });
    await sink.write(['us', 'eu', 'asia', 'eu'].map(message));
    await sink.close();
    const source = await open();
    expect(bodies(await take(source, 2))).toEqual(['eu', 'eu']);
    await source.close();
    expect(bodies(await drain(to(), queue))).toEqual(['us', 'asia']);
  });
}

function peers({ newQueue, to, subject }: Env): void {
  test('reads what stompit wrote, and stompit reads what it writes', async () => {
    const [there, back] = [newQueue(), newQueue()];
    const peer = await stompitClient(to());
    const place = (queue: string, kind: 'destination-type' | 'subscription-type') =>
      subject.name === 'artemis' ? { destination: queue, [kind]: 'ANYCAST' } : { destination: queue };
    await new Promise<void>((resolve) => {
      const body = Buffer.from('from\0stompit');
      const headers = { ...place(there, 'destination-type'), persistent: 'true', 'content-length': String(body.length), 'x-a': 'b:c\\d' };
      peer.send(headers, { onReceipt: resolve }).end(body);
    });
    const source = await openSource(to(), there);
    const [got] = (await take(source, 1)) as [Message];
    await source.close();
    expect([String(got.body), got.header('x-a')]).toEqual(['from\0stompit', 'b:c\\d']);

    const sink = await openSink(to(), back);
    await sink.write([new Message({ body: Buffer.from('to\0stompit'), headers: [['x-a', 'b:c\\d\n']] })]);
    await sink.close();
    const received = await new Promise<{ header: string | undefined; body: string }>((resolve, reject) => {
      peer.subscribe({ ...place(back, 'subscription-type'), ack: 'client-individual' }, (error, message) => {
        if (error) return reject(error);
        readAll(message).then((body) => {
          peer.ack(message);
          resolve({ header: message.headers['x-a'], body });
        }, reject);
      });
    });
    peer.destroy();
    expect(received).toEqual({ header: 'b:c\\d\n', body: 'to\0stompit' });
  });
}

function restarts({ to, broker }: Env): void {
  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'survives a restart of the broker by %s: the link is lost, confirmed messages are there',
    async (signal) => {
      const queue = restarted[signal];
      const sink = await openSink(to(), queue);
      await sink.write(texts(200));
      const source = await openSource(to(), queue);
      const held = await take(source, 50, false);
      const reading = source.read({ messages: 1000, bytes: Infinity }, never).then(async (batch) => {
        for (let next = batch; next; next = await source.read({ messages: 1000, bytes: Infinity }, never));
      });
      const lost = expect(reading).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
      await broker().stop(signal);
      await lost;
      await expect(sink.write(texts(1))).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
      await Promise.all([sink.close(), source.close()]);
      await broker().start();
      const again = await openSource(to(), queue);
      const got = new Set(bodies(await take(again, 200)));
      await again.close();
      expect(held).toHaveLength(50);
      expect(got.size).toBe(200);
    },
  );
}

function rawClient(to: ConnectionConfig): Promise<StompClient> {
  const url = new URL(to.url[0] as string);
  return StompClient.connect(
    {
      host: url.hostname,
      port: Number(url.port),
      vhost: to.vhost,
      login: url.username,
      passcode: url.password,
      heartBeatMs: 10_000,
      connectTimeoutMs: 5_000,
      limits: { headerBytes: 65_536, headers: 1000, bodyBytes: 1_000_000 },
    },
    never,
  );
}

function stompitClient(to: ConnectionConfig): Promise<Parameters<Parameters<typeof stompit.connect>[1]>[1]> {
  const url = new URL(to.url[0] as string);
  return new Promise((resolve, reject) => {
    const connectHeaders = { host: to.vhost, login: url.username, passcode: url.password, 'heart-beat': '0,0' };
    stompit.connect({ host: url.hostname, port: Number(url.port), connectHeaders }, (error, client) => {
      if (error) return reject(error);
      client.on('error', () => {});
      resolve(client);
    });
  });
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
