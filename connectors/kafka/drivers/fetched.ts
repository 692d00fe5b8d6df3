/** From what a fetch found in one partition to messages: only what is committed, from the asked offset on, with the right times. */
import type { Message } from '../../../src/connector.ts';
import { fromRecord } from '../message.ts';
import type { Chunk, Claim } from '../port.ts';
import { control, logAppendTime, type ReadBatch, type ReadRecord, transactional } from '../records.ts';

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/**
 * The messages from `position` on. The next position comes from the batches, not from the records: compaction removes records, and markers are
 * never handed out.
 */
export function readChunk(
  claim: Claim,
  position: number,
  batches: readonly ReadBatch[],
  aborted: readonly AbortedTransaction[] | null,
): Chunk {
  const messages: Message[] = [];
  const filter = new AbortedFilter(aborted ?? []);
  let next = position;
  for (const batch of batches) {
    if (filter.keeps(batch)) takeRecords(claim, position, batch, messages);
    next = Math.max(next, batch.firstOffset + batch.lastOffsetDelta + 1);
  }
  return { claim, messages, next };
}

function takeRecords(claim: Claim, position: number, batch: ReadBatch, into: Message[]): void {
  const { records, firstOffset } = batch;
  const appended = (batch.attributes & logAppendTime) !== 0;
  const base = appended ? batch.maxTimestamp : batch.firstTimestamp;
  for (let i = 0; i < records.length; i++) {
    const { offsetDelta, timestampDelta, key, value, headers } = records[i] as ReadRecord;
    const offset = firstOffset + offsetDelta;
    if (offset < position) continue;
    into.push(fromRecord(claim, offset, appended ? base : base + timestampDelta, key, value, headers));
  }
}

/** Leaves out markers and what belongs to aborted transactions, as Java's `CompletedFetch` does. Batches must be given in order. */
class AbortedFilter {
  readonly #coming: AbortedTransaction[];
  readonly #open = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#coming = aborted.length < 2 ? [...aborted] : aborted.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  keeps(batch: ReadBatch): boolean {
    const last = batch.firstOffset + batch.lastOffsetDelta;
    while (this.#coming[0] && this.#coming[0].firstOffset <= last) this.#open.add((this.#coming.shift() as AbortedTransaction).producerId);
    if ((batch.attributes & control) !== 0) {
      if (isAbortMarker(batch)) this.#open.delete(batch.producerId);
      return false;
    }
    return (batch.attributes & transactional) === 0 || !this.#open.has(batch.producerId);
  }
}

// The key of a marker: version int16, then type int16; 0 is abort. Compaction may have emptied the batch.
function isAbortMarker(batch: ReadBatch): boolean {
  const key = batch.records[0]?.key;
  return key !== null && key !== undefined && key.length >= 4 && key.readInt16BE(2) === 0;
}
