import type { GetMessage } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HeaderValue, type Message, type Refusal, Typed } from '../../../src/connector.ts';
import { createEngine } from '../../../src/index.ts';
import { until } from '../../brokers/broker.ts';
import { countReady, drain, makeQueues, type RabbitmqBroker, rabbitmq, untilReady, withChannel } from '../../brokers/rabbitmq.ts';
import { constant, cutConnections, errorOf, message, never, readSome, settings, sinkEnd, sourceEnd, using } from './ends.ts';

let broker: RabbitmqBroker;
beforeAll(async () => {
  broker = await rabbitmq.start();
});
afterAll(() => broker.dispose());

const text = (m: Message | GetMessage) => ('content' in m ? m.content : m.body)?.toString();
const codes = (refusals: readonly Refusal[]) => refusals.map((r) => [text(r.message), r.error.code, r.retry]);
const byKey = { routingKey: Object.assign((m: Message) => m.type ?? '', {}) };

test('a write resolves when the broker has every message, persistent and in order', async () => {
  await makeQueues(broker, ['in']);
  const all = Array.from({ length: 300 }, (_, i) => message(`m${i}`));
  await using(sinkEnd(broker, 'in'), async (sink) => {
    const writes = [sink.write(all.slice(0, 100)), sink.write(all.slice(100, 101)), sink.write(all.slice(101))];
    expect(await Promise.all(writes)).toEqual([[], [], []]);
    expect(await sink.write([])).toEqual([]);
  });
  const got = await drain(broker, 'in');
  expect(got.map(text)).toEqual(all.map(text));
  expect(got.every((m) => m.properties.deliveryMode === 2)).toBe(true);
});

describe('bodies arrive bit by bit as they were', () => {
  const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const pattern = (bytes: number) => Buffer.alloc(bytes, binary);
  test.each([0, 1, 16_383, 16_384, 16_385, 65_535, 131_064, 131_065, 1_048_576])('%i bytes', async (bytes) => {
    await makeQueues(broker, ['bodies']);
    // Neighbours show that no frame runs into the next.
    const bodies = [pattern(3), pattern(bytes), pattern(7), pattern(bytes)];
    await using(sinkEnd(broker, 'bodies'), async (sink) => expect(await sink.write(bodies.map((b) => message(b)))).toEqual([]));
    await using(sourceEnd(broker, 'bodies'), async (source) => {
      const got = await readSome(source, 4, { ack: true });
      expect(got.map((m, i) => m.body?.equals(bodies[i]!))).toEqual([true, true, true, true]);
    });
  });
});

