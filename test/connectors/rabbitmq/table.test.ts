/** Against bytes that are put together here, from the AMQP 0-9-1 errata that RabbitMQ follows: nothing of the connector's writer is used for them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../../connectors/rabbitmq/bytes.ts';
import { readTable, writeTable } from '../../../connectors/rabbitmq/table.ts';
import { type HeaderValue, Typed } from '../../../src/connector.ts';

const of = (length: number, put: (bytes: Buffer) => void) => {
  const bytes = Buffer.alloc(length);
  put(bytes);
  return bytes;
};
const tagged = (tag: string, value: Buffer) => Buffer.concat([Buffer.from(tag), value]);
const long = (value: Buffer) => Buffer.concat([of(4, (bytes) => bytes.writeUInt32BE(value.length)), value]);
const short = (text: string) => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]);
const table = (fields: readonly (readonly [string, Buffer])[]) =>
  long(Buffer.concat(fields.flatMap(([name, value]) => [short(name), value])));

/** One of each type, in bytes, with what it is to be read as. */
const golden: readonly (readonly [what: string, bytes: string, value: HeaderValue])[] = [
  ['boolean', '74 01', true],
  ['int8', '62 ff', new Typed('int8', -1)],
  ['uint8', '42 ff', new Typed('uint8', 255)],
  ['int16', '73 80 00', new Typed('int16', -32_768)],
  ['uint16', '75 80 00', new Typed('uint16', 32_768)],
  ['int32', '49 ff ff ff fe', new Typed('int32', -2)],
  ['uint32', '69 ff ff ff fe', new Typed('uint32', 4_294_967_294)],
  ['int64', '6c 00 00 00 00 00 00 00 05', 5],
  ['int64 beyond 2^53', '6c 00 20 00 00 00 00 00 01', 2n ** 53n + 1n],
  ['the least int64', '6c 80 00 00 00 00 00 00 00', -(2n ** 63n)],
  ['float', '66 3f c0 00 00', new Typed('float', 1.5)],
  ['double', '64 3f f8 00 00 00 00 00 00', 1.5],
  ['a whole double', '64 40 14 00 00 00 00 00 00', new Typed('double', 5)],
  ['minus zero', '64 80 00 00 00 00 00 00 00', new Typed('double', -0)],
  ['decimal', '44 02 00 00 30 39', new Typed('decimal', '123.45')],
  ['text', '53 00 00 00 02 c3 a9', 'é'],
  ['text that is not UTF-8', '53 00 00 00 01 e9', new Typed('longstr', Buffer.from([0xe9]))],
  ['bytes', '78 00 00 00 01 e9', Buffer.from([0xe9])],
  ['timestamp', '54 00 00 00 00 65 53 f1 00', new Date(1_700_000_000_000)],
  ['a timestamp beyond a Date', '54 ff ff ff ff ff ff ff ff', new Typed('timestamp', 2n ** 64n - 1n)],
  ['void', '56', null],
  ['array', '41 00 00 00 03 74 00 56', [false, null]],
  ['table', '46 00 00 00 04 01 61 74 01', new Map([['a', true]])],
];

function read(bytes: Buffer) {
  return readTable(new ByteReader(bytes));
}

function written(headers: ReturnType<typeof read>): Buffer {
  const writer = new ByteWriter(70_000);
  writeTable(writer, headers);
  return Buffer.from(writer.buffer.subarray(0, writer.at));
}

describe('a field table on the wire', () => {
  test.each(golden)('%s', (_, hex, value) => {
    const bytes = table([['h', Buffer.from(hex.replaceAll(' ', ''), 'hex')]]);
    expect(read(bytes)).toEqual([['h', value]]);
    expect(written(read(bytes)).toString('hex')).toBe(bytes.toString('hex'));
  });

  const word = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
  const fixed = (tag: string, length: number) => word(length).map((value) => tagged(tag, value));
  const isNumber = (bytes: Buffer) => Number.isFinite(bytes[0] === 0x64 ? bytes.readDoubleBE(1) : bytes.readFloatBE(1));
  const text = fc.string({ unit: 'grapheme', maxLength: 8 });
  const any = fc.letrec<{ value: Buffer }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      fixed('b', 1),
      fixed('B', 1),
      fixed('s', 2),
      fixed('u', 2),
      fixed('I', 4),
      fixed('i', 4),
      fixed('l', 8),
      fixed('T', 8),
      fixed('f', 4).filter(isNumber),
      fixed('d', 8).filter(isNumber),
      fc
        .tuple(fc.integer({ min: 0, max: 255 }), word(4))
        .map(([places, digits]) => tagged('D', Buffer.concat([Buffer.from([places]), digits]))),
      fc.boolean().map((one) => tagged('t', Buffer.from([one ? 1 : 0]))),
      fc.constant(Buffer.from('V')),
      fc.uint8Array({ maxLength: 9 }).map((array) => tagged('x', long(Buffer.from(array)))),
      fc.uint8Array({ maxLength: 9 }).map((array) => tagged('S', long(Buffer.from(array)))),
      fc.array(tie('value'), { maxLength: 4 }).map((values) => tagged('A', long(Buffer.concat(values)))),
      fc
        .uniqueArray(fc.tuple(text, tie('value')), { maxLength: 4, selector: ([name]) => name })
        .map((fields) => tagged('F', table(fields))),
    ),
  })).value;

  test('of any types, nested, is written again byte by byte', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, any), { maxLength: 6 }), (fields) => {
        const bytes = table(fields);
        expect(written(read(bytes)).toString('hex')).toBe(bytes.toString('hex'));
      }),
      { numRuns: 3000 },
    );
  });
});
