/** What a start finds in the log of a stage. */
import type { Log } from '../log.ts';
import type { FramePlace } from '../reader.ts';
import { type Arrival, type Entry, EntryDecoder } from './entry.ts';
import type { Kept, Release } from './keeper.ts';
import { Ledger } from './ledger.ts';
import { type Copy, Places } from './places.ts';

export interface Decided {
  readonly id: number;
  readonly release: Release;
  /** Its members are done with, and it is remembered. */
  readonly isDone: boolean;
}

export interface Found {
  /** Decisions that are needed, in their order. */
  readonly decided: readonly Decided[];
  /** The latest time in it, on the stage's clock. */
  readonly lastMs: number;
}

/**
 * Reads the log from the cursor on, without its messages, twice: at first what is needed, then what that is. So little of it is in memory at
 * once. `onKept` is told of the messages in the order in which they came, but for those that were released.
 */
export async function recoverFrom(log: Log<Entry>, onKept: (kept: Kept) => void): Promise<{ found: Found; places: Places }> {
  const { ledger, copies, decided, lastMs } = await needed(log);
  const released = new Set([...decided.values()].flatMap(({ members }) => members));
  const waiting = [...copies.values()].flatMap(({ kept }) => (kept && !released.has(kept.id) ? kept : [])).sort(byId);
  let told = 0;
  const tellUpTo = (id: number) => {
    for (let next = waiting[told]; next && next.id < id; next = waiting[told]) {
      told++;
      onKept(next);
    }
  };
  await eachEntry(log, (entry, sequence, place) => {
    if (entry.kind !== 'arrival' || entry.id !== 0 || released.has(sequence) || !ledger.isNeeded(sequence)) return;
    tellUpTo(sequence);
    onKept(keptOf(entry, sequence, place));
  });
  tellUpTo(Number.POSITIVE_INFINITY);
  const isNeeded = (id: number) => ledger.isNeeded(copies.get(id)?.at ?? id);
  const decisions = [...decided]
    .map(([id, { members, why }]): Decided => ({ id, release: { members, why }, isDone: !members.some(isNeeded) }))
    .sort(byId);
  const moved = new Map([...copies].map(([id, { at, kept }]): [number, Copy] => [id, { at, cameMs: kept?.at }]));
  return { found: { decided: decisions, lastMs }, places: new Places(ledger, moved) };
}

interface Needed {
  readonly ledger: Ledger;
  readonly copies: ReadonlyMap<number, { readonly at: number; readonly kept: Kept | undefined }>;
  readonly decided: ReadonlyMap<number, Release>;
  readonly lastMs: number;
}

async function needed(log: Log<Entry>): Promise<Needed> {
  const ledger = new Ledger();
  const copies = new Map<number, { readonly at: number; readonly kept: Kept | undefined }>();
  const decided = new Map<number, Release>();
  let lastMs = 0;
  const free = (id: number) => ledger.free(copies.get(id)?.at ?? id);
  const visit = (entry: Entry, sequence: number, place: FramePlace) => {
    if (entry.kind === 'done') {
      for (const id of entry.ids) {
        free(id);
        copies.delete(id);
        decided.delete(id);
      }
      return;
    }
    const id = entry.id === 0 ? sequence : entry.id;
    if (entry.id !== 0) {
      free(id);
      copies.set(id, { at: sequence, kept: entry.kind === 'arrival' ? keptOf(entry, id, place) : undefined });
    }
    ledger.need(sequence);
    if (entry.kind === 'decision') decided.set(id, entry);
    else lastMs = Math.max(lastMs, entry.at);
  };
  await eachEntry(log, visit, (place) => ledger.add(place));
  return { ledger, copies, decided, lastMs };
}

async function eachEntry(
  log: Log<Entry>,
  visit: (entry: Entry, sequence: number, place: FramePlace) => void,
  visitFrame: (place: FramePlace) => void = () => undefined,
): Promise<void> {
  const reader = log.reader(new EntryDecoder());
  let last: FramePlace | undefined;
  try {
    while (await reader.load()) {
      const { sequence, place } = reader as { sequence: number; place: FramePlace };
      if (place !== last) visitFrame(place);
      last = place;
      visit(reader.take(), sequence, place);
    }
  } finally {
    await reader.close();
  }
}

function keptOf({ note, at }: Arrival, id: number, { bytes, count }: FramePlace): Kept {
  return { id, note, at, bytes: bytes / count };
}

function byId(a: { readonly id: number }, b: { readonly id: number }): number {
  return a.id - b.id;
}
