/** The disk buffer through its two ends. Numbers are those of the invariants in src/buffer/log.ts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type DiskOptions, openBuffer, type RouteBuffer } from '../../src/buffer/buffer.ts';
import type { FileSystem, LogFile } from '../../src/buffer/fs.ts';
import type { Batch, Source } from '../../src/connector.ts';
import { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { silent } from './life.ts';
import { randomOf, SimFs } from './sim-fs.ts';

const { signal } = new AbortController();
const disk: DiskOptions = { maxBytes: 1024 * 1024, sync: 'always', everyMs: 10 };
const small = { segmentBytes: 4000, frameBytes: 2000, diskRetryMs: 1, cursorDelayMs: 1, closeTimeoutMs: 200 };
const room = { messages: 1000, bytes: 1e9 };

function fresh(): SimFs {
  const files = new SimFs(randomOf(1));
  files.shortWrites = 0;
  return files;
}

function openOn(files: SimFs, options: Partial<DiskOptions> = {}, tuning = {}): Promise<RouteBuffer> {
  return openBuffer('/buffer', { ...disk, ...options }, { log: silent, files, tuning: { ...small, ...tuning } });
}

/** How often files were read from since now. */
function countReads(files: SimFs): () => number {
  let count = 0;
  const open = files.open.bind(files);
  files.open = async (path, mode) => {
    const file = await open(path, mode);
    return {
      ...file,
      read: (into, position) => {
        count++;
        return file.read(into, position);
      },
    };
  };
  return () => count;
}

function slowSync(file: LogFile, delayMs: number): LogFile {
  return { ...file, sync: () => sleep(delayMs).then(() => file.sync()) };
}

function numbered(from: number, to: number, bytes = 100): Message[] {
  return Array.from({ length: to - from }, (_, i) => new Message({ id: String(from + i), body: Buffer.alloc(bytes, String(from + i)) }));
}

async function put(buffer: RouteBuffer, messages: readonly Message[]): Promise<void> {
  const near = await buffer.near.open(signal);
  expect(await near.write(messages)).toEqual([]);
}

async function take(far: Source, limits = room): Promise<Batch & { ids: number[] }> {
  const batch = (await far.read(limits, signal)) as Batch;
  return { messages: batch.messages, ids: batch.messages.map(({ id }) => Number(id)), ack: () => batch.ack() };
}

