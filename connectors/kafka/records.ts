/**
 * Record batches of Kafka, format 2, as bytes and back (kafka.apache.org/documentation/#recordbatch). Our own, as the client's way costs several
 * objects for each field, writes times more than 2^31 ms apart in one batch wrong, and does not check what it reads (@platformatic/kafka 2.12.1).
 *
 *   i64 base offset | i32 length of what follows | i32 leader epoch | i8 format (2) | u32 CRC-32C of what follows
 *   i16 attributes | i32 last offset delta | i64 first timestamp | i64 max timestamp | i64 producer id | i16 epoch | i32 sequence | i32 count
 *   records, compressed together as the attributes say:
 *     varint length | i8 0 | varint timestamp delta | varint offset delta | varint key length, key | varint value length, value
 *     varint headers, each: varint name length, name | varint value length, value          (lengths of null are -1)
 */

import { type Compression, compress, compressionCode, decompress } from './compression.ts';
import { crc32c } from './crc32c.ts';
import type { OutRecord } from './port.ts';
import { ByteReader, ByteWriter } from './varints.ts';

const lengthAt = 8;
const formatAt = 16;
const crcAt = 17;
const attributesAt = 21;
const headBytes = 61;
const format = 2;

/** Bits of a batch's attributes. */
export const compressionBits = 7;
export const logAppendTime = 8;
export const transactional = 16;
export const control = 32;

export interface Producer {
  readonly id: bigint;
  readonly epoch: number;
}

/**
 * One batch of these records, ready to be sent; a record without a time gets `nowMs`, `sequence` is that of the first record.
 */
export function encodeBatch(
  records: readonly OutRecord[],
  compression: Compression,
  producer: Producer,
  sequence: number,
  nowMs: number,
): Buffer {
  const out = new ByteWriter(headBytes, sizeOf(records));
  const first = records[0]?.timestamp ?? nowMs;
  let max = first;
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as OutRecord;
    const timestamp = record.timestamp ?? nowMs;
    if (timestamp > max) max = timestamp;
    writeRecord(out, record, timestamp - first, i);
  }
  const batch = compression === 'none' ? out.bytes() : withBody(out, compress(compression, out.bytes().subarray(headBytes)));
  batch.writeInt32BE(batch.length - lengthAt - 4, lengthAt);
  batch.writeInt32BE(-1, 12);
  batch.writeInt8(format, formatAt);
  batch.writeInt16BE(compressionCode[compression], attributesAt);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(first), 27);
  batch.writeBigInt64BE(BigInt(max), 35);
  batch.writeBigInt64BE(producer.id, 43);
  batch.writeInt16BE(producer.epoch, 51);
  batch.writeInt32BE(sequence, 53);
  batch.writeInt32BE(records.length, 57);
  batch.writeBigInt64BE(0n, 0);
  batch.writeUInt32BE(crc32c(batch.subarray(attributesAt)), crcAt);
  return batch;
}

function withBody(head: ByteWriter, body: Buffer): Buffer {
  const batch = Buffer.allocUnsafeSlow(headBytes + body.length);
  head.bytes().copy(batch, 0, 0, headBytes);
  body.copy(batch, headBytes);
  return batch;
}

/** At least what the records take: ten bytes at most for a time, five for a length or a number. */
function sizeOf(records: readonly OutRecord[]): number {
  let size = headBytes;
  for (const { key, value, headers } of records) {
    size += 40 + (key?.length ?? 0) + (value?.length ?? 0);
    // Destructuring a pair makes an iterator. A character takes at most three bytes of UTF-8.
    for (let i = 0; i < headers.length; i++) {
      const header = headers[i] as OutHeader;
      size += 10 + 3 * header[0].length + (typeof header[1] === 'string' ? 3 * header[1].length : (header[1]?.length ?? 0));
    }
  }
  return size;
}

type OutHeader = OutRecord['headers'][number];

function writeRecord(out: ByteWriter, record: OutRecord, timestampDelta: number, offsetDelta: number): void {
  const { key, value, headers } = record;
  const start = out.open();
  out.byte(0);
  out.varint(timestampDelta);
  out.varint(offsetDelta);
  out.nullable(key);
  out.nullable(value);
  out.varint(headers.length);
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as OutHeader;
    out.text(header[0]);
    if (typeof header[1] === 'string') out.text(header[1]);
    else out.nullable(header[1]);
  }
  out.close(start);
}

