import { Duplex } from 'node:stream';
import { describe, test } from 'vitest';
import { crc32c } from '../../connectors/kafka/crc32c.ts';
import { encodeBatch, readBatches } from '../../connectors/kafka/records.ts';
import { decodePuback, decodePublish } from '../../connectors/mqtt/decode.ts';
import { encodePubacks, encodePublishes } from '../../connectors/mqtt/encode.ts';
import { Tap } from '../../connectors/mqtt/tap.ts';
import { ByteWriter as AmqpWriter } from '../../connectors/rabbitmq/bytes.ts';
import { readProperties, writeProperties } from '../../connectors/rabbitmq/message.ts';
import { FrameReader } from '../../connectors/stomp/frame-reader.ts';
import { ByteWriter } from '../../src/buffer/bytes.ts';
import { readFrameHeader, sealFrame } from '../../src/buffer/frame.ts';
import { encodeMessage, MessageDecoder } from '../../src/buffer/record.ts';
import { Message, Typed } from '../../src/message.ts';
import { bytesFrom, fuzz, inputs } from './mutate.ts';

const timeout = 60_000 + inputs / 4;

const message = new Message({
  body: Buffer.from('body'),
  key: Buffer.from('key'),
  id: 'i',
  correlationId: Buffer.from([1, 2]),
  replyTo: 'r',
  timestamp: 1_750_000_000_123,
  expiresAt: 1_750_000_600_000,
  priority: 3,
  contentType: 'text/plain',
  headers: [
    ['a', 'x'],
    ['a', 2n ** 60n],
    ['list', [1, null, [true]]],
    ['map', new Map([['k', new Typed('int16', 7)]])],
    ['when', new Date(5)],
  ],
  origin: { topic: 't', offset: 5 },
  lane: 'l',
});

describe('what comes from a broker, a disk or a stranger', () => {
  test('STOMP: any bytes give frames or one known error', { timeout }, async () => {
    const whole = [
      'CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0',
      'MESSAGE\ndestination:/queue/a\nmessage-id:1\nsubscription:0\nack:7\ncontent-length:5\na\\cb:c\\nd\n\nhe\0lo\0\n\n',
      'RECEIPT\nreceipt-id:12\n\n\0ERROR\r\nmessage:no\r\n\r\nwhy\0',
    ].map((text) => Buffer.from(text));
    await fuzz(
      inputs,
      (random) => bytesFrom(whole, random),
      (bytes: Buffer) => {
        const reader = new FrameReader({ headerBytes: 4096, headers: 20, bodyBytes: 100_000 }, () => {});
        for (let at = 0; at < bytes.length; at += 13) reader.feed(Buffer.from(bytes.subarray(at, at + 13)));
      },
    );
  });

  test('MQTT: any bytes give packets or an error', { timeout }, async () => {
    const properties = {
      contentType: 'x',
      userProperties: [
        ['a', 'b'],
        ['a', ''],
      ],
    } as never;
    const publish = { topic: 'a/b', payload: Buffer.from('hello'), qos: 1 as const, retain: false, messageId: 5, properties };
    const whole = [encodePublishes([publish]), encodePublishes([{ ...publish, properties: undefined }]), encodePubacks([1, 2, 65_535])];
    await fuzz(
      inputs,
      (random) => bytesFrom(whole, random),
      (bytes: Buffer) => {
        for (const version of [5, '3.1.1'] as const) {
          const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
          const tap = new Tap(socket, {
            publish: (flags, body) => decodePublish(flags, body, version) !== undefined,
            puback: (body) => void decodePuback(body),
          });
          tap.on('error', () => {});
          socket.emit('data', bytes);
          tap.destroy();
        }
      },
    );
  });

  test('AMQP: any properties and tables give a message or an error', { timeout }, async () => {
    const writer = new AmqpWriter(70_000);
    writeProperties(writer, message, 1_750_000_000_000);
    const whole = [Buffer.from(writer.buffer.subarray(0, writer.at))];
    await fuzz(
      inputs,
      (random) => bytesFrom(whole, random),
      (bytes: Buffer) => readProperties(bytes, 1_750_000_000_000),
    );
  });

  test('Kafka: any records with a right CRC give records or an error', { timeout }, async () => {
    const record = {
      topic: 't',
      partition: 0,
      key: Buffer.from('k'),
      value: Buffer.from('v'.repeat(50)),
      headers: [['h', Buffer.from('x')]] as const,
      timestamp: 5,
    };
    const whole = (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).map((compression) =>
      encodeBatch([record, { ...record, key: null, value: null }], compression, { id: 7n, epoch: 1 }, 0, 5),
    );
    await fuzz(
      inputs,
      (random) => bytesFrom(whole, random),
      (bytes: Buffer) => {
        if (bytes.length > 25) {
          bytes.writeInt32BE(bytes.length - 12, 8);
          bytes[16] = 2;
          bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
        }
        for (const batch of readBatches(bytes, 0, 1_000_000))
          if (batch.records.length > 1_000_000) throw new TypeError('more records than bytes');
      },
    );
  });

  test('the buffer: any record is a message or an error', { timeout }, async () => {
    const writer = new ByteWriter(1024 * 1024);
    encodeMessage(message, writer);
    const whole = [Buffer.from(writer.buffer.subarray(0, writer.at))];
    const decoder = new MessageDecoder('id');
    await fuzz(
      inputs,
      (random) => bytesFrom(whole, random),
      (bytes: Buffer) => decoder.decode(bytes, 0, bytes.length, 1),
    );
  });

  test('the buffer: any frame has a header or none', { timeout }, async () => {
    const frame = Buffer.alloc(200, 7);
    sealFrame(frame, 5, { base: 1, count: 2, timeMs: 3, synced: 1 });
    await fuzz(
      inputs,
      (random) => bytesFrom([frame], random),
      (bytes: Buffer) => readFrameHeader(bytes, 0),
    );
  });
});