async function takeAll(buffer: RouteBuffer): Promise<number[]> {
  const far = await buffer.far.open(signal);
  const ids: number[] = [];
  for (const left = buffer.stats().messages; ids.length < left; ) ids.push(...(await take(far)).ids);
  await far.close();
  return ids;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe('the near side', () => {
  test('resolves only after a sync of what it wrote (1)', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    await put(buffer, numbered(0, 3));
    files.stop();
    expect(await takeAll(await openOn(files.powerCut()))).toEqual([0, 1, 2]);
  });

  test('gives writes that are not awaited to the log in call order', async () => {
    const buffer = await openOn(fresh());
    const near = await buffer.near.open(signal);
    await Promise.all(range(0, 50).map((i) => near.write(numbered(i * 3, i * 3 + 3))));
    expect(await takeAll(buffer)).toEqual(range(0, 150));
  });

  test('refuses for good what is larger than a record may be, and stores its neighbours', async () => {
    const buffer = await openOn(fresh(), {}, { recordBytesMax: 3000 });
    const near = await buffer.near.open(signal);
    const [before, large, after] = [numbered(0, 1), numbered(1, 2, 3001), numbered(2, 3, 2800)].flat() as [Message, Message, Message];
    const refusals = await near.write([before, large, after]);
    expect(refusals).toMatchObject([{ message: { id: '1' }, retry: false, error: { code: 'TOO_LARGE' } }]);
    expect(await takeAll(buffer)).toEqual([0, 2]);
  });

  test('refuses a message that cannot be written, and stores its neighbours', async () => {
    const buffer = await openOn(fresh());
    const near = await buffer.near.open(signal);
    const odd = new Message({ id: '1', body: null }).change({ json: { a: 1n } });
    expect(await near.write([...numbered(0, 1), odd, ...numbered(2, 3)])).toMatchObject([{ retry: false, error: { code: 'UNMAPPABLE' } }]);
    expect(await takeAll(buffer)).toEqual([0, 2]);
  });

  test('waits when the bytes are used up, and goes on as acks make room, down to the active segment (15, 16)', async () => {
    const files = fresh();
    const buffer = await openOn(files, { maxBytes: 11_000 });
    const near = await buffer.near.open(signal);
    const writes = range(0, 40).map((i) => near.write(numbered(i * 10, i * 10 + 10)));
    await until('the buffer is full', async () => buffer.stats().full);
    expect(buffer.stats().messages).toBeLessThan(400);
    const far = await buffer.far.open(signal);
    const ids: number[] = [];
    while (ids.length < 400) {
      const batch = await take(far);
      ids.push(...batch.ids);
      expect(buffer.stats().bytes).toBeLessThanOrEqual(11_000);
      batch.ack();
    }
    await Promise.all(writes);
    expect(ids).toEqual(range(0, 400));
  });

  test('waits when the number of messages is reached', async () => {
    const buffer = await openOn(fresh(), { maxMessages: 10 });
    const near = await buffer.near.open(signal);
    const late = near.write(numbered(0, 25));
    await until('the buffer is full', async () => buffer.stats().full);
    expect(buffer.stats().messages).toBe(10);
    const far = await buffer.far.open(signal);
    const ids: number[] = [];
    while (ids.length < 25) {
      const batch = await take(far);
      ids.push(...batch.ids);
      batch.ack();
    }
    await late;
    expect(ids).toEqual(range(0, 25));
  });

  test('waits while the disk is full, and heals by itself when there is room (15)', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    const near = await buffer.near.open(signal);
    files.capacity = 12_000;
    const writes = range(0, 10).map((i) => near.write(numbered(i * 10, i * 10 + 10)));
    await until('the disk is full', async () => buffer.stats().full);
    files.capacity = 100_000;
    await Promise.all(writes);
    expect(await takeAll(buffer)).toEqual(range(0, 100));
  });

  test('lets the far side ack and make room on a full disk (15)', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    const near = await buffer.near.open(signal);
    files.capacity = 14_000;
    const writes = range(0, 30).map((i) => near.write(numbered(i * 10, i * 10 + 10)));
    const far = await buffer.far.open(signal);
    const ids: number[] = [];
    while (ids.length < 300) {
      const batch = await take(far);
      ids.push(...batch.ids);
      batch.ack();
    }
    await Promise.all(writes);
    expect(ids).toEqual(range(0, 300));
  });

  test('ends all its writes when it is closed while the buffer is full, and can be opened again', async () => {
    const buffer = await openOn(fresh(), { maxMessages: 5 });
    const near = await buffer.near.open(signal);
    await near.write(numbered(0, 5));
    const late = [near.write(numbered(5, 8)), near.write(numbered(8, 9))];
    await until('the buffer is full', async () => buffer.stats().full);
    const outcomes = Promise.allSettled(late);
    await near.close();
    expect(await outcomes).toMatchObject([{ reason: { code: 'NOT_CONNECTED' } }, { reason: { code: 'NOT_CONNECTED' } }]);
    await expect(near.write(numbered(9, 10))).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    const far = await buffer.far.open(signal);
    (await take(far)).ack();
    await put(buffer, numbered(5, 8));
    expect((await take(far)).ids).toEqual([5, 6, 7]);
  });

  test('that is closed ends its own writes and no others: those go on, each message once', async () => {
    const buffer = await openOn(fresh(), { maxMessages: 5 }, { recordBytesMax: 1500 });
    const near = await buffer.near.open(signal);
    const other = await buffer.near.open(signal);
    await near.write(numbered(0, 4));
    const begun = other.write([new Message({ id: 'large', body: Buffer.alloc(2000) }), ...numbered(4, 9)]);
    const late = near.write(numbered(20, 23));
    const last = other.write(numbered(9, 11));
    await until('the buffer is full', async () => buffer.stats().full);
    const ended = expect(late).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await near.close();
    await ended;
    const far = await buffer.far.open(signal);
    const ids: number[] = [];
    while (ids.length < 11) {
      const batch = await take(far);
      ids.push(...batch.ids);
      batch.ack();
    }
    expect((await begun).map(({ message }) => message.id)).toEqual(['large']);
    expect(await last).toEqual([]);
    expect(ids).toEqual(range(0, 11));
    expect(buffer.stats().messages).toBe(0);
  });
});

