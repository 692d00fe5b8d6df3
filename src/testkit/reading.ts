import type { Batch, Message, Room, Source, SourceEnd } from '../connector.ts';
import { within } from './kit.ts';

export const room: Room = { messages: 100, bytes: 16 * 1024 * 1024 };
const limitMs = 30_000;
const never = new AbortController().signal;

/** One read that must not be the end. */
export async function readBatch(source: Source, limits: Room = room, signal: AbortSignal = never): Promise<Batch> {
  const batch = await within('read() gives a batch', limitMs, source.read(limits, signal));
  if (batch === null) throw new Error('read() gave null: the end of a source that has no end');
  return batch;
}

/** Batches until there are `count` messages, never asking for more; nothing is acked. */
export async function readBatches(source: Source, count: number, most = room.messages): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let got = 0; got < count; ) {
    const batch = await readBatch(source, { messages: Math.min(most, count - got), bytes: room.bytes });
    batches.push(batch);
    got += batch.messages.length;
  }
  return batches;
}

/** The messages of {@link readBatches}, each batch acked at once. */
export async function readAll(source: Source, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    const batch = await readBatch(source);
    messages.push(...batch.messages);
    batch.ack();
  }
  return messages;
}

/** Reads and acks until each of these texts has come; what else came is in the answer too. */
export async function readUntil(source: Source, awaited: readonly string[]): Promise<Message[]> {
  const missing = new Set(awaited);
  const messages: Message[] = [];
  while (missing.size > 0) {
    const batch = await readBatch(source);
    for (const message of batch.messages) missing.delete(String(message.body));
    messages.push(...batch.messages);
    batch.ack();
  }
  return messages;
}

export function messagesOf(batches: readonly Batch[]): Message[] {
  return batches.flatMap((batch) => batch.messages);
}

/** Opens, lets the test use it, closes. */
export async function withSource<T>(end: SourceEnd, use: (source: Source) => Promise<T>): Promise<T> {
  const source = await within('the source opens', limitMs, end.open(never));
  try {
    return await use(source);
  } finally {
    await within('the source closes', limitMs, source.close());
  }
}