describe('headers and properties', () => {
  const headers: [string, HeaderValue][] = [
    ['text', 'grün'],
    ['long', 2n ** 63n - 1n],
    ['five', 5],
    ['byte', new Typed('int8', -5)],
    ['ubyte', new Typed('uint8', 200)],
    ['short', new Typed('int16', 300)],
    ['ushort', new Typed('uint16', 65_535)],
    ['int', new Typed('int32', 5)],
    ['uint', new Typed('uint32', 4_294_967_295)],
    ['double', new Typed('double', 5)],
    ['fraction', 1.25],
    ['float', new Typed('float', 0.5)],
    ['decimal', new Typed('decimal', '123.45')],
    ['time', new Date(1_700_000_000_000)],
    ['bytes', Buffer.from([0, 255])],
    ['not utf8', new Typed('longstr', Buffer.from([0xc3, 0x28]))],
    ['null', null],
    ['yes', true],
    ['list', ['a', new Typed('int8', 1), [null]]],
    [
      'map',
      new Map<string, HeaderValue>([
        ['__proto__', 1],
        ['!', 'int64'],
      ]),
    ],
    ['__proto__', 'x'],
  ];
  const properties = {
    id: 'i'.repeat(255),
    correlationId: 'c',
    replyTo: 'r',
    timestamp: 1_700_000_000_000,
    priority: 3,
    contentType: 'text/plain',
    contentEncoding: 'gzip',
    type: 't',
    persistent: true,
  };

  test.each([
    ['classic', {}],
    ['quorum', { 'x-queue-type': 'quorum' }],
  ])('come back from a %s queue with their types', async (kind, args) => {
    await makeQueues(broker, [`typed ${kind}`], args);
    await using(sinkEnd(broker, `typed ${kind}`), async (sink) =>
      expect(await sink.write([message('x', { headers, ...properties })])).toEqual([]),
    );
    await using(sourceEnd(broker, `typed ${kind}`), async (source) => {
      const [got] = await readSome(source, 1, { ack: true });
      expect(got!.headers).toEqual(headers);
      expect(got).toMatchObject(properties);
    });
  });

  test('are what another client reads', async () => {
    await makeQueues(broker, ['other']);
    await using(sinkEnd(broker, 'other'), (sink) =>
      sink.write([message('x', { headers: headers.slice(0, 16), ...properties, expiresAt: Date.now() + 60_000 })]),
    );
    const [got] = await drain(broker, 'other');
    expect(got!.properties).toMatchObject({
      messageId: properties.id,
      correlationId: 'c',
      replyTo: 'r',
      timestamp: 1_700_000_000,
      priority: 3,
      contentType: 'text/plain',
      contentEncoding: 'gzip',
      type: 't',
      deliveryMode: 2,
      userId: undefined,
    });
    expect(Number(got!.properties.expiration)).toBeGreaterThan(50_000);
    expect(got!.properties.headers).toMatchObject({ text: 'grün', five: 5, double: 5, time: { '!': 'timestamp', value: 1_700_000_000 } });
    expect(got!.properties.headers!['decimal']).toEqual({ '!': 'decimal', value: { places: 2, digits: 12_345 } });
  });

  test('are read as another client wrote them', async () => {
    await makeQueues(broker, ['foreign']);
    await withChannel(broker, async (channel) => {
      const types = { a: { '!': 'int64', value: 7 }, b: 7, c: { '!': 'float', value: 2 }, d: { '!': 'timestamp', value: 1_700_000_000 } };
      channel.sendToQueue('foreign', Buffer.from('x'), { headers: types, appId: 'app', userId: 'mq', deliveryMode: 1, expiration: 60_000 });
      await channel.checkQueue('foreign');
    });
    await using(sourceEnd(broker, 'foreign'), async (source) => {
      const [got] = await readSome(source, 1, { ack: true });
      expect(got!.headers).toEqual([
        ['a', 7],
        ['b', new Typed('int8', 7)],
        ['c', new Typed('float', 2)],
        ['d', new Date(1_700_000_000_000)],
      ]);
      expect(got!.appId).toBe('app');
      expect(got!.origin).toMatchObject({ userId: 'mq' });
      expect(got!.persistent).toBe(false);
      expect(got!.expiresAt! - Date.now()).toBeGreaterThan(30_000);
    });
  });

  test('that RabbitMQ would hang up on are refused for good, and their neighbours arrive', async () => {
    await makeQueues(broker, ['neighbours']);
    const bad = [
      message('id', { id: 'x'.repeat(256) }),
      message('priority', { priority: 300 }),
      message('nan', { headers: [['h', Number.NaN]] }),
      message('infinite', { headers: [['h', new Map([['x', Number.POSITIVE_INFINITY]])]] }),
      message('big', { headers: [['h', 'x'.repeat(70_000)]] }),
      message('name', { headers: [['x'.repeat(300), 1]] }),
      message('reply', { replyTo: 'amq.rabbitmq.reply-to' }),
      message('cc', { headers: [['CC', 'text kills the channel']] }),
    ];
    const good = bad.map((_, i) => message(`good ${i}`));
    const mixed = bad.flatMap((m, i) => [m, good[i]!]);
    await using(sinkEnd(broker, 'neighbours'), async (sink) => {
      const refusals = await sink.write(mixed);
      expect(refusals.map((r) => r.message)).toEqual(bad);
      expect(refusals.every((r) => !r.retry && /UNMAPPABLE|TOO_LARGE/.test(r.error.code))).toBe(true);
      expect(await sink.write([message('after')])).toEqual([]);
    });
    expect((await drain(broker, 'neighbours')).map(text)).toEqual([...good.map(text), 'after']);
  });

  test('of a dangerous kind are harmless: the longest headers, an expired message, a great expiry', async () => {
    await makeQueues(broker, ['edge']);
    const edge = [
      message('long', { headers: [['h', 'x'.repeat(65_400)]] }),
      message('many', { headers: Array.from({ length: 3_000 }, (_, i) => [`h${i}`, i] as const) }),
      message('great expiry', { expiresAt: Date.now() + 2 ** 32 - 1 }),
      message('fractional expiry', { expiresAt: Date.now() + 60_000.5 }),
      message('user', {
        headers: [
          ['userId', 'root'],
          ['expiration', 'x'],
          ['!', 'x'],
        ],
      }),
    ];
    await using(sinkEnd(broker, 'edge'), async (sink) => expect(await sink.write(edge)).toEqual([]));
    expect((await drain(broker, 'edge')).map(text)).toEqual(edge.map(text));
  });
});