describe('a failed sync', () => {
  test('ends the buffer for ever: pending and later writes, and reads (5)', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    const near = await buffer.near.open(signal);
    const far = await buffer.far.open(signal);
    const reading = far.read(room, signal);
    reading.catch(() => undefined); // looked at below
    files.failSyncIn = 2; // the first is the new segment's
    const writes = await Promise.allSettled([near.write(numbered(0, 2)), near.write(numbered(2, 4))]);
    expect(writes).toMatchObject([{ reason: { code: 'BUFFER_FAILED' } }, { reason: { code: 'BUFFER_FAILED' } }]);
    await expect(near.write(numbered(4, 5))).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
    await expect(reading).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
    await expect(buffer.near.open(signal)).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
    await expect(buffer.far.open(signal)).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
    await buffer.close();
  });

  test('of the cursor ends it too (5)', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    await put(buffer, numbered(0, 2));
    const far = await buffer.far.open(signal);
    files.failSyncIn = 1;
    (await take(far)).ack();
    await until('the buffer has failed', () =>
      far.read(room, AbortSignal.timeout(20)).then(
        () => false,
        (error) => error.code === 'BUFFER_FAILED',
      ),
    );
  });

  test('of frames is not forgiven by a second one: what a restart finds is written again before it counts (5)', async () => {
    const files = fresh();
    const near = await (await openOn(files)).near.open(signal);
    await near.write(numbered(0, 1));
    files.failSyncIn = 1;
    await expect(near.write(numbered(1, 2))).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
    files.stop();
    const restarted = files.kill();
    const found = await takeAll(await openOn(restarted));
    restarted.stop();
    expect(await takeAll(await openOn(restarted.powerCut()))).toEqual(found);
  });
});

