import { createRequire } from 'node:module';
import { Duplex } from 'node:stream';
import type { IPublishPacket, Packet } from 'mqtt';
import { describe, expect, test } from 'vitest';
import { carries } from '../../../connectors/mqtt/carries.ts';
import type { Incoming } from '../../../connectors/mqtt/decode.ts';
import { fromPublish, packetBytes, toPublish } from '../../../connectors/mqtt/message.ts';
import { type HeaderValue, Message, type MessageInit } from '../../../src/connector.ts';
import { asPacket } from './ends.ts';

const body = Buffer.from('body');
const packet = (changes: Partial<Incoming>): Incoming => ({
  topic: 't',
  payload: body,
  qos: 1,
  retain: false,
  dup: false,
  messageId: 1,
  properties: undefined,
  ...changes,
});
const from = (properties: Incoming['properties']) => fromPublish(packet({ properties }), 'lane');
const to = (init: Partial<MessageInit>, version: 5 | '3.1.1' = 5) =>
  toPublish(new Message({ body, ...init }), { topic: 't', qos: 1, retain: false, version });

describe('a received packet', () => {
  test('keeps the very bytes of its body, and says where it came from', () => {
    const message = fromPublish(packet({ topic: 'a/b', qos: 0, retain: true, dup: true }), 'me');
    expect(message.body).toBe(body);
    expect(message.origin).toEqual({ topic: 'a/b', qos: 0, retained: true, redelivered: true });
    expect(message.lane).toBe('me');
    expect(message.key).toBeNull();
  });

  test.each<[string, NonNullable<Incoming['properties']>, Partial<MessageInit>]>([
    ['content type', { contentType: 'text/plain' }, { contentType: 'text/plain' }],
    ['response topic', { responseTopic: 'a/b' }, { replyTo: 'a/b' }],
    ['correlation data that are text', { correlationData: Buffer.from('é') }, { correlationId: 'é' }],
    ['correlation data that are not', { correlationData: Buffer.from([0xe9]) }, { correlationId: Buffer.from([0xe9]) }],
    ['user properties', { userProperties: [['a', '1'], ['b', '2'], ['a', '']] }, { headers: [['a', '1'], ['b', '2'], ['a', '']] }], // biome-ignore format: a row
  ])('brings its %s', (_, properties, expected) => {
    expect(from(properties)).toMatchObject(expected);
  });

  test('expires when the time that remained at receipt is over', () => {
    const before = Date.now();
    const { expiresAt = 0 } = from({ messageExpiryInterval: 10 });
    expect(expiresAt - before).toBeGreaterThanOrEqual(10_000);
    expect(expiresAt - before).toBeLessThan(11_000);
    expect(from({ messageExpiryInterval: 0 }).expiresAt).toBeDefined();
    expect(from(undefined).expiresAt).toBeUndefined();
  });

  test('says in its origin that the sender called it text', () => {
    expect(from({ payloadFormatIndicator: true }).origin['payloadFormatIndicator']).toBe(true);
  });
});

describe('a packet to send', () => {
  test.each<[string, Partial<MessageInit>, object]>([
    ['content type', { contentType: 'text/plain' }, { contentType: 'text/plain' }],
    ['reply-to', { replyTo: 'a/b' }, { responseTopic: 'a/b' }],
    ['correlation id of text', { correlationId: 'é' }, { correlationData: Buffer.from('é') }],
    ['correlation id of bytes', { correlationId: Buffer.from([1]) }, { correlationData: Buffer.from([1]) }],
    ['headers, in order and with repeats', { headers: [['2', 'a'], ['1', 'b'], ['2', '']] }, { userProperties: [['2', 'a'], ['1', 'b'], ['2', '']] }], // biome-ignore format: a row
    ['nothing', {}, {}],
  ])('has the %s', (_, init, properties) => {
    expect(to(init).properties).toEqual(properties);
  });

  test('has no properties at all in MQTT 3.1.1, which would drop them without a word', () => {
    expect(to({ contentType: 'text/plain' }, '3.1.1').properties).toBeUndefined();
    expect(carries('3.1.1')).toMatchObject({ headers: 'none', properties: [] });
  });

  test('has an empty body for a tombstone', () => {
    expect(to({ body: null }).payload).toHaveLength(0);
  });

  test.each([
    [10_000, 10],
    [9_500, 10],
    [1, 1],
    [-5_000, 1],
    [1e15, 0xffff_ffff],
  ])('whose message expires in %i ms has %i whole seconds left', (ms, seconds) => {
    // A moment passes in between, never upwards over a whole second.
    expect(to({ expiresAt: Date.now() + ms }).properties?.messageExpiryInterval).toBe(seconds);
  });

  test.each<[string, Partial<MessageInit>]>([
    ['a control character in a header', { headers: [['a', 'b\u0000']] }],
    ['a line feed in the name of a header', { headers: [['a\n', 'b']] }],
    ['a header of 65,536 bytes', { headers: [['a', 'x'.repeat(65_536)]] }],
    ['half a surrogate pair in the content type', { contentType: '\udc00' }],
    ['a reply-to with a wildcard', { replyTo: 'a/#' }],
    ['an empty reply-to', { replyTo: '' }],
    ['a correlation id of 65,536 bytes', { correlationId: Buffer.alloc(65_536) }],
    ['a header that is not text', { headers: [['n', 1 as HeaderValue]] }],
  ])('is not made with %s', (_, init) => {
    expect(() => to(init)).toThrow(expect.objectContaining({ code: 'UNMAPPABLE' }));
  });
});

describe('the size of a packet', () => {
  // The writer of mqtt.js, which is what goes on the wire.
  const writer = createRequire(createRequire(import.meta.url).resolve('mqtt'))('mqtt-packet') as {
    writeToStream(packet: Packet, stream: Duplex, options: object): boolean;
  };
  const written = (sent: IPublishPacket, protocolVersion: number) => {
    let bytes = 0;
    const stream = new Duplex({ read() {}, write: (chunk, _, done) => done(void (bytes += chunk.length)) });
    writer.writeToStream({ ...sent, messageId: 1 }, stream, { protocolVersion });
    stream.uncork();
    return bytes;
  };

  test.each<[string, Partial<MessageInit>]>([
    ['nothing', { body: null }],
    ['a body', {}],
    ['100 bytes', { body: Buffer.alloc(100) }],
    ['127 bytes', { body: Buffer.alloc(121) }],
    ['128 bytes', { body: Buffer.alloc(122) }],
    ['16 KiB', { body: Buffer.alloc(16_384) }],
    ['2 MiB', { body: Buffer.alloc(2_097_152) }],
    ['properties', { contentType: 'é', replyTo: 'a/b', correlationId: 'x', expiresAt: Date.now() + 5000 }],
    ['many headers', { headers: Array.from({ length: 50 }, (_, i) => [`größe-${i}`, '日本'] as const) }],
  ])('with %s is what is written', (_, init) => {
    expect(packetBytes(to(init))).toBe(written(asPacket(to(init)), 5));
    expect(packetBytes(to(init, '3.1.1'))).toBe(written(asPacket(to(init, '3.1.1')), 4));
  });
});
