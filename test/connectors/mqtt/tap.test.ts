import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePuback, decodePublish } from '../../../connectors/mqtt/decode.ts';
import { encodePubacks, encodePublishes } from '../../../connectors/mqtt/encode.ts';
import { fromPublish, toPublish } from '../../../connectors/mqtt/message.ts';
import { Tap } from '../../../connectors/mqtt/tap.ts';
import { Message } from '../../../src/connector.ts';

const pingresp = Buffer.from([0xd0, 0]);
const connack = Buffer.from([0x20, 2, 0, 0]);

/** A tap on a socket that is fed by hand; what it takes, and what it lets pass. */
function tapOn(wants: (count: number) => boolean = () => true) {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const taken: string[] = [];
  const passed: Buffer[] = [];
  const tap = new Tap(socket, {
    publish(flags, body) {
      taken.push(decodePublish(flags, body, '3.1.1').payload.toString());
      return wants(taken.length);
    },
    puback: (body) => void taken.push(`ack ${decodePuback(body).messageId}`),
  });
  tap.push = (chunk: Buffer) => passed.push(chunk) > 0; // at once, where a listener would hear it a turn later
  const errors: Error[] = [];
  tap.on('error', (error) => errors.push(error));
  const feed = (bytes: Buffer) => socket.emit('data', bytes);
  return { socket, tap, taken, passed: () => Buffer.concat(passed), errors, feed };
}

const publish = (body: string, messageId = 1) =>
  encodePublishes([{ topic: 't', payload: Buffer.from(body), qos: 1, retain: false, messageId, properties: undefined }]);

describe('a tap', () => {
  test('takes publishes and their confirms, and lets the rest pass, wherever the bytes are cut', () => {
    const large = 'x'.repeat(20_000);
    const stream = Buffer.concat([publish('a'), pingresp, encodePubacks([7, 8]), publish(large), pingresp, publish('')]);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const { taken, passed, errors, feed } = tapOn();
        const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        for (let i = 1; i < places.length; i++) feed(stream.subarray(places[i - 1], places[i]));
        expect(taken).toEqual(['a', 'ack 7', 'ack 8', large, '']);
        expect(passed()).toEqual(Buffer.concat([pingresp, pingresp]));
        expect(errors).toEqual([]);
      }),
    );
  });

  test('byte by byte too', () => {
    const { taken, feed } = tapOn();
    for (const byte of publish('slow')) feed(Buffer.from([byte]));
    expect(taken).toEqual(['slow']);
  });

  test('holds everything behind the packet that was one too many, until told to go on', () => {
    const { socket, tap, taken, passed, feed } = tapOn((count) => count % 2 === 1);
    feed(Buffer.concat([publish('1'), publish('2'), publish('3'), pingresp, publish('4'), publish('5')]));
    expect(taken).toEqual(['1', '2']);
    expect(socket.isPaused()).toBe(true);
    feed(publish('6')); // what the socket had read already
    expect(taken).toEqual(['1', '2']);
    tap.proceed();
    expect(taken).toEqual(['1', '2', '3', '4']);
    expect(passed()).toEqual(pingresp);
    expect(socket.isPaused()).toBe(true);
    tap.proceed();
    expect(taken).toEqual(['1', '2', '3', '4', '5', '6']);
    tap.proceed();
    expect(socket.isPaused()).toBe(false);
  });

  test('holds what comes behind the CONNACK, as mqtt.js must see that first', () => {
    const { tap, taken, passed, feed } = tapOn();
    feed(Buffer.concat([connack, publish('early')]));
    expect(passed()).toEqual(connack);
    expect(taken).toEqual([]);
    tap.proceed();
    expect(taken).toEqual(['early']);
  });

  test.each([
    ['a length without an end', 'd0ffffffffff'],
    ['a PUBLISH that ends within its topic', '3003000561'],
    ['a PUBLISH of QoS 1 without a packet id', '32050001740000'],
    ['a PUBACK without an id', '400100'],
    ['a PUBLISH of QoS 2, which was not asked for', '3406000174000178'],
    ['a PUBLISH of QoS 3', '3606000174000178'],
  ])('%s ends the link', (_what, hex) => {
    const { tap, errors, feed } = tapOn();
    feed(Buffer.from(hex, 'hex'));
    expect(tap.destroyed).toBe(true);
    return expect.poll(() => errors[0]).toBeInstanceOf(RangeError);
  });

  test('a packet that mqtt.js writes in pieces goes out in one', async () => {
    const { socket, tap } = tapOn();
    const written: Buffer[] = [];
    socket._write = (chunk, _encoding, done) => {
      written.push(chunk);
      setImmediate(done);
    };
    tap.write('first');
    tap.cork();
    for (const piece of ['a', 'b', 'c']) tap.write(piece);
    tap.uncork();
    await expect.poll(() => written.map(String)).toEqual(['first', 'abc']);
  });

  test('a million random bytes end in an error or in packets, and never hang', () => {
    let seed = 4711;
    const random = () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) >> 16;
    for (let round = 0; round < 2000; round++) {
      const { feed } = tapOn();
      feed(Buffer.from(Array.from({ length: 500 }, () => random() & 255)));
    }
  });
});

describe('properties', () => {
  test('user properties come back in order, with repeats, also after an empty value', () => {
    const headers = [
      ['b', ''],
      ['a', '1'],
      ['b', 'x'],
      ['__proto__', 'p'],
      ['a', ''],
    ] as const;
    const sent = toPublish(new Message({ body: Buffer.from('x'), headers }), { topic: 't', qos: 1, retain: true, version: 5 });
    const bytes = encodePublishes([{ ...sent, messageId: 5 }]);
    const message = fromPublish(decodePublish((bytes[0] as number) & 15, bytes.subarray(2), 5), 'lane');
    expect(message.headers).toEqual(headers);
    expect(message.origin).toMatchObject({ topic: 't', retained: true, qos: 1 });
  });

  test('those that no broker may send are an error', () => {
    // topic alias: none was allowed to it
    expect(() => decodePublish(0, Buffer.from('00017403230001', 'hex'), 5)).toThrow(/property 35/);
    expect(() => decodePublish(0, Buffer.from('000174ff26000161', 'hex'), 5)).toThrow(RangeError);
  });
});