describe('the far side', () => {
  test('hands out at most the room, at least one message', async () => {
    const buffer = await openOn(fresh());
    await put(buffer, numbered(0, 30));
    const far = await buffer.far.open(signal);
    expect((await take(far, { messages: 7, bytes: 1e9 })).ids).toEqual(range(0, 7));
    expect((await take(far, { messages: 7, bytes: 1 })).ids).toEqual([7]);
    expect((await take(far)).ids).toEqual(range(8, 30));
  });

  test('waits when there is nothing, is woken by a write, and gives null on abort (19)', async () => {
    const buffer = await openOn(fresh());
    const far = await buffer.far.open(signal);
    const late = take(far);
    await put(buffer, numbered(0, 1));
    expect((await late).ids).toEqual([0]);
    const abort = new AbortController();
    const reading = far.read(room, abort.signal);
    abort.abort();
    expect(await reading).toBeNull();
    expect(await far.read(room, abort.signal)).toBeNull();
  });

  test('starts again at the cursor when it is opened again; acks of the old one are void (20)', async () => {
    const buffer = await openOn(fresh());
    await put(buffer, numbered(0, 30));
    const first = await buffer.far.open(signal);
    const [one, two] = [await take(first, { messages: 10, bytes: 1e9 }), await take(first, { messages: 10, bytes: 1e9 })];
    one.ack();
    await first.close();
    two.ack();
    expect(await takeAll(buffer)).toEqual(range(10, 30));
  });

  test('keeps the cursor behind a batch that is not acked, should later ones be', async () => {
    const buffer = await openOn(fresh());
    await put(buffer, numbered(0, 30));
    const far = await buffer.far.open(signal);
    const batches = [await take(far, { messages: 10, bytes: 1e9 }), await take(far, { messages: 10, bytes: 1e9 })];
    batches[1]?.ack();
    expect(buffer.stats().messages).toBe(30);
    batches[0]?.ack();
    expect(buffer.stats().messages).toBe(10);
  });

  test('gives a message the same position each time, and no other message ever that one (12)', async () => {
    const files = fresh();
    const first = await openOn(files);
    await put(first, numbered(0, 3));
    const positions = async (buffer: RouteBuffer) => (await take(await buffer.far.open(signal))).messages.map(({ origin }) => origin);
    const before = await positions(first);
    expect(before).toEqual(range(1, 4).map((bufferSequence) => ({ bufferId: first.id, bufferSequence })));
    expect(await positions(first)).toEqual(before);
    (await take(await first.far.open(signal))).ack();
    await first.close();
    const second = await openOn(files);
    await put(second, numbered(3, 4));
    expect(await positions(second)).toEqual([{ bufferId: first.id, bufferSequence: 4 }]);
  });

  test('hands out nothing while too many acks are not on disk, and goes on once they are, however slow the disk is', async () => {
    const files = fresh();
    const slow: FileSystem = {
      open: async (path, mode) => slowSync(await files.open(path, mode), path.endsWith('cursor') ? 15 : 0),
      list: (directory) => files.list(directory),
      makeDirectory: () => files.makeDirectory(),
      syncDirectory: (directory) => files.syncDirectory(directory),
      unlink: (path) => files.unlink(path),
    };
    const tuning = { ...small, unsavedMax: 10, cursorDelayMs: 1 };
    const buffer = await openBuffer('/buffer', disk, { log: silent, files: slow, tuning });
    await put(buffer, numbered(0, 300, 10));
    const far = await buffer.far.open(signal);
    // The first ack starts the clock, the second one comes while the slow save that follows is under way.
    for (let read = 0; read < 300; ) {
      const batch = await take(far, { messages: read < 2 ? 1 : 4, bytes: 1e9 });
      read += batch.ids.length;
      batch.ack();
      if (read === 1) await sleep(6);
    }
    files.stop();
    expect((await takeAll(await openOn(files.powerCut()))).length).toBeLessThanOrEqual(10 + 4);
  });
});

describe('a far side that keeps up', () => {
  test('takes what was stored from memory, as a message in its own right', async () => {
    const files = fresh();
    const reads = countReads(files);
    const buffer = await openOn(files);
    const far = await buffer.far.open(signal);
    const changed = (numbered(0, 1)[0] as Message).change({ json: { a: 1 }, part: '#2' });
    await put(buffer, [changed]);
    const { messages } = await take(far);
    const [message] = messages as [Message];
    expect(message).not.toBe(changed);
    expect(message.received).toBe(message);
    expect(message).toMatchObject({ id: '0', part: '', origin: { bufferId: buffer.id, bufferSequence: 1 } });
    expect(message.json()).toEqual({ a: 1 });
    expect(reads()).toBe(0);
  });

  test.each(range(1, 21))('is not told of a message that a power cut could take (%i)', async (seed) => {
    const files = new SimFs(randomOf(seed));
    const buffer = await openOn(files);
    const far = await buffer.far.open(signal);
    void put(buffer, numbered(0, 3));
    const { ids } = await take(far);
    files.stop();
    expect(await takeAll(await openOn(files.powerCut()))).toEqual(ids);
  });

  test('reads from the disk what it was too late for, and goes on in memory when it has caught up', async () => {
    const files = fresh();
    const reads = countReads(files);
    const buffer = await openOn(files, {}, { recentBytes: 3000 });
    const far = await buffer.far.open(signal);
    for (let i = 0; i < 60; i += 5) await put(buffer, numbered(i, i + 5)); // over several segments
    const ids: number[] = [];
    while (ids.length < 60) ids.push(...(await take(far, { messages: 7, bytes: 1e9 })).ids);
    expect(ids).toEqual(range(0, 60));
    const before = reads();
    expect(before).toBeGreaterThan(0);
    await put(buffer, numbered(60, 63));
    expect((await take(far)).ids).toEqual([60, 61, 62]);
    expect(reads()).toBe(before);
  });

  test('goes from memory to the disk within a segment, and back', async () => {
    const files = fresh();
    const buffer = await openOn(files, {}, { recentBytes: 1500, segmentBytes: 100_000 });
    const far = await buffer.far.open(signal);
    const ids: number[] = [];
    for (let i = 0; i < 90; i += 30) {
      await put(buffer, numbered(i, i + 3));
      ids.push(...(await take(far)).ids);
      for (let j = i + 3; j < i + 30; j += 3) await put(buffer, numbered(j, j + 3));
      while (ids.length < i + 30) ids.push(...(await take(far, { messages: 4, bytes: 1e9 })).ids);
    }
    expect(ids).toEqual(range(0, 90));
  });
});

