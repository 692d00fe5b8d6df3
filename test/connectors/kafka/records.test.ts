import { createRecordsBatch, Reader, readRecordsBatches } from '@platformatic/kafka';
import { crc32c as portable } from '@platformatic/wasm-utils';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Compression, compressionCode } from '../../../connectors/kafka/compression.ts';
import { crc32c } from '../../../connectors/kafka/crc32c.ts';
import type { OutRecord } from '../../../connectors/kafka/port.ts';
import { control, encodeBatch, type ReadBatch, readBatches, transactional } from '../../../connectors/kafka/records.ts';
import { ByteReader, ByteWriter } from '../../../connectors/kafka/varints.ts';

const producer = { id: 77n, epoch: 3 };
const now = 1_750_000_000_000;
const compressions = Object.keys(compressionCode) as Compression[];

function record(more: Partial<OutRecord> = {}): OutRecord {
  return { topic: 't', partition: 0, key: null, value: Buffer.from('v'), headers: [], timestamp: now, ...more };
}

function encode(records: readonly OutRecord[], compression: Compression = 'none', sequence = 9): Buffer {
  return encodeBatch(records, compression, producer, sequence, now);
}

/** What comes back, in the terms of what was given. */
function plain({ records, firstTimestamp }: ReadBatch): unknown[] {
  return records.map(({ key, value, headers, timestampDelta, offsetDelta }) => ({
    key: key?.toString('hex') ?? null,
    value: value?.toString('hex') ?? null,
    headers: headers.map(([name, bytes]) => [name, bytes?.toString('hex') ?? null]),
    timestamp: firstTimestamp + timestampDelta,
    offsetDelta,
  }));
}

function asPlain(records: readonly OutRecord[]): unknown[] {
  const hex = (value: Buffer | string | null) => (value === null ? null : Buffer.from(value).toString('hex'));
  return records.map(({ key, value, headers, timestamp }, offsetDelta) => ({
    key: hex(key),
    value: hex(value),
    headers: headers.map(([name, bytes]) => [name, hex(bytes)]),
    timestamp: timestamp ?? now,
    offsetDelta,
  }));
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
  fc.constantFrom(0, 63, 64, 8191, 8192, 70_000).map((size) => Buffer.alloc(size, 'x')),
);
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.constantFrom('', 'é'.repeat(40), 'n'.repeat(63), 'n'.repeat(64)));
const anyRecord: fc.Arbitrary<OutRecord> = fc.record({
  topic: fc.constant('t'),
  partition: fc.constant(0),
  key: fc.option<Buffer, null>(bytes, { nil: null }),
  value: fc.option<Buffer, null>(bytes, { nil: null }),
  headers: fc.array(fc.tuple(text, fc.option<Buffer | string, null>(fc.oneof(bytes, text), { nil: null })), { maxLength: 5 }),
  timestamp: fc.oneof(fc.nat(), fc.constantFrom(0, now, 2 ** 31, 2 ** 40, 2 ** 52, Number.MAX_SAFE_INTEGER)),
});
const anyRecords = fc.array(anyRecord, { minLength: 1, maxLength: 8 });