describe('unroutable messages', () => {
  test('are refused as UNROUTABLE, each by itself, among many that look alike', async () => {
    await withChannel(broker, async (channel) => {
      await channel.assertExchange('partly', 'direct');
      await channel.assertQueue('there');
      await channel.bindQueue('there', 'partly', 'yes');
    });
    // Equal ids and bodies on purpose: only the routing key, a header or the expiry tell them apart.
    const all = Array.from({ length: 500 }, (_, i) =>
      message('same', {
        id: 'same',
        type: i % 3 === 0 ? 'no' : i % 7 === 0 ? 'neither' : 'yes',
        headers: [['n', i]],
        expiresAt: Date.now() + 3_600_000,
      }),
    );
    await using(sinkEnd(broker, { exchange: 'partly', ...byKey }), async (sink) => {
      const refused = (await Promise.all([0, 100, 200, 300, 400].map((from) => sink.write(all.slice(from, from + 100))))).flat();
      const numbers = (list: readonly Message[]) => list.map((m) => m.header('n'));
      expect(numbers(refused.map((r) => r.message))).toEqual(numbers(all.filter((m) => m.type !== 'yes')));
      expect(refused.every((r) => r.error.code === 'UNROUTABLE' && r.retry)).toBe(true);
    });
    const arrived = await drain(broker, 'there');
    expect(arrived.map((m) => m.properties.headers!['n'])).toEqual(all.flatMap((m, i) => (m.type === 'yes' ? [i] : [])));
  });

  test('are told apart by a header alone, as with a headers exchange', async () => {
    await withChannel(broker, async (channel) => {
      await channel.assertQueue('picked');
      await channel.bindQueue('picked', 'amq.headers', '', { 'x-match': 'all', pick: 'yes' });
    });
    const all = Array.from({ length: 60 }, (_, i) =>
      message('same', {
        headers: [
          ['pick', i % 3 === 2 ? 'no' : 'yes'],
          ['n', i % 5],
        ],
      }),
    );
    await using(sinkEnd(broker, { exchange: 'amq.headers', routingKey: constant('') }), async (sink) => {
      const refused = (await Promise.all([sink.write(all.slice(0, 30)), sink.write(all.slice(30))])).flat();
      expect(refused.map((r) => r.message)).toEqual(all.filter((m) => m.header('pick') === 'no'));
    });
    expect(await countReady(broker, 'picked')).toBe(40);
  });

  test('that are equal in every byte are refused as often as they were returned', async () => {
    await using(sinkEnd(broker, { queue: Object.assign(() => 'no queue of this name', {}) }), async (sink) => {
      const twins = Array.from({ length: 20 }, () => message('twin'));
      const refused = await sink.write(twins);
      expect(refused.map((r) => r.message)).toEqual(twins);
    });
  });

  test('are recognised when their routing key would be another by now', async () => {
    let calls = 0;
    await using(sinkEnd(broker, { queue: Object.assign(() => `nowhere ${calls++}`, {}) }), async (sink) => {
      const two = [message('a'), message('b')];
      expect((await sink.write(two)).map((r) => r.message)).toEqual(two);
    });
  });

  test('of 1 MiB are refused too', async () => {
    await using(sinkEnd(broker, { queue: Object.assign(() => 'no queue of this name', {}) }), async (sink) => {
      expect(codes(await sink.write([message(Buffer.alloc(1_048_576, 'b'))]))).toMatchObject([[expect.any(String), 'UNROUTABLE', true]]);
    });
  });

  test('arrive when they are written again after the queue was bound', async () => {
    await withChannel(broker, (channel) => channel.assertExchange('later', 'direct'));
    await using(sinkEnd(broker, { exchange: 'later', routingKey: constant('k') }), async (sink) => {
      expect(codes(await sink.write([message('a')]))).toEqual([['a', 'UNROUTABLE', true]]);
      await withChannel(broker, async (channel) => {
        await channel.assertQueue('later');
        await channel.bindQueue('later', 'later', 'k');
      });
      expect(await sink.write([message('a')])).toEqual([]);
    });
    expect(await countReady(broker, 'later')).toBe(1);
  });
});

