import { describe, expect, test } from 'vitest';
import { readChunk } from '../../../connectors/kafka/drivers/fetched.ts';
import type { ReadBatch } from '../../../connectors/kafka/records.ts';

const claim = { topic: 't', partition: 0, lane: 't/0', live: true };
const transactional = 16;
const control = 32;

function batch(firstOffset: number, count: number, more: Partial<ReadBatch> = {}): ReadBatch {
  const records = Array.from({ length: count }, (_, offsetDelta) => record(offsetDelta));
  return {
    attributes: 0,
    firstOffset,
    lastOffsetDelta: count - 1,
    firstTimestamp: 100,
    maxTimestamp: 900,
    producerId: -1n,
    records,
    bytes: 0,
    ...more,
  };
}

function record(offsetDelta: number, key: Buffer | null = null) {
  return { offsetDelta, timestampDelta: offsetDelta, key, value: Buffer.from('v'), headers: [] };
}

function marker(firstOffset: number, producerId: bigint, type: 'abort' | 'commit'): ReadBatch {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]);
  return batch(firstOffset, 1, { attributes: transactional | control, producerId, records: [record(0, key)] });
}

function offsets(chunk: ReturnType<typeof readChunk>): unknown[] {
  return chunk.messages.map((message) => message.origin['offset']);
}

describe('one partition of a fetch', () => {
  test('leaves out what was fetched before and goes on after the last record', () => {
    const chunk = readChunk(claim, 12, [batch(10, 5)], null);
    expect(offsets(chunk)).toEqual([12, 13, 14]);
    expect(chunk.next).toBe(15);
  });

  test('goes on after a batch whose last records compaction removed', () => {
    const chunk = readChunk(claim, 0, [batch(0, 10, { records: [record(2), record(5)] })], null);
    expect(offsets(chunk)).toEqual([2, 5]);
    expect(chunk.next).toBe(10);
  });

  test('uses the time of the append where the topic has that', () => {
    const chunk = readChunk(claim, 0, [batch(0, 2, { attributes: 8 })], null);
    expect(chunk.messages.map((message) => message.timestamp)).toEqual([900, 900]);
  });

  test('leaves out aborted transactions, also two of one producer around a committed one', () => {
    const mine = { attributes: transactional, producerId: 7n };
    const batches = [
      batch(0, 2, mine),
      marker(2, 7n, 'abort'),
      batch(3, 2, mine),
      marker(5, 7n, 'commit'),
      batch(6, 2, mine),
      batch(8, 1, { attributes: transactional, producerId: 8n }),
      marker(9, 7n, 'abort'),
      marker(10, 8n, 'commit'),
    ];
    const aborted = [
      { producerId: 7n, firstOffset: 6n },
      { producerId: 7n, firstOffset: 0n },
    ];
    const chunk = readChunk(claim, 0, batches, aborted);
    expect(offsets(chunk)).toEqual([3, 4, 8]);
    expect(chunk.next).toBe(11);
  });

  test('leaves out aborted records whose marker comes with a later fetch', () => {
    const chunk = readChunk(claim, 0, [batch(0, 2, { attributes: transactional, producerId: 7n })], [{ producerId: 7n, firstOffset: 0n }]);
    expect(chunk.messages).toEqual([]);
    expect(chunk.next).toBe(2);
  });

  test('is not upset by a marker that compaction has emptied', () => {
    const chunk = readChunk(
      claim,
      0,
      [batch(0, 1, { attributes: transactional | control, producerId: 7n, records: [] }), batch(1, 1)],
      [{ producerId: 7n, firstOffset: 0n }],
    );
    expect(offsets(chunk)).toEqual([1]);
  });
});