describe('a record batch', () => {
  test('comes back as it was, whatever is in it and however it is compressed', () => {
    fc.assert(
      fc.property(anyRecords, fc.constantFrom(...compressions), (records, compression) => {
        const [batch, ...more] = readBatches(encode(records, compression), 0);
        expect(more).toEqual([]);
        expect(plain(batch as ReadBatch)).toEqual(asPlain(records));
      }),
      { numRuns: 300 },
    );
  });

  test('is read by the library as it was meant', () => {
    fc.assert(
      fc.property(anyRecords, (given) => {
        // The library wraps times that lie further apart.
        const records = given.map((each) => ({ ...each, timestamp: now + ((each.timestamp ?? 0) % 1000) }));
        const [batch] = readRecordsBatches(Reader.from(encode(records)));
        const read = batch?.records.map(({ key, value, headers, timestampDelta, offsetDelta }) => ({
          key: key?.toString('hex') ?? null,
          value: value?.toString('hex') ?? null,
          headers: headers.map(([name, value]) => [String(name), (value as Buffer | null)?.toString('hex') ?? null]),
          timestamp: Number((batch?.firstTimestamp ?? 0n) + timestampDelta),
          offsetDelta,
        }));
        expect(read).toEqual(asPlain(records));
        expect(batch).toMatchObject({ producerId: 77n, producerEpoch: 3, firstSequence: 9, lastOffsetDelta: records.length - 1 });
      }),
      { numRuns: 200 },
    );
  });

  test('has the very bytes that the library would write', () => {
    const records = [
      record({ key: Buffer.from('k'), headers: [['a', Buffer.from('1')]] }),
      record({ value: Buffer.alloc(9000, 'y'), timestamp: now - 5 }),
      record({ value: null, timestamp: now + 70_000 }),
    ];
    const sequences = new Map([['t:0', 9]]);
    const library = createRecordsBatch(
      records.map(({ headers, timestamp, ...rest }) => ({
        ...rest,
        timestamp: BigInt(timestamp ?? 0),
        headers: new Map(headers.map(([name, value]) => [Buffer.from(name), value as Buffer])),
      })) as never,
      { producerId: 77n, producerEpoch: 3, sequences: Object.assign(sequences, { getWithDefault: () => 9 }) as never },
    );
    const ours = encode(records);
    ours.writeInt32BE(0, 12); // the leader epoch of a client that knows none; the broker sets it
    expect(ours.toString('hex')).toBe(library.buffer.toString('hex'));
  });

  test('a record without a time gets the time of sending', () => {
    const [batch] = readBatches(encode([record({ timestamp: undefined }), record({ timestamp: now - 10 })]), 0);
    expect(plain(batch as ReadBatch)).toMatchObject([{ timestamp: now }, { timestamp: now - 10 }]);
    expect(batch?.maxTimestamp).toBe(now);
  });

  test('that the broker has cut is left out, and what stands before it is read', () => {
    const whole = encode([record()]);
    for (const cut of [1, 12, 61, whole.length - 1]) {
      expect(readBatches(Buffer.concat([whole, whole.subarray(0, cut)]), 0)).toHaveLength(1);
    }
  });

  test('that was damaged is an error, wherever the damage is', () => {
    const whole = encode([record({ key: Buffer.from('key'), headers: [['h', 'x']] })]);
    for (let at = 16; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 64;
      expect(() => readBatches(damaged, 0), `byte ${at}`).toThrow(/CRC|format/);
    }
  });

  test('that lies below the position is not decoded', () => {
    const old = encode([record(), record()]);
    const [batch] = readBatches(old, 2);
    expect(batch).toMatchObject({ lastOffsetDelta: 1, records: [] });
    expect(readBatches(old, 1)[0]?.records).toHaveLength(2);
  });

  test('stops unpacking where there is enough, and always unpacks one', () => {
    const bomb = () => encode([record({ value: Buffer.alloc(1_000_000) })], 'zstd');
    const answer = Buffer.concat([bomb(), bomb(), bomb(), bomb()]);
    expect(answer.length).toBeLessThan(2000);
    expect(readBatches(answer, 0, 1_500_000)).toHaveLength(2);
    expect(readBatches(answer, 0, 1)).toHaveLength(1);
  });

  test('a snappy block that says it is larger than may be is refused before any memory is taken', () => {
    const block = Buffer.from('80d0acf30e00', 'hex'); // 4,000,000,000 bytes
    const lying = rewritten(encode([record()], 'snappy'), block);
    expect(() => readBatches(lying, 0)).toThrow(/snappy block of \d+ bytes/);
  });

  test('a marker is looked at wherever it stands', () => {
    const marker = encode([record({ key: Buffer.from([0, 0, 0, 0]) })]);
    marker.writeInt16BE(control | transactional, 21);
    marker.writeUInt32BE(crcOf(marker.subarray(21)), 17);
    expect(readBatches(marker, 5)[0]?.records).toHaveLength(1);
  });

  test('with another count of records than it has is an error', () => {
    for (const count of [0, 1, 3, -5]) {
      const batch = encode([record(), record()]);
      batch.writeInt32BE(count, 57);
      batch.writeUInt32BE(crcOf(batch.subarray(21)), 17);
      expect(() => readBatches(batch, 0), String(count)).toThrow();
    }
  });

  test('bytes without a whole batch are an error, and not a loop', () => {
    expect(() => readBatches(encode([record()]).subarray(0, 60), 0)).toThrow(/no whole record batch/);
    expect(readBatches(Buffer.alloc(0), 0)).toEqual([]);
  });

  test('of an unknown compression is an error that says so', () => {
    const batch = encode([record()]);
    batch.writeInt16BE(7, 21);
    expect(() => readBatches(batch, 0)).toThrow(/CRC/);
  });

  test('reads snappy as Java frames it', () => {
    const ours = encode([record({ value: Buffer.from('framed') })], 'snappy');
    const block = ours.subarray(61);
    const header = Buffer.from('82534e41505059000000000100000001', 'hex');
    const size = Buffer.alloc(4);
    size.writeUInt32BE(block.length);
    const framed = rewritten(ours, Buffer.concat([header, size, block]));
    expect(plain(readBatches(framed, 0)[0] as ReadBatch)).toMatchObject([{ value: Buffer.from('framed').toString('hex') }]);
  });
});

