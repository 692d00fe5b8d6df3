import { describe, expect, test } from 'vitest';
import type { SinkConfig, SourceConfig } from '../../../connectors/stomp/config.ts';
import { parseAddress } from '../../../connectors/stomp/connection.ts';
import { FrameReader } from '../../../connectors/stomp/frame-reader.ts';
import type { Frame } from '../../../connectors/stomp/frames.ts';
import { stomp } from '../../../connectors/stomp/index.ts';
import { toMessage } from '../../../connectors/stomp/message.ts';
import { type BrokerName, profileOf } from '../../../connectors/stomp/profiles.ts';
import { isReserved, reserved } from '../../../connectors/stomp/reserved.ts';
import { SendHeads } from '../../../connectors/stomp/send.ts';
import { compileRoutes } from '../../../src/index.ts';
import { type HeaderValue, Message, type MessageInit, Typed } from '../../../src/message.ts';
import { explain } from '../../../src/route/explain.ts';
import { connection, constant, context } from './ends.ts';

const rabbitmq = profileOf('RabbitMQ/3.10.8');
const activemq = profileOf('ActiveMQ/6.3.1');
const artemis = profileOf('ActiveMQ-Artemis/2.56.0 ActiveMQ Artemis Messaging Engine');
const other = profileOf('Apollo/1.7');

const now = 1_000_000;
const frame = (headers: [string, string][], fault?: Frame['fault']): Frame => ({
  command: 'MESSAGE',
  headers,
  body: Buffer.from('b'),
  fault,
});
const head = (init: Partial<MessageInit>, profile = activemq) =>
  new SendHeads(profile).head(new Message({ body: Buffer.from('b'), ...init }), 'destination:/queue/q\n', '1', now);

/** The header lines after those that every SEND has. */
const lines = (init: Partial<MessageInit>, profile = activemq) => String(head(init, profile)).split('\n').slice(5, -1);

test('a broker is known by what it says of itself', () => {
  expect([rabbitmq, activemq, artemis, other, profileOf('')].map(({ name }) => name)).toEqual([
    'rabbitmq',
    'activemq',
    'artemis',
    'unknown',
    'unknown',
  ]);
});

describe('a MESSAGE becomes a message', () => {
  test('RabbitMQ: seconds, relative expiry, its own message-id is no id', () => {
    const message = toMessage(
      frame([
        ['subscription', '0'],
        ['destination', '/queue/q'],
        ['message-id', 'T_0@@session@@1'],
        ['redelivered', 'true'],
        ['ack', 'T_0'],
        ['receipt', 'of the sender'],
        ['content-length', '1'],
        ['amqp-message-id', 'mine'],
        ['timestamp', '1700000000'],
        ['expiration', '5000'],
        ['expires', 'a header of the user'],
        ['priority', '200'],
        ['persistent', '1'],
        ['user-id', 'mq'],
        ['type', 't'],
        ['content-encoding', 'gzip'],
        ['a', '1'],
        ['a', '2'],
      ]),
      rabbitmq,
      'lane',
      now,
    );
    expect(message).toMatchObject({
      ...{
        id: 'mine',
        timestamp: 1_700_000_000_000,
        expiresAt: now + 5000,
        priority: 200,
        persistent: true,
        type: 't',
        contentEncoding: 'gzip',
      },
      lane: 'lane',
    });
    expect(message.headers).toEqual([
      ['expires', 'a header of the user'],
      ['a', '1'],
    ]);
    expect(message.origin).toEqual({ destination: '/queue/q', messageId: 'T_0@@session@@1', redelivered: true, userId: 'mq' });
  });

  test('ActiveMQ: milliseconds, absolute expiry with 0 for never, a stable id', () => {
    const headers: [string, string][] = [
      ['message-id', 'ID:1'],
      ['timestamp', '1700000000000'],
      ['expires', '0'],
      ['expiration', 'x'],
      ['JMSXGroupID', 'g'],
    ];
    const message = toMessage(frame(headers), activemq, 'q', now);
    expect(message).toMatchObject({ id: 'ID:1', timestamp: 1_700_000_000_000, expiresAt: undefined, group: 'g', persistent: false });
    expect(message.headers).toEqual([['expiration', 'x']]);
    expect(toMessage(frame([['expires', '1700000000001']]), activemq, 'q', now).expiresAt).toBe(1_700_000_000_001);
  });

  test('Artemis: the broker goes before what the sender wrote under the same name; its message-id differs from copy to copy', () => {
    const headers: [string, string][] = [
      ['message-id', '39,29'],
      ['timestamp', '1700000000000'],
      ['message-id', 'mine'],
      ['timestamp', '123'],
      ['destination-type', 'ANYCAST'],
      ['_AMQ_GROUP_ID', 'g'],
    ];
    const message = toMessage(frame(headers), artemis, 'q', now);
    expect(message).toMatchObject({ id: undefined, timestamp: 1_700_000_000_000, group: 'g', headers: [] });
    expect(message.origin['messageId']).toBe('39,29');
  });

  test('nonsense in numbers is left out; a fault goes along', () => {
    const fault = new Error('x') as never;
    const message = toMessage(frame([['timestamp', '1e9'], ['priority', '-1'], ['expires', ' 5']], fault), activemq, 'q', now); // biome-ignore format: one line
    expect(message).toMatchObject({ timestamp: undefined, priority: undefined, expiresAt: undefined, fault });
  });
});

