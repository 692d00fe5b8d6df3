import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../src/buffer/bytes.ts';
import { encodeMessage, MessageDecoder } from '../../src/buffer/record.ts';
import { MqferryError } from '../../src/errors.ts';
import { type HeaderValue, Message, type MessageInit, propertyNames, Typed } from '../../src/message.ts';

function throughBytes(message: Message): Message {
  const writer = new ByteWriter(1024);
  writer.limit = 10_000_000;
  writer.byte(255); // never at the start of the memory
  encodeMessage(message, writer);
  const decoder = new MessageDecoder('b0');
  const stored = decoder.decode(writer.buffer, 1, writer.at, 7);
  expectSame(decoder.adopt(message, 7), stored);
  return stored;
}

/** A message taken from memory is the one that the disk would have given. */
function expectSame(adopted: Message, stored: Message): void {
  expect(adopted).toStrictEqual(stored);
  expect(adopted.received).toBe(adopted);
  expect(adopted.body).toStrictEqual(stored.body);
  expect(adopted.bytes).toBe(stored.bytes);
}

describe('a message stored and read again', () => {
  const values: [string, HeaderValue][] = [
    ['text', 'plain'],
    ['no text', ''],
    ['long text', 'x'.repeat(5000)],
    ['text beyond ASCII', 'Zoë 東京 🚢'],
    ['half a surrogate pair', 'a\ud800b'],
    ['text of 64 characters', 'é'.repeat(64)],
    ['true', true],
    ['false', false],
    ['null', null],
    ['zero', 0],
    ['minus zero', -0],
    ['a negative whole number', -129],
    ['the largest safe number', Number.MAX_SAFE_INTEGER],
    ['the smallest safe number', Number.MIN_SAFE_INTEGER],
    ['a fraction', 0.1],
    ['not a number', Number.NaN],
    ['infinity', Number.NEGATIVE_INFINITY],
    ['a bigint', 2n ** 63n - 1n],
    ['a negative bigint', -(2n ** 70n)],
    ['bytes', Buffer.from([0, 255, 128])],
    ['no bytes', Buffer.alloc(0)],
    ['a time', new Date(1_700_000_000_123)],
    ['a typed number', new Typed('int16', -5)],
    ['a typed bigint', new Typed('ulong', 2n ** 64n - 1n)],
    ['typed bytes', new Typed('decimal', Buffer.from([2, 0, 0, 1, 0]))],
    ['a list', ['a', 1, [null, Buffer.from('b')]]],
    ['a map', new Map<string, HeaderValue>([['k', new Map([['deep', [1n, new Date(0)]]])]])],
  ];
  test.each(values)('keeps a header that is %s', (_, value) => {
    const [[name, stored] = []] = throughBytes(new Message({ body: Buffer.from('b'), headers: [['h', value]] })).headers;
    expect(name).toBe('h');
    expect(stored).toStrictEqual(value);
    expect(Object.is(stored, -0)).toBe(Object.is(value, -0));
  });

  test('keeps order and repeats of headers, and names that are not ASCII', () => {
    const headers = [
      ['b', 1],
      ['a', 2],
      ['b', 3],
      ['ключ', 4],
      ['', 5],
      ['__proto__', 6],
    ] as const;
    expect(throughBytes(new Message({ body: null, headers })).headers).toStrictEqual(headers);
  });

  const properties: Required<Omit<MessageInit, 'body' | 'headers' | 'key' | 'origin' | 'lane' | 'fault' | 'part'>> = {
    id: 'i',
    group: 'g',
    correlationId: 'c',
    replyTo: 'r',
    timestamp: 1.5,
    expiresAt: 1_700_000_000_000,
    priority: 255,
    persistent: true,
    contentType: 'text/plain',
    contentEncoding: 'gzip',
    type: 't',
    appId: 'a',
  };
  test.each(propertyNames)('keeps %s alone, and the others absent', (name) => {
    const stored = throughBytes(new Message({ body: Buffer.from('b'), [name]: properties[name] }));
    for (const other of propertyNames) expect(stored[other]).toBe(other === name ? properties[name] : undefined);
  });

  test('keeps all properties together, key, lane and body', () => {
    const stored = throughBytes(new Message({ ...properties, body: Buffer.from('body'), key: Buffer.from('k'), lane: 'orders/0' }));
    for (const name of propertyNames) expect(stored[name]).toBe(properties[name]);
    expect([stored.key, stored.lane, stored.body]).toStrictEqual([Buffer.from('k'), 'orders/0', Buffer.from('body')]);
  });

  test('keeps what is false, empty or zero apart from what is absent', () => {
    const stored = throughBytes(
      new Message({ body: Buffer.alloc(0), key: Buffer.alloc(0), persistent: false, priority: 0, id: '', correlationId: Buffer.from([0]) }),
    );
    expect([stored.body, stored.key]).toStrictEqual([Buffer.alloc(0), Buffer.alloc(0)]);
    expect([stored.persistent, stored.priority, stored.id, stored.correlationId]).toStrictEqual([false, 0, '', Buffer.from([0])]);
  });

  test('is not guessed at when it has fields that are not known here', () => {
    const writer = new ByteWriter(100);
    writer.limit = 1000;
    writer.whole(1 << 20);
    writer.text('a field of a later version');
    expect(() => new MessageDecoder('b0').decode(writer.buffer, 0, writer.at, 7)).toThrow(
      expect.objectContaining({ code: 'BUFFER_FAILED', message: 'a message was stored by a newer mqferry; use that' }),
    );
  });

  test('keeps a tombstone', () => {
    expect(throughBytes(new Message({ body: null })).body).toBeNull();
  });

  test('keeps the origin, and gains a position that stays the same', () => {
    const { origin } = throughBytes(
      new Message({ body: null, origin: { topic: 't', partition: 3, offset: 2n ** 62n, redelivered: false, x: null } }),
    );
    expect(origin).toEqual({ topic: 't', partition: 3, offset: 2n ** 62n, redelivered: false, x: null, bufferId: 'b0', bufferSequence: 7 });
  });

  test('keeps why it could not be decoded', () => {
    const known = throughBytes(new Message({ body: null, fault: new MqferryError('DECODE_FAILED', 'no such codec') })).fault;
    expect([known, (known as MqferryError).code]).toStrictEqual([new MqferryError('DECODE_FAILED', 'no such codec'), 'DECODE_FAILED']);
    expect(throughBytes(new Message({ body: null, fault: new Error('odd') })).fault).toStrictEqual(new Error('odd'));
  });

  test('is stored as the steps left it, and is a message in its own right', () => {
    const stored = throughBytes(new Message({ body: Buffer.from('{}') }).change({ json: { a: 1 }, type: 'changed' }));
    expect([stored.body?.toString(), stored.type, stored.received]).toStrictEqual(['{"a":1}', 'changed', stored]);
  });

  test('is refused when a header is nested without end', () => {
    let nested: HeaderValue = [];
    for (let i = 0; i < 1000; i++) nested = [nested];
    expect(() => throughBytes(new Message({ body: null, headers: [['h', nested]] }))).toThrow(/nested more than 100/);
  });
});