describe('closing and opening', () => {
  test('keeps what was not acked, and says how much that was (13, 20)', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    await put(buffer, numbered(0, 100));
    (await take(await buffer.far.open(signal), { messages: 40, bytes: 1e9 })).ack();
    await buffer.close();
    await buffer.close();
    const again = await openOn(files);
    expect(again.stats()).toMatchObject({ messages: 60, recovered: 60, full: false, limitBytes: disk.maxBytes });
    expect(again.stats().oldestMs).toBeGreaterThanOrEqual(0);
    expect(await takeAll(again)).toEqual(range(40, 100));
  });

  test('removes consumed segments as whole files, and counts real file bytes', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    await put(buffer, numbered(0, 200));
    const segments = async () => (await files.list('/buffer')).filter((name) => name.endsWith('.seg'));
    const bytes = async () => (await files.list('/buffer')).reduce((sum, name) => sum + files.bytesOf(`/buffer/${name}`).length, 0);
    expect((await segments()).length).toBeGreaterThan(5);
    expect(buffer.stats().bytes).toBe(await bytes());
    const far = await buffer.far.open(signal);
    for (let left = 200; left > 0; ) {
      const batch = await take(far);
      left -= batch.ids.length;
      batch.ack();
    }
    await far.close();
    expect(await segments()).toHaveLength(1);
    expect(buffer.stats().bytes).toBe(await bytes());
    expect(buffer.stats()).toMatchObject({ messages: 0, oldestMs: undefined });
  });

  test('is refused while it is open (14)', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    await expect(openOn(files)).rejects.toMatchObject({ code: 'DATA_LOCKED' });
    await buffer.close();
    await (await openOn(files)).close();
  });

  test('ends a read that waits', async () => {
    const buffer = await openOn(fresh());
    const reading = (await buffer.far.open(signal)).read(room, signal);
    await Promise.all([expect(reading).rejects.toMatchObject({ code: 'NOT_CONNECTED' }), buffer.close()]);
  });

  test('gives up on a disk that does not answer (21)', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    const near = await buffer.near.open(signal);
    files.stop();
    const writing = near.write(numbered(0, 1));
    await Promise.all([expect(writing).rejects.toMatchObject({ code: 'NOT_CONNECTED' }), buffer.close()]);
  });
});