describe('a message becomes a SEND', () => {
  test('with destination, persistence, receipt and length first', () => {
    expect(head({ headers: [['a:b', 'c\nd']] })).toBe(
      'SEND\ndestination:/queue/q\npersistent:true\nreceipt:1\ncontent-length:1\na\\cb:c\\nd\n',
    );
  });

  test.each<[string, Partial<MessageInit>, typeof activemq, string[]]>([
    [
      'types',
      { contentType: 'text/plain', contentEncoding: 'gzip', type: 't' },
      activemq,
      ['content-type:text/plain', 'content-encoding:gzip', 'type:t'],
    ],
    ['a correlation id of bytes that are text', { correlationId: Buffer.from('é:') }, activemq, ['correlation-id:é\\c']],
    ['an absolute expiry', { expiresAt: now + 5 }, activemq, [`expires:${now + 5}`]],
    ['a relative expiry', { expiresAt: now + 4.2 }, rabbitmq, ['expiration:5']],
    ['an expiry in the past', { expiresAt: now - 5 }, rabbitmq, ['expiration:1']],
    ['a priority of RabbitMQ', { priority: 200 }, rabbitmq, ['priority:200']],
    ['a priority beyond JMS', { priority: 200 }, artemis, ['priority:9']],
    ['a time, which Artemis makes itself', { timestamp: now }, artemis, []],
    ['a time of RabbitMQ', { timestamp: now + 999 }, rabbitmq, ['timestamp:1000']],
    ['a time of ActiveMQ', { timestamp: now + 999 }, activemq, ['timestamp:1000999']],
    ['a group', { group: 'g' }, artemis, ['JMSXGroupID:g']],
    ['a group, which RabbitMQ has not', { group: 'g' }, rabbitmq, []],
    ['an id, for which only RabbitMQ has a place', { id: 'i' }, rabbitmq, ['amqp-message-id:i']],
    ['an id elsewhere', { id: 'i' }, activemq, []],
    ['an answer address of this kind', { replyTo: '/queue/a' }, activemq, ['reply-to:/queue/a']],
  ])('%s', (_what, init, profile, expected) => {
    expect(lines(init, profile)).toEqual(expected);
  });

  test.each<[HeaderValue, string]>([
    [1.5, '1.5'],
    [12345678901234567890n, '12345678901234567890'],
    [true, 'true'],
    [Buffer.from('é'), 'é'],
    [new Typed('int16', 7), '7'],
    [new Date(0), '1970-01-01T00\\c00\\c00.000Z'],
  ])('the value %s as text', (value, text) => {
    expect(lines({ headers: [['h', value]] })).toEqual([`h:${text}`]);
  });

  test.each<[string, Partial<MessageInit>, typeof activemq, string]>([
    ['NUL in a value', { headers: [['h', 'a\0']] }, activemq, 'UNMAPPABLE'],
    ['NUL in a name', { headers: [['h\0', 'a']] }, activemq, 'UNMAPPABLE'],
    ['NUL in a property', { type: 'a\0' }, activemq, 'UNMAPPABLE'],
    ['half a character', { headers: [['h', '\udc00']] }, activemq, 'UNMAPPABLE'],
    ['no name', { headers: [['', 'a']] }, activemq, 'UNMAPPABLE'],
    ['a repeated name', { headers: [['h', '1'], ['h', '2']] }, activemq, 'UNMAPPABLE'], // biome-ignore format: one line
    [
      'a repeat among many',
      { headers: [...Array.from({ length: 30 }, (_, i): [string, string] => [`h${i}`, '']), ['h3', '']] },
      activemq,
      'UNMAPPABLE',
    ],
    ['bytes that are no text', { headers: [['h', Buffer.from([255])]] }, activemq, 'UNMAPPABLE'],
    ['a list', { headers: [['h', ['a']]] }, activemq, 'UNMAPPABLE'],
    ['null', { headers: [['h', null]] }, activemq, 'UNMAPPABLE'],
    ['an answer address of another', { replyTo: 'amq.gen-x' }, activemq, 'UNMAPPABLE'],
    ['one that would make a queue', { replyTo: '/temp-queue/x' }, rabbitmq, 'UNMAPPABLE'],
    ['one that RabbitMQ would change', { replyTo: 'amq.gen-x' }, rabbitmq, 'UNMAPPABLE'],
    ['a time before 1970', { timestamp: -1 }, activemq, 'UNMAPPABLE'],
    ['an expiry beyond 49 days, where it is counted', { expiresAt: now + 2 ** 33 }, rabbitmq, 'UNMAPPABLE'],
    ['a header that is no time', { headers: [['h', new Date(Number.NaN)]] }, activemq, 'UNMAPPABLE'],
    ['a correlation id that is no text', { correlationId: Buffer.from([255]) }, activemq, 'UNMAPPABLE'],
    ['a header longer than ActiveMQ reads', { headers: [['h', 'é'.repeat(5000)]] }, activemq, 'TOO_LARGE'],
    [
      'more headers than ActiveMQ reads',
      { headers: Array.from({ length: 960 }, (_, i): [string, string] => [`h${i}`, '']) },
      activemq,
      'TOO_LARGE',
    ],
    ['a name longer than AMQP has', { headers: [['n'.repeat(256), '']] }, rabbitmq, 'UNMAPPABLE'],
    ['a property longer than AMQP has', { contentType: 'é'.repeat(128) }, rabbitmq, 'UNMAPPABLE'],
  ])('refuses %s', (_what, init, profile, code) => {
    expect(head(init, profile)).toMatchObject({ code });
  });

  test('refuses every reserved name, in any case; the message never orders', () => {
    for (const name of reserved) {
      const one = name.replace('*', 'x');
      for (const spelled of [one, one.toUpperCase()])
        expect([spelled, head({ headers: [[spelled, 'v']] })]).toMatchObject([spelled, { code: 'UNMAPPABLE' }]);
    }
    expect(['region', 'x-trace', 'traceparent', 'ids', 'x-delays', 'mqf-id'].some(isReserved)).toBe(false);
  });

  test('whatever is sent is read as it was', () => {
    const headers: [string, string][] = [['a:\\', '\r\n:\\c'], ['é', '😀'], ['e', '']]; // biome-ignore format: one line
    const bytes = Buffer.from(`${head({ headers })}\nb\0`);
    const frames: Frame[] = [];
    new FrameReader({ headerBytes: 1e4, headers: 99, bodyBytes: 99 }, (one) => frames.push(one)).feed(bytes);
    expect(toMessage(frames[0] as Frame, activemq, 'q', now).headers).toEqual(headers);
  });
});