test('a routing key that cannot be made refuses its message for good; its neighbours arrive', async () => {
  await makeQueues(broker, ['template']);
  const queue = Object.assign((m: Message) => (m.json() as { q: string }).q, {});
  const all = [message('{"q":"template"}'), message('no json'), message(`{"q":"${'x'.repeat(256)}"}`), message('{"q":"template"}')];
  await using(sinkEnd(broker, { queue }), async (sink) => {
    const refusals = await sink.write(all);
    expect(refusals.map((r) => [r.message, r.error.code, r.retry])).toEqual([
      [all[1], 'UNMAPPABLE', false],
      [all[2], 'UNMAPPABLE', false],
    ]);
  });
  expect(await countReady(broker, 'template')).toBe(2);
});

test('what a full queue refuses (reject-publish) is refused for retry, and the rest is confirmed', async () => {
  await makeQueues(broker, ['full'], { 'x-max-length': 5, 'x-overflow': 'reject-publish' });
  await using(sinkEnd(broker, 'full'), async (sink) => {
    let accepted = 0;
    for (let i = 0; i < 20; i++) {
      const refusals = await sink.write([message(String(i))]);
      if (refusals.length === 0) accepted++;
      else expect(codes(refusals)).toEqual([[String(i), 'REFUSED', true]]);
    }
    await untilReady(broker, 'full', accepted);
    expect(accepted).toBeLessThan(20);
    expect((await sink.write(Array.from({ length: 50 }, () => message('x')))).length).toBe(50);
  });
});

test.each([
  ['is left alone by its breaker, and nothing has failed when it has room again', ', breaker: { failures: 3, openFor: 200ms }', 0],
  ['costs dead letters without one', '', 40],
])('a route to a full queue: %s', async (_, breaker, letters) => {
  const queue = letters === 0 ? 'filled' : 'filled.plain';
  await makeQueues(broker, [queue], { 'x-max-length': 5, 'x-overflow': 'reject-publish' });
  const text = `
routes:
  a:
    source: { generate: { count: 60, interval: 0, body: '\${{ string(origin.sequence) }}' } }
    sink: { rabbitmq: { connection: { url: "${broker.url()}" }, queue: ${queue}${breaker} } }
    onError: { retry: { attempts: 3, backoff: 10ms..20ms }, deadLetter: { local: { queue: letters } } }
  b: { source: { local: { queue: letters } }, sink: { print: {} } }
`;
  const { engine } = await createEngine({ routes: { texts: [{ name: 'a.yaml', text }] } });
  await engine.start();
  try {
    const books = () => engine.view('a')?.books ?? { delivered: 0, deadLettered: 0 };
    await until('the queue refuses', () => (engine.view('a')?.run?.pumps[0]?.outboxes[0]?.refused ?? 0) >= 3);
    if (letters > 0) {
      await until('letters are there', () => books().deadLettered >= letters);
      return;
    }
    const taken = new Set<string>();
    await until('all have arrived', async () => {
      for (const { content } of await drain(broker, queue)) taken.add(content.toString());
      return taken.size === 60;
    });
    await until('all are confirmed', () => books().delivered === 60);
    expect(books()).toMatchObject({ deadLettered: 0 });
  } finally {
    await engine.stop(1000);
  }
});