describe('a damaged buffer', () => {
  async function closed(): Promise<SimFs> {
    const files = fresh();
    const buffer = await openOn(files);
    for (let i = 0; i < 60; i++) await put(buffer, numbered(i, i + 1));
    await buffer.close();
    return files;
  }
  const segmentsOf = async (files: SimFs) => (await files.list('/buffer')).filter((name) => name.endsWith('.seg')).sort();

  test('loses a torn end that was never confirmed, at whatever byte it is cut (2, 7, 8)', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    await put(buffer, numbered(0, 2));
    const [name] = await segmentsOf(files);
    const path = `/buffer/${name}`;
    const confirmed = Buffer.from(files.bytesOf(path));
    const cursor = Buffer.from(files.bytesOf('/buffer/cursor'));
    await put(buffer, numbered(2, 3));
    const whole = Buffer.from(files.bytesOf(path));
    for (let cut = confirmed.length; cut < whole.length; cut += 3) {
      const torn = fresh();
      torn.setBytes(path, whole.subarray(0, cut));
      torn.setBytes('/buffer/cursor', cursor);
      const again = await openOn(torn);
      expect(torn.bytesOf(path).equals(confirmed)).toBe(true);
      expect(await takeAll(again)).toEqual([0, 1]);
      await put(again, numbered(2, 4));
      expect(await takeAll(again)).toEqual([0, 1, 2, 3]);
    }
  });

  test('that was killed is an error where a frame is damaged behind which others were confirmed, whatever the cursor knows (7)', async () => {
    const files = fresh();
    const buffer = await openOn(files);
    const cursor = Buffer.from(files.bytesOf('/buffer/cursor'));
    for (let i = 0; i < 3; i++) await put(buffer, numbered(i, i + 1));
    const [name] = await segmentsOf(files);
    const path = `/buffer/${name}`;
    const whole = Buffer.from(files.bytesOf(path));
    const killed = fresh();
    killed.setBytes('/buffer/cursor', cursor);
    killed.setBytes(path, whole);
    expect(await takeAll(await openOn(killed))).toEqual([0, 1, 2]);
    const damaged = fresh();
    damaged.setBytes('/buffer/cursor', cursor);
    const broken = Buffer.from(whole);
    broken[100] = (broken[100] as number) ^ 1;
    damaged.setBytes(path, broken);
    await expect(openOn(damaged)).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
  });

  test('is an error when a segment in the middle is gone (7)', async () => {
    const files = await closed();
    await files.unlink(`/buffer/${(await segmentsOf(files))[1]}`);
    await expect(openOn(files).then(takeAll)).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
  });

  test('is an error when the first segment is gone (11)', async () => {
    const files = await closed();
    await files.unlink(`/buffer/${(await segmentsOf(files))[0]}`);
    await expect(openOn(files)).rejects.toMatchObject({ code: 'BUFFER_FAILED', message: expect.stringContaining('messages 1 to') });
  });

  test('is an error when the last segment is gone (7)', async () => {
    const files = await closed();
    await files.unlink(`/buffer/${(await segmentsOf(files)).at(-1)}`);
    await expect(openOn(files)).rejects.toMatchObject({ code: 'BUFFER_FAILED', message: expect.stringContaining('are gone') });
  });

  test('is an error when a segment of another buffer lies in it (9)', async () => {
    const [files, other] = [await closed(), await closed()];
    const path = `/buffer/${(await segmentsOf(files))[2]}`;
    files.setBytes(path, other.bytesOf(path));
    await expect(openOn(files)).rejects.toMatchObject({ code: 'BUFFER_FAILED', message: expect.stringContaining('another buffer') });
  });

  test('sends everything again when the cursor is gone (11)', async () => {
    const files = await closed();
    await files.unlink('/buffer/cursor');
    expect(await takeAll(await openOn(files))).toEqual(range(0, 60));
  });

  test('stays failed after a read that met it: an error each time, and no end (19)', async () => {
    const files = await closed();
    const bytes = files.bytesOf(`/buffer/${(await segmentsOf(files))[1]}`);
    bytes[200] = (bytes[200] as number) ^ 1;
    const far = await (await openOn(files)).far.open(signal);
    const readOn = async () => {
      for (;;) await take(far, { messages: 5, bytes: 1e9 });
    };
    await expect(readOn()).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
    await expect(readOn()).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
  });

  test('of a newer version is refused by name (22)', async () => {
    const { crc32 } = await import('node:zlib');
    const files = await closed();
    const header = files.bytesOf(`/buffer/${(await segmentsOf(files))[0]}`);
    header.writeUInt16LE(3, 4);
    header.writeUInt32LE(crc32(header.subarray(0, 36)), 36);
    await expect(openOn(files)).rejects.toMatchObject({ code: 'BUFFER_FAILED', message: expect.stringContaining('newer') });
  });
});
