import { describe, expect, test } from 'vitest';
import { type Wire, type WireFrame, WireReader } from './wire.ts';

const amqpFrame = (type: number, payload: Buffer) => {
  const head = Buffer.alloc(7);
  head[0] = type;
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
};
const method = (classId: number, methodId: number) => Buffer.from([0, classId, 0, methodId, 1, 2, 3]);
const kafkaMessage = (...parts: Buffer[]) => {
  const body = Buffer.concat(parts);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
};
const int16 = (value: number) => Buffer.from([0, value]);
const int32 = (value: number) => Buffer.from([0, 0, 0, value]);

interface Recorded {
  readonly wire: Wire;
  readonly toServer: Buffer;
  /** The names of the frames in it. */
  readonly asked: readonly string[];
  readonly toClient?: Buffer;
  readonly answered?: readonly string[];
}

const wires: readonly Recorded[] = [
  {
    wire: 'rabbitmq',
    toServer: Buffer.concat([
      Buffer.from('AMQP\0\0\x09\x01', 'latin1'),
      amqpFrame(1, method(60, 40)),
      amqpFrame(3, Buffer.alloc(300, 60)),
      amqpFrame(1, method(60, 80)),
      amqpFrame(8, Buffer.alloc(4)),
    ]),
    asked: ['header', 'basic.publish', 'other', 'basic.ack', 'other'],
  },
  {
    wire: 'mqtt',
    toServer: Buffer.concat([Buffer.from([0xd0, 0, 0x40, 2, 0, 5, 0x32, 0x80, 1]), Buffer.alloc(128, 0x40)]),
    asked: ['other', 'PUBACK', 'PUBLISH'],
  },
  {
    wire: 'stomp',
    toServer: Buffer.from('\nRECEIPT\nreceipt-id:1\n\n\0\nMESSAGE\ncontent-length:4\n\na\0\nb\0SEND\r\nx:y\r\n\r\nbody\0'),
    asked: ['beat', 'RECEIPT', 'beat', 'MESSAGE', 'SEND'],
  },
  {
    wire: 'kafka',
    toServer: Buffer.concat([
      kafkaMessage(int16(0), int16(9), int32(7), Buffer.alloc(50)),
      kafkaMessage(int16(8), int16(9), int32(8)),
      kafkaMessage(int16(3), int16(9), int32(9)),
    ]),
    asked: ['Produce', 'OffsetCommit', 'other'],
    toClient: Buffer.concat([8, 7, 55].map((number) => kafkaMessage(int32(number), Buffer.alloc(9)))),
    answered: ['OffsetCommit', 'Produce', 'other'],
  },
];

describe('frames on the wire', () => {
  test.each(wires)('of $wire are found, wherever their bytes are cut', ({ wire, toServer, asked, toClient, answered }) => {
    for (const size of [1, 2, 7, 64, 10_000]) {
      const reader = new WireReader(wire);
      const feed = (direction: 'toServer' | 'toClient', bytes: Buffer) => {
        const frames: WireFrame[] = [];
        for (let at = 0; at < bytes.length; at += size) frames.push(...reader.feed(direction, bytes.subarray(at, at + size)));
        expect(frames[0]?.start).toBe(0);
        for (let i = 1; i < frames.length; i++) expect(frames[i]?.start).toBe(frames[i - 1]?.end);
        expect(frames.at(-1)?.end).toBe(bytes.length);
        return frames.map(({ name }) => name);
      };
      expect(feed('toServer', toServer)).toEqual(asked);
      if (toClient) expect(feed('toClient', toClient)).toEqual(answered);
    }
  });
});