describe('destinations', () => {
  test.each([
    ['rabbitmq', '/queue/a.b', undefined],
    ['rabbitmq', '/exchange/ex/a.#', undefined],
    ['rabbitmq', '/exchange/ex', undefined],
    ['rabbitmq', '/amq/queue/a%2Fb', undefined],
    ['rabbitmq', '/queue/a/b', /%2F/],
    ['rabbitmq', '/queue/%zz', /%25/],
    ['rabbitmq', '/temp-queue/a', /needs/],
    ['rabbitmq', `/queue/${'x'.repeat(256)}`, /255/],
    ['activemq', '/queue/a/b', undefined],
    ['activemq', '/queue/C,ADMIN', /without/],
    ['activemq', '/queue/F.>', /without/],
    ['activemq', '/topic/ActiveMQ.Advisory.Queue', /order/],
    ['activemq', '/queue/ActiveMQ.Scheduler.Management', /order/],
    ['activemq', '/queue/topic://x', /order/],
    ['activemq', '/queue/ActiveMQ.DLQ', undefined],
    ['artemis', '/queue/a', undefined],
    ['artemis', 'an.address', undefined],
    ['artemis', '/queue/', /no name/],
    ['artemis', 'activemq.management', /order/],
    ['artemis', 'a::b', /choose/],
    ['unknown', 'anything', undefined],
    ['unknown', '', /empty/],
    ['unknown', 'a\nb', /control/],
    ['unknown', 'a ', /blank/],
  ])('%s: %s', (name, destination, flaw) => {
    const profile = [rabbitmq, activemq, artemis, other].find((one) => one.name === name) as typeof rabbitmq;
    const found = profile.flaw(destination, false);
    if (flaw) expect(found).toMatch(flaw);
    else expect(found).toBeUndefined();
  });

  test('Artemis says the kind in a header, and leaves the name of a queue of an address alone', () => {
    expect(artemis.destination('/queue/a/b', 'SEND')).toEqual([['destination', '/queue/a/b'], ['destination-type', 'ANYCAST']]); // biome-ignore format: one line
    expect(artemis.destination('/topic/a', 'SUBSCRIBE')).toEqual([['destination', '/topic/a'], ['subscription-type', 'MULTICAST']]); // biome-ignore format: one line
    expect(artemis.destination('/queue/a::/queue/a', 'SUBSCRIBE')).toEqual([['destination', '/queue/a::/queue/a']]);
    expect(artemis.destination('orders', 'SEND')).toEqual([['destination', 'orders']]);
    expect(artemis.flaw('a::b', true)).toBeUndefined();
  });
});