/** The batch with another body. */
function rewritten(batch: Buffer, body: Buffer): Buffer {
  const changed = Buffer.concat([batch.subarray(0, 61), body]);
  changed.writeInt32BE(changed.length - 12, 8);
  changed.writeUInt32BE(crcOf(changed.subarray(21)), 17);
  return changed;
}

/** CRC-32C, bit by bit. */
function crcOf(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

test('the CRC is the same whoever computes it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (array) => {
      const data = Buffer.from(array);
      expect(crc32c(data)).toBe(crcOf(data));
      expect(portable(data)).toBe(crcOf(data));
    }),
  );
});

test('ten thousand headers of one record come back as they were', () => {
  const headers = Array.from({ length: 10_000 }, (_, i) => [`h${i}`, Buffer.from(`${i}`)] as const);
  expect(readBatches(encode([record({ headers })]), 0)[0]?.records[0]?.headers).toEqual(headers);
});

describe('hostile records', () => {
  const bodies: readonly (readonly [string, string])[] = [
    ['a length beyond the end', '7e00'],
    ['a value that is longer than its record', '1000000001fe7f0000'],
    ['a number without an end', 'ffffffffffffffffffffffff'],
    ['nothing at all', ''],
    ['a count of headers beyond the end', '0e0000000101feffff0f'],
  ];
  test.each(bodies)('%s: an error, and no hang', (_what, hex) => {
    expect(() => readBatches(rewritten(encode([record()]), Buffer.from(hex, 'hex')), 0)).toThrow();
  });

  test('a flipped bit anywhere in the records, with a right CRC, is an error or another message, and never a hang', () => {
    const whole = encode([record({ key: Buffer.from('key'), headers: [['name', 'value']] }), record()]);
    for (let at = 61; at < whole.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const body = Buffer.from(whole.subarray(61));
        body[at - 61] = (body[at - 61] as number) ^ (1 << bit);
        try {
          readBatches(rewritten(whole, body), 0);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }
    }
  });
});

describe('numbers', () => {
  test.each([0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 29, 2 ** 30, 2 ** 31, -(2 ** 31), 2 ** 40, -(2 ** 40), 2 ** 53 - 1, 1 - 2 ** 53])(
    '%d comes back',
    (value) => {
      const writer = new ByteWriter(0, 20);
      writer.varint(value);
      expect(new ByteReader(writer.bytes()).varint()).toBe(value);
    },
  );
});
