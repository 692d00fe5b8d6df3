import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../../connectors/rabbitmq/bytes.ts';
import { carries } from '../../../connectors/rabbitmq/carries.ts';
import { readProperties, toMessage, writeProperties } from '../../../connectors/rabbitmq/message.ts';
import { type HeaderValue, Message, Typed } from '../../../src/connector.ts';
import { outbound } from '../../../src/envelope.ts';
import { message } from './ends.ts';

const now = Date.UTC(2026, 0, 1);

function encode(given: Message): Buffer {
  const writer = new ByteWriter(70_000);
  writeProperties(writer, given, now);
  return Buffer.from(writer.buffer.subarray(0, writer.at));
}

function decode(properties: Buffer, content = Buffer.from('x')): Message {
  return toMessage({ fields: { deliveryTag: 1, redelivered: false, exchange: 'e', routingKey: 'k' }, properties, content }, 'q', now);
}

function roundTrip(given: Message): Message {
  return decode(encode(given));
}

/** As a route writes it. */
const enveloped = (given: Message) => outbound(carries, 'envelope')(given) as Message;

function refusal(given: Message): { code?: string; message: string } {
  try {
    encode(given);
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was taken');
}

/** A table with one field, as a broker would send it. */
function table(tag: string, value: Buffer, name = Buffer.from('h')): Buffer {
  const field = Buffer.concat([Buffer.from([name.length]), name, Buffer.from(tag), value]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(field.length);
  return Buffer.concat([Buffer.from([0x20, 0]), length, field]);
}

describe('properties', () => {
  test('come back as they were written, every one of them', () => {
    const all = {
      id: 'id-1',
      correlationId: 'c-ü',
      replyTo: 'answers',
      timestamp: now,
      expiresAt: now + 5_000,
      priority: 7,
      persistent: true,
      contentType: 'application/json',
      contentEncoding: 'gzip',
      type: 'order',
    };
    const back = roundTrip(message('x', all));
    for (const [name, value] of Object.entries(all)) expect(back[name as keyof Message], name).toEqual(value);
  });

  test('are absent when they were absent, but for persistent', () => {
    const { init } = readProperties(encode(message('x')), now);
    expect(new Message(init)).toEqual(new Message({ body: null, persistent: true }));
  });

  test.each([
    ['a time that remains is rounded up', 1_000.2, '1001'],
    ['a message that has expired lives one millisecond', -5, '1'],
  ])('expiry: %s', (_what, ms, expected) => {
    const bytes = encode(message('x', { expiresAt: now + ms }));
    expect(bytes.toString('latin1')).toContain(expected);
  });

  test('an expiry beyond what is surely taken goes into a header and not into the expiration', () => {
    const expiresAt = Date.now() + 2 ** 33;
    const back = roundTrip(enveloped(message('x', { expiresAt })));
    expect(back.expiresAt).toBeUndefined();
    expect(back.header('mqf-expires-at')).toBe(expiresAt);
  });

  test('the milliseconds of a timestamp go into a header, as AMQP counts seconds', () => {
    const back = roundTrip(enveloped(message('x', { timestamp: now + 123 })));
    expect(back.timestamp).toBe(now);
    expect(back.header('mqf-timestamp-ms')).toBe(now + 123);
  });

  test('a timestamp that its publisher wrote in milliseconds is read as such', () => {
    const bytes = Buffer.alloc(10);
    bytes.writeUInt16BE(0x0040);
    bytes.writeBigUInt64BE(BigInt(now), 2);
    expect(decode(bytes).timestamp).toBe(now);
  });

  test.each([
    ['bytes that are no text', Buffer.from([0xff, 0x00])],
    ['more than 255 bytes', 'ü'.repeat(200)],
  ])('a correlation id of %s goes into a header', (_what, correlationId) => {
    const back = roundTrip(enveloped(message('x', { correlationId })));
    expect(back.correlationId).toBeUndefined();
    expect(back.header('mqf-correlation-id')).toEqual(correlationId);
  });

  test('a correlation id that is no text is read as bytes', () => {
    expect(decode(Buffer.from([0x04, 0, 2, 0xff, 0xfe])).correlationId).toEqual(Buffer.from([0xff, 0xfe]));
  });

  test('that a message is not persistent is said in a header, as it is written as one', () => {
    const back = roundTrip(enveloped(message('x', { persistent: false })));
    expect([back.persistent, back.header('mqf-persistent')]).toEqual([true, false]);
  });

  test('a tombstone is marked', () => {
    expect(roundTrip(enveloped(message(null))).header('mqf-tombstone')).toBe(true);
    expect(roundTrip(enveloped(message(''))).header('mqf-tombstone')).toBeUndefined();
  });

  test.each<[string, Parameters<typeof message>[1], string]>([
    ['an id of 256 bytes', { id: 'x'.repeat(256) }, 'UNMAPPABLE'],
    ['an id of 86 characters in 258 bytes', { id: '€'.repeat(86) }, 'UNMAPPABLE'],
    ['a type of 256 bytes', { type: 'x'.repeat(256) }, 'UNMAPPABLE'],
    ['a priority beyond a byte', { priority: 300 }, 'UNMAPPABLE'],
    ['half a priority', { priority: 1.5 }, 'UNMAPPABLE'],
    ['a timestamp before 1970', { timestamp: -1 }, 'UNMAPPABLE'],
    ['a timestamp that would be read as another', { timestamp: 1e14 }, 'UNMAPPABLE'],
    ['a correlation id that is no text', { correlationId: Buffer.from([0xff]) }, 'UNMAPPABLE'],
    ['an expiry beyond 49 days', { expiresAt: now + 2 ** 33 }, 'UNMAPPABLE'],
    ['an expiry that is no number', { expiresAt: Number.NaN }, 'UNMAPPABLE'],
    ['the reply-to that is an order to the broker', { replyTo: 'amq.rabbitmq.reply-to' }, 'UNMAPPABLE'],
    ['half a surrogate pair', { id: 'a\ud800' }, 'UNMAPPABLE'],
    ['a header name of 256 bytes', { headers: [['x'.repeat(256), 1]] }, 'UNMAPPABLE'],
    ['a header CC', { headers: [['CC', ['victim']]] }, 'UNMAPPABLE'],
    ['a header BCC', { headers: [['BCC', 'victim']] }, 'UNMAPPABLE'],
    ['a header that is not a number', { headers: [['h', Number.NaN]] }, 'UNMAPPABLE'],
    ['a header that is infinite', { headers: [['h', Number.NEGATIVE_INFINITY]] }, 'UNMAPPABLE'],
    ['a float that overflows', { headers: [['h', new Typed('float', 1e300)]] }, 'UNMAPPABLE'],
    ['an integer of 65 bits', { headers: [['h', 2n ** 63n]] }, 'UNMAPPABLE'],
    ['a time before 1970', { headers: [['h', new Date(-1)]] }, 'UNMAPPABLE'],
    ['an int8 of 128', { headers: [['h', new Typed('int8', 128)]] }, 'UNMAPPABLE'],
    ['headers of more than 64 KiB', { headers: [['h', 'x'.repeat(80_000)]] }, 'TOO_LARGE'],
    ['headers of more than 64 KiB in many', { headers: Array.from({ length: 9_000 }, (_, i) => [`header-${i}`, i] as const) }, 'TOO_LARGE'],
  ])('refuses %s', (_what, more, code) => {
    expect(refusal(message('x', more)).code).toBe(code);
  });

  test('a refused message leaves nothing behind in the writer', () => {
    expect(encode(message('x', { id: 'ok' }))).toEqual(encode(message('x', { id: 'ok' })));
  });
});

describe('header values', () => {
  const same: [string, HeaderValue][] = [
    ['text', 'grün'],
    ['long text', 'long '.repeat(100)],
    ['empty text', ''],
    ['true', true],
    ['false', false],
    ['zero', 0],
    ['a small integer', 5],
    ['a negative integer', -3_000_000_000],
    ['the greatest safe integer', Number.MAX_SAFE_INTEGER],
    ['the least safe integer', Number.MIN_SAFE_INTEGER],
    ['a great integer', 2n ** 63n - 1n],
    ['the least integer', -(2n ** 63n)],
    ['a fraction', 1.5],
    ['a great double', 1e300],
    ['bytes', Buffer.from([0, 255])],
    ['a time', new Date(now)],
    ['null', null],
    ['a list', ['a', 1, null, ['b']]],
    [
      'a map',
      new Map<string, HeaderValue>([
        ['__proto__', 'x'],
        ['constructor', new Map([['y', 1]])],
      ]),
    ],
    ['int8', new Typed('int8', -128)],
    ['uint8', new Typed('uint8', 255)],
    ['int16', new Typed('int16', -32_768)],
    ['uint16', new Typed('uint16', 65_535)],
    ['int32', new Typed('int32', -2_147_483_648)],
    ['uint32', new Typed('uint32', 4_294_967_295)],
    ['float', new Typed('float', 1.5)],
    ['a whole double', new Typed('double', 5)],
    ['decimal', new Typed('decimal', '123.45')],
    ['a small decimal', new Typed('decimal', '0.05')],
    ['text that is not UTF-8', new Typed('longstr', Buffer.from([0xc3, 0x28]))],
    ['a time beyond Date', new Typed('timestamp', 2n ** 64n - 1n)],
  ];
  test.each(same)('%s comes back as it was', (_what, value) => {
    expect(roundTrip(message('x', { headers: [['h', value]] })).headers).toEqual([['h', value]]);
  });

  test('keep their order and names such as __proto__', () => {
    const headers = [
      ['z', 1],
      ['__proto__', 'evil'],
      ['a', 2],
      ['', 3],
    ] as const;
    expect(roundTrip(message('x', { headers })).headers).toEqual(headers);
    expect(({} as Record<string, unknown>)['evil']).toBeUndefined();
  });

  test('a map with a "!" in it is only a map', () => {
    const value = new Map<string, HeaderValue>([
      ['!', 'int64'],
      ['value', 'no number'],
    ]);
    expect(roundTrip(message('x', { headers: [['h', value]] })).headers).toEqual([['h', value]]);
  });

  test('nesting has a limit', () => {
    let value: HeaderValue = 'x';
    for (let i = 0; i < 1_000; i++) value = [value];
    expect(refusal(message('x', { headers: [['h', value]] })).message).toMatch(/nested/);
  });

  test.each([
    ['an unknown type', table('?', Buffer.from([1]))],
    ['a value that is cut off', table('l', Buffer.from([1, 2]))],
    ['a name that is not UTF-8', table('t', Buffer.from([1]), Buffer.from([0xc3, 0x28]))],
    ['no flag word', Buffer.from([1])],
  ])('%s makes a fault, with the body kept', (_what, properties) => {
    const back = decode(properties, Buffer.from('body'));
    expect(back.fault).toMatchObject({ code: 'DECODE_FAILED' });
    expect(back.body?.toString()).toBe('body');
  });
});
