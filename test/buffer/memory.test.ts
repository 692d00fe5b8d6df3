import { describe, expect, test } from 'vitest';
import { memoryBuffer } from '../../src/buffer/memory.ts';
import type { Batch, Source } from '../../src/connector.ts';
import { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';

const { signal } = new AbortController();
const room = { messages: 100, bytes: 1e9 };
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => new Message({ id: String(from + i), body: Buffer.alloc(100) }));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));

async function take(far: Source, limits = room): Promise<Batch & { ids: (string | undefined)[] }> {
  const batch = (await far.read(limits, signal)) as Batch;
  return { messages: batch.messages, ids: batch.messages.map(({ id }) => id), ack: () => batch.ack() };
}

describe('a buffer in memory', () => {
  test('hands on what is written, in call order, within the room', async () => {
    const buffer = memoryBuffer({ maxBytes: 1e6, maxMessages: 1000 });
    const near = await buffer.near.open(signal);
    await Promise.all([near.write(numbered(0, 5)), near.write(numbered(5, 9)), near.write([])]);
    const far = await buffer.far.open(signal);
    expect((await take(far, { messages: 6, bytes: 1e9 })).ids).toEqual(range(0, 6));
    expect((await take(far, { messages: 6, bytes: 1 })).ids).toEqual(range(6, 7));
    expect((await take(far)).ids).toEqual(range(7, 9));
  });

  test('says that what it holds is gone with the process', () => {
    expect(memoryBuffer({ maxMessages: 1, maxBytes: 1 }).far.can.diesWithProcess).toBe(true);
  });

  test('makes a write wait for room, and the next ones behind it', async () => {
    const buffer = memoryBuffer({ maxBytes: 1e6, maxMessages: 3 });
    const near = await buffer.near.open(signal);
    const done: number[] = [];
    const writes = [near.write(numbered(0, 5)).then(() => done.push(0)), near.write(numbered(5, 6)).then(() => done.push(1))];
    const far = await buffer.far.open(signal);
    const first = await take(far);
    expect([first.ids, done, buffer.stats().full]).toEqual([range(0, 3), [], true]);
    first.ack();
    const rest = await take(far);
    await Promise.all(writes);
    expect([rest.ids, done, buffer.stats().messages]).toEqual([range(3, 5), [0, 1], 3]);
  });

  test('takes a message that is larger than itself when it is empty', async () => {
    const buffer = memoryBuffer({ maxBytes: 10, maxMessages: 10 });
    await (await buffer.near.open(signal)).write(numbered(0, 1));
    expect(buffer.stats().messages).toBe(1);
  });

  test('starts again at what was not acked when it is opened again; acks of the old one are void', async () => {
    const buffer = memoryBuffer({ maxBytes: 1e6, maxMessages: 1000 });
    await (await buffer.near.open(signal)).write(numbered(0, 9));
    const first = await buffer.far.open(signal);
    const batches = [await take(first, { messages: 3, bytes: 1e9 }), await take(first, { messages: 3, bytes: 1e9 })];
    batches[0]?.ack();
    await first.close();
    batches[1]?.ack();
    expect((await take(await buffer.far.open(signal))).ids).toEqual(range(3, 9));
  });

  test('ends waiting writes and reads when an end is closed, and gives null on abort', async () => {
    const buffer = memoryBuffer({ maxBytes: 1e6, maxMessages: 1 });
    const near = await buffer.near.open(signal);
    const late = near.write(numbered(0, 2));
    await until('the buffer is full', async () => buffer.stats().full);
    await Promise.all([expect(late).rejects.toMatchObject({ code: 'NOT_CONNECTED' }), near.close()]);
    const far = await buffer.far.open(signal);
    (await take(far)).ack();
    const abort = new AbortController();
    const aborted = far.read(room, abort.signal);
    abort.abort();
    expect(await aborted).toBeNull();
    const waiting = far.read(room, signal);
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'NOT_CONNECTED' }), far.close()]);
  });

  test('hands a changed message on as a message in its own right', async () => {
    const buffer = memoryBuffer({ maxBytes: 1e6, maxMessages: 1 });
    await (await buffer.near.open(signal)).write([new Message({ body: Buffer.from('a') }).change({ id: 'new' })]);
    const [message] = (await take(await buffer.far.open(signal))).messages;
    expect([message?.id, message?.received]).toEqual(['new', message]);
  });
});