describe('what the ends say of themselves', () => {
  const source = (destination: string, durable?: SourceConfig['durable'], broker?: BrokerName) => {
    const config = { connection: connection(1, { broker }), destination, prefetch: undefined, selector: undefined, durable };
    return stomp.source?.create(config, context()).can;
  };
  const sink = (destination: SinkConfig['destination']) =>
    stomp.sink?.create({ connection: connection(1), destination, confirmTimeout: 1 }, context()).can;

  test.each([
    ['rabbitmq', 'inOrder', /nobody else reads it/],
    ['activemq', 'inOrder', /nobody else reads it/],
    ['artemis', 'anyOrder', /Artemis may serve a new link before/],
    [undefined, 'anyOrder', /write `broker: activemq` or/],
  ] as const)('a broker that the config calls %s delivers again %s, and the reason is given', (broker, redelivers, note) => {
    for (const can of [source('/queue/q', undefined, broker), source('/topic/t', { name: 's', clientId: undefined }, broker)]) {
      expect(can?.redelivers).toBe(redelivers);
      expect(can?.notes?.join()).toMatch(note);
    }
  });

  test('a topic without a durable subscription redelivers nothing', () => {
    expect(source('/topic/t', undefined, 'rabbitmq')?.redelivers).toBe('never');
    expect(source('/exchange/e/k', undefined, 'rabbitmq')?.redelivers).toBe('never');
  });

  test('a receipt proves only for a fixed queue that the message is stored', () => {
    expect(sink(constant('/queue/q'))).toMatchObject({ confirms: 'stored', routed: true, keepsOrder: 'none' });
    expect(sink(constant('/topic/t'))).toMatchObject({ confirms: 'received', routed: false });
    expect(sink(() => '/queue/q')).toMatchObject({ confirms: 'received', routed: false });
  });
});

describe('order from a STOMP source', () => {
  const compiled = (connection: string) =>
    compileRoutes({
      routes: {
        texts: [
          {
            name: 'a.yaml',
            text: `
connections: { old: { stomp: { ${connection} } } }
routes: { a: { order: lane, source: { stomp: { connection: old, destination: /queue/a } }, sink: print } }
`,
          },
        ],
      },
    });

  test('is promised when the config names a broker that keeps it', async () => {
    const { routes, problems } = await compiled('broker: activemq');
    expect(problems).toEqual([]);
    expect(explain(routes[0]!)).toContain('Order: lane:');
  });

  test.each(['broker: artemis', 'url: stomp://localhost'])('is refused for %s, with what to do', async (connection) => {
    const { problems } = await compiled(connection);
    expect(problems).toMatchObject([{ rule: 'order', message: 'route a asks for order lane and can keep none' }]);
    expect(problems[0]?.hint).toContain(connection === 'broker: artemis' ? 'Artemis may serve' : 'write `broker: activemq`');
  });
});

test('an address is a URL; a wrong one is named without its password', () => {
  expect(parseAddress('stomp://us%40er:p%3Aw@h')).toEqual({ host: 'h', port: 61613, isTls: false, username: 'us@er', password: 'p:w' });
  expect(parseAddress('stomps://[::1]')).toMatchObject({ host: '::1', port: 61614, isTls: true, username: undefined });
  for (const wrong of ['http://u:canary@h', 'stomp//u:canary@h', 'stomp://u:canary@h:99999']) {
    let text = '';
    try {
      parseAddress(wrong);
    } catch (error) {
      text = `${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`;
    }
    expect(text).toContain('STOMP url');
    expect(text).not.toContain('canary');
  }
});
