import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import type { Parcel, Publisher, Subject } from './subject.ts';

const batchSize = 50;
const giveUpMs = 90_000;

/** Publishes until the source broker has confirmed everything, and writes the ledger. `perSecond` paces it. */
export async function sendAll(
  subject: Subject,
  place: string,
  parcels: Iterable<Parcel>,
  ledger: Ledger,
  perSecond = Number.POSITIVE_INFINITY,
): Promise<void> {
  const line = new Line(subject, place, ledger);
  const start = performance.now();
  let sent = 0;
  for (const batch of batches(parcels)) {
    await sleep(Math.max(0, start + (sent / perSecond) * 1000 - performance.now()));
    await line.publish(batch);
    sent += batch.length;
  }
  await line.close();
}

function* batches(parcels: Iterable<Parcel>): Generator<Parcel[]> {
  let batch: Parcel[] = [];
  for (const parcel of parcels) {
    batch.push(parcel);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Publishes through one publisher after the other. */
class Line {
  #publisher: Publisher | undefined;
  readonly #subject: Subject;
  readonly #place: string;
  readonly #ledger: Ledger;

  constructor(subject: Subject, place: string, ledger: Ledger) {
    this.#subject = subject;
    this.#place = place;
    this.#ledger = ledger;
  }

  async publish(parcels: readonly Parcel[]): Promise<void> {
    for (const deadline = Date.now() + giveUpMs; ; ) {
      try {
        this.#publisher ??= await this.#subject.publisher(this.#place);
        this.#ledger.sending(parcels);
        await within(this.#publisher.publish(parcels), 10_000);
        this.#ledger.confirmed(parcels);
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await this.close();
        await sleep(200);
      }
    }
  }

  async close(): Promise<void> {
    const publisher = this.#publisher;
    this.#publisher = undefined;
    await publisher?.close().catch(() => {}); // its link may be gone already
  }
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const stop = new AbortController();
  const late = sleep(ms, undefined, { signal: stop.signal }).then(
    () => {
      throw new Error(`no confirm within ${ms} ms`);
    },
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
    work.catch(() => {});
  }
}