export type RecordHeader = readonly [name: string, value: Buffer | null];

export interface ReadRecord {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** A batch as it was read. Keys and values are slices of the bytes it was read from. */
export interface ReadBatch {
  readonly attributes: number;
  readonly firstOffset: number;
  readonly lastOffsetDelta: number;
  readonly firstTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: bigint;
  readonly records: readonly ReadRecord[];
  /** Of its records, unpacked. */
  readonly bytes: number;
}

/**
 * The whole batches in these bytes; the broker may cut the last one. A batch that lies wholly below `from` is looked at no closer. Stops
 * behind the batch with which `maxBytes` are reached, unpacked: the rest is to be fetched again. Throws when one is damaged, or of a format of before
 * Kafka 0.11, or when there are bytes and no whole batch.
 */
export function readBatches(bytes: Buffer, from: number, maxBytes = Number.POSITIVE_INFINITY): ReadBatch[] {
  const batches: ReadBatch[] = [];
  let unpacked = 0;
  for (let at = 0; at + headBytes <= bytes.length && unpacked < maxBytes; ) {
    const end = at + lengthAt + 4 + bytes.readInt32BE(at + lengthAt);
    if (end > bytes.length) break;
    const batch = readBatch(bytes.subarray(at, end), from);
    unpacked += batch.bytes;
    batches.push(batch);
    at = end;
  }
  if (bytes.length > 0 && batches.length === 0) throw new Error('there are bytes and no whole record batch in them');
  return batches;
}

function readBatch(batch: Buffer, from: number): ReadBatch {
  const firstOffset = Number(batch.readBigInt64BE(0));
  const found = batch.readInt8(formatAt);
  if (found !== format) throw new Error(`the record batch at offset ${firstOffset} is of format ${found}; only ${format} is read`);
  if (crc32c(batch.subarray(attributesAt)) !== batch.readUInt32BE(crcAt))
    throw new Error(`the record batch at offset ${firstOffset} was damaged on its way: its CRC does not fit`);
  const attributes = batch.readInt16BE(attributesAt);
  const lastOffsetDelta = batch.readInt32BE(23);
  // A marker is looked at wherever it stands: it ends the transaction of what comes behind it.
  const isOld = (attributes & control) === 0 && firstOffset + lastOffsetDelta < from;
  const body = isOld ? noBytes : decompress(attributes & compressionBits, batch.subarray(headBytes));
  return {
    attributes,
    firstOffset,
    lastOffsetDelta,
    firstTimestamp: Number(batch.readBigInt64BE(27)),
    maxTimestamp: Number(batch.readBigInt64BE(35)),
    producerId: batch.readBigInt64BE(43),
    records: isOld ? [] : readRecords(body, batch.readInt32BE(57)),
    bytes: body.length,
  };
}

const noBytes = Buffer.alloc(0);

function readRecords(bytes: Buffer, count: number): ReadRecord[] {
  const from = new ByteReader(bytes);
  const records: ReadRecord[] = [];
  for (let i = 0; i < count; i++) {
    const length = from.varint();
    const end = from.at + length;
    from.at++; // attributes of a record: none are defined
    const timestampDelta = from.varint();
    const offsetDelta = from.varint();
    const key = from.nullable();
    const value = from.nullable();
    const headers = readHeaders(from);
    if (from.at !== end) throw new Error('a record is not as long as it says');
    records.push({ offsetDelta, timestampDelta, key, value, headers });
  }
  if (count < 0 || from.at !== bytes.length) throw new Error('a record batch has not as many records as it says');
  return records;
}

const noHeaders: readonly RecordHeader[] = [];

function readHeaders(from: ByteReader): readonly RecordHeader[] {
  const count = from.varint();
  if (count === 0) return noHeaders;
  const headers: RecordHeader[] = [];
  for (let i = 0; i < count; i++) headers.push([from.name(), from.nullable()]);
  return headers;
}