describe('the end of a link', () => {
  test('opening says NOT_FOUND for an exchange or a queue that is not there', async () => {
    expect(await errorOf(sinkEnd(broker, { exchange: 'nowhere', routingKey: constant('k') }).open(never))).toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await errorOf(sinkEnd(broker, 'nowhere').open(never))).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('an exchange that is deleted ends all open writes with NOT_CONNECTED, and opening then says NOT_FOUND', async () => {
    await withChannel(broker, (channel) => channel.assertExchange('gone', 'fanout'));
    const end = sinkEnd(broker, { exchange: 'gone', routingKey: constant('') });
    const sink = await end.open(never);
    await withChannel(broker, (channel) => channel.deleteExchange('gone'));
    const writes = [sink.write([message('a'), message('b')]), sink.write([message('c')])];
    for (const error of await Promise.all(writes.map(errorOf))) expect(error).toMatchObject({ code: 'NOT_CONNECTED' });
    expect(await errorOf(sink.write([message('d')]))).toMatchObject({ code: 'NOT_CONNECTED' });
    await sink.close();
    await sink.close();
    expect(await errorOf(end.open(never))).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('a message that the broker hangs up on ends the link with NOT_CONNECTED; its neighbours arrive one by one', async () => {
    await makeQueues(broker, ['hang up']);
    await broker.ctl('eval', 'application:set_env(rabbit, max_message_size, 100000), persistent_term:put(max_message_size, 100000).');
    const end = sinkEnd(broker, 'hang up');
    const poison = message(Buffer.alloc(200_000));
    const all = [message('before'), poison, message('after')];
    expect(await errorOf(using(end, (sink) => sink.write(all)))).toMatchObject({ code: 'NOT_CONNECTED' });
    for (const one of all) {
      const result = await using(end, (sink) => sink.write([one])).catch((error: { code: string }) => error.code);
      expect(result).toEqual(one === poison ? 'NOT_CONNECTED' : []);
    }
    const distinct = new Set((await drain(broker, 'hang up')).map(text));
    expect(distinct).toEqual(new Set(['before', 'after']));
  });

  test('a missing write permission is FORBIDDEN', async () => {
    await makeQueues(broker, ['mine']);
    await broker.api('PUT', 'users/reader', { password: 'reader-pass', tags: '' });
    await broker.api('PUT', 'permissions/mq/reader', { configure: '', write: '', read: '.*' });
    const url = broker.url().replace('mq:mq-pass', 'reader:reader-pass');
    const sink = await sinkEnd(broker, { connection: settings(url), queue: constant('mine') }).open(never);
    expect(await errorOf(sink.write([message('a')]))).toMatchObject({ code: 'FORBIDDEN' });
    await sink.close();
  });

  test('a cut link ends open writes with NOT_CONNECTED', async () => {
    await makeQueues(broker, ['cut']);
    const sink = await sinkEnd(broker, 'cut', { clientId: 'sink-to-be-cut' }).open(never);
    await cutConnections(broker, 'sink-to-be-cut');
    await until('the sink knows', () =>
      sink.write([message('a')]).then(
        () => false,
        (error: { code: string }) => error.code === 'NOT_CONNECTED',
      ),
    );
    await sink.close();
  });

  test('close ends writes that are open', async () => {
    await makeQueues(broker, ['closing']);
    const sink = await sinkEnd(broker, 'closing').open(never);
    const writing = sink.write([message('a')]).then(
      () => 'confirmed',
      (error: { code: string }) => error.code,
    );
    await sink.close();
    expect(await writing).toMatch(/confirmed|NOT_CONNECTED/);
  });
});

test('a broker that blocks publishers is waited for, beyond the time-out for confirms', async () => {
  await makeQueues(broker, ['blocked']);
  const lines: string[] = [];
  const log = {
    error: () => {},
    warn: (_f: object, line: string) => void lines.push(line),
    info: (_f: object, line: string) => void lines.push(line),
    debug: () => {},
  };
  await using(sinkEnd(broker, { queue: constant('blocked'), confirmTimeout: 300 }, { log }), async (sink) => {
    expect(await sink.write([message('first')])).toEqual([]);
    await broker.ctl('set_vm_memory_high_watermark', 'absolute', '1MiB');
    let done = false;
    const writing = sink.write([message('blocked')]).then((refusals) => {
      done = true;
      return refusals;
    });
    await until('the broker blocks', () => lines.length === 1);
    const since = Date.now();
    await until('five time-outs have passed', () => Date.now() - since > 1_500);
    expect(done).toBe(false);
    await broker.ctl('set_vm_memory_high_watermark', 'absolute', '2GiB');
    expect(await writing).toEqual([]);
    expect(lines).toEqual(['the broker has blocked publishers and is waited for', 'the broker takes messages again']);
  });
  expect(await countReady(broker, 'blocked')).toBe(2);
});
