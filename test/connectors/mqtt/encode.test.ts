import { createRequire } from 'node:module';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { IPublishPacket, Packet } from 'mqtt';
import { describe, expect, test } from 'vitest';
import { encodePubacks, encodePublishes } from '../../../connectors/mqtt/encode.ts';
import { type Publish, packetBytes, toPublish } from '../../../connectors/mqtt/message.ts';
import { Message } from '../../../src/connector.ts';
import { asPacket } from './ends.ts';

// The reader of mqtt.js.
const { parser } = createRequire(createRequire(import.meta.url).resolve('mqtt'))('mqtt-packet') as {
  parser(options: object): { on(event: 'packet' | 'error', heard: (what: never) => void): void; parse(bytes: Buffer): number };
};

function parsed(bytes: Buffer, protocolVersion: 4 | 5): Packet[] {
  const packets: Packet[] = [];
  const reader = parser({ protocolVersion });
  reader.on('packet', (packet) => packets.push(packet));
  reader.on('error', (error) => {
    throw error;
  });
  expect(reader.parse(bytes)).toBe(0); // nothing is left over
  return packets;
}

const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.constantFrom('', 'é'.repeat(40), 'n'.repeat(63), 'n'.repeat(64), 'n'.repeat(20_000)),
  )
  .filter((value) => !/[\u0000-\u001f\u007f-\u009f]/.test(value) && value.isWellFormed());
const body = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  fc.constantFrom(0, 100, 120, 128, 16_300, 16_384, 2_097_100, 2_097_152).map((size) => Buffer.alloc(size, 'x')),
);
const anyMessage = fc
  .record({
    body: fc.option(body),
    headers: fc.array(fc.tuple(text, text), { maxLength: 6 }),
    contentType: fc.option(text, { nil: undefined }),
    correlationId: fc.option(fc.oneof(text, body), { nil: undefined }),
    expiresAt: fc.option(fc.constant(Date.now() + 3_600_000), { nil: undefined }),
    replyTo: fc.constantFrom('a/b', undefined),
  })
  .map((init) => new Message(init))
  .filter(({ correlationId }) => (correlationId === undefined ? 0 : Buffer.byteLength(correlationId)) < 65_536);
const envelope = { topic: 'größe/t', qos: 1, retain: true } as const;

/** All but the user properties: of those, the reader of mqtt.js loses the order, and one whose name comes again after an empty value (9.0.2). */
function comparable(packet: IPublishPacket) {
  const { topic, payload, qos, retain, dup, messageId, properties = {} } = packet;
  const { userProperties: _, ...others } = properties;
  const bytes = payload as Buffer;
  return { topic, body: `${bytes.length} bytes, ${crc32(bytes)}`, qos, retain, dup, messageId, others: { ...others } };
}

/** The user properties of a PUBLISH of QoS 1, read by hand from MQTT 5, 3.3.2. */
function pairsOnTheWire(packet: Buffer): [string, string][] {
  let at = 1;
  const length = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = packet[at++] as number;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const text = () => {
    const start = at + 2;
    at = start + packet.readUInt16BE(at);
    return packet.toString('utf8', start, at);
  };
  length();
  text(); // topic
  at += 2; // packet id
  const size = length();
  const pairs: [string, string][] = [];
  for (const end = at + size; at < end; ) {
    const id = packet[at++];
    if (id === 2) at += 4;
    else if (id === 38) pairs.push([text(), text()]);
    else text();
  }
  return pairs;
}

describe('packets', () => {
  test.each(['3.1.1', 5] as const)('of version %s are read by mqtt.js as they were meant, and are as long as was counted', (version) => {
    fc.assert(
      fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 5 }), (messages) => {
        const packets = messages.map(
          (message, i): Publish => ({ ...toPublish(message, { ...envelope, version }), messageId: 1 + i * 16_000 }),
        );
        const bytes = encodePublishes(packets);
        const read = parsed(bytes, version === 5 ? 5 : 4) as IPublishPacket[];
        expect(read.map(comparable)).toEqual(packets.map((packet) => comparable(asPacket(packet))));
        let at = 0;
        for (const packet of packets) {
          const size = packetBytes(packet);
          if (version === 5) expect(pairsOnTheWire(bytes.subarray(at, at + size))).toEqual(packet.properties?.userProperties ?? []);
          at += size;
        }
        expect(bytes.length).toBe(at);
      }),
      { numRuns: 150 },
    );
  });

  test('user properties keep their order and repeats', () => {
    const headers = [
      ['a', '1'],
      ['b', ''],
      ['a', '2'],
    ] as const;
    const packet = { ...toPublish(new Message({ body: null, headers }), { ...envelope, version: 5 }), messageId: 1 };
    const bytes = encodePublishes([packet]).toString('latin1');
    expect(bytes).toContain('&\0\x01a\0\x011&\0\x01b\0\0&\0\x01a\0\x012');
  });

  test('of QoS 0 have no packet id', () => {
    const packet = toPublish(new Message({ body: Buffer.from('x') }), { topic: 't', qos: 0, retain: false, version: '3.1.1' });
    expect(encodePublishes([packet]).toString('hex')).toBe('300400017478');
  });

  test('that confirm are read in both versions', () => {
    for (const version of [4, 5] as const) {
      const read = parsed(encodePubacks([1, 256, 65_535]), version);
      expect(read.map(({ cmd, messageId }) => [cmd, messageId])).toEqual([
        ['puback', 1],
        ['puback', 256],
        ['puback', 65_535],
      ]);
    }
  });
});
