/** From one partition of a decoded fetch response to messages: only what is committed, from the asked offset on, with the right times. */
import type { Message } from '../../../src/connector.ts';
import { fromRecord } from '../message.ts';
import type { Chunk, Claim } from '../port.ts';

interface FetchedRecord {
  readonly offsetDelta: number;
  readonly timestampDelta: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}

export interface FetchedBatch {
  readonly attributes: number;
  readonly firstOffset: bigint;
  readonly lastOffsetDelta: number;
  readonly firstTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId: bigint;
  readonly records: readonly FetchedRecord[];
}

interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** Bits of a batch's attributes (kafka.apache.org/documentation/#recordbatch). */
const logAppendTime = 8;
const transactional = 16;
const control = 32;

/**
 * The messages from `position` on. The next position comes from the batches, not from the records: compaction removes records, and markers are
 * never handed out.
 */
export function readChunk(
  claim: Claim,
  position: number,
  batches: readonly FetchedBatch[],
  aborted: readonly AbortedTransaction[] | null,
): Chunk {
  const messages: Message[] = [];
  const filter = new AbortedFilter(aborted ?? []);
  let next = position;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    const last = first + batch.lastOffsetDelta;
    if (filter.keeps(batch)) takeRecords(claim, position, first, batch, messages);
    if (last >= next) next = last + 1;
  }
  return { claim, messages, next };
}

function takeRecords(claim: Claim, position: number, first: number, batch: FetchedBatch, into: Message[]): void {
  const appended = (batch.attributes & logAppendTime) !== 0;
  const base = Number(appended ? batch.maxTimestamp : batch.firstTimestamp);
  for (const record of batch.records) {
    const offset = first + record.offsetDelta;
    if (offset < position) continue;
    const timestamp = appended ? base : base + Number(record.timestampDelta);
    into.push(fromRecord(claim, offset, timestamp, record.key, record.value, record.headers));
  }
}

/** Leaves out markers and what belongs to aborted transactions, as Java's `CompletedFetch` does. Batches must be given in order. */
class AbortedFilter {
  readonly #coming: AbortedTransaction[];
  readonly #open = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#coming = aborted.length < 2 ? [...aborted] : aborted.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  keeps(batch: FetchedBatch): boolean {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (this.#coming[0] && this.#coming[0].firstOffset <= last) this.#open.add((this.#coming.shift() as AbortedTransaction).producerId);
    if ((batch.attributes & control) !== 0) {
      if (isAbortMarker(batch)) this.#open.delete(batch.producerId);
      return false;
    }
    return (batch.attributes & transactional) === 0 || !this.#open.has(batch.producerId);
  }
}

// The key of a marker: version int16, then type int16; 0 is abort. Compaction may have emptied the batch.
function isAbortMarker(batch: FetchedBatch): boolean {
  const key = batch.records[0]?.key;
  return key !== null && key !== undefined && key.length >= 4 && key.readInt16BE(2) === 0;
}
