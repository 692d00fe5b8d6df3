/** A queue on disk, shared by several ends, on a simulated disk. */
import { describe, expect, test } from 'vitest';
import { openBuffer, type RouteBuffer } from '../../src/buffer/buffer.ts';
import { queueName } from '../../src/buffer/owners.ts';
import { DurableQueue } from '../../src/buffer/queue.ts';
import type { Batch, Sink, Source } from '../../src/connector.ts';
import { Message } from '../../src/message.ts';
import { silent } from './life.ts';
import { randomOf, SimFs } from './sim-fs.ts';

const { signal } = new AbortController();
const room = { messages: 100, bytes: 1e9 };

/** A queue on a disk of its own, and the logs that it has opened, one after the other. */
function fresh() {
  const files = new SimFs(randomOf(1));
  files.shortWrites = 0;
  const logs: RouteBuffer[] = [];
  const limits: unknown[] = [];
  const queue = new DurableQueue('q', async (options, prefetch) => {
    const { maxBytes, maxMessages } = options;
    limits.push({ maxBytes, maxMessages, prefetch });
    const log = await openBuffer('/q', options, { log: silent, files, prefetch });
    logs.push(log);
    return log;
  });
  return { files, queue, logs, limits };
}

const named = (...ids: string[]) => ids.map((id) => new Message({ id, body: null }));

async function take(source: Source): Promise<Batch & { ids: unknown[] }> {
  const batch = (await source.read(room, signal)) as Batch;
  return { messages: batch.messages, ids: batch.messages.map(({ id }) => id), ack: () => batch.ack() };
}

describe('the life of a queue', () => {
  test('begins with the first link and ends with the last, with all that was acked on disk', async () => {
    const { queue, logs } = fresh();
    expect(logs).toHaveLength(0);
    const [one, two] = [await queue.near.open(signal), await queue.near.open(signal)];
    const reader = await queue.far.open(signal);
    await Promise.all([one.write(named('a', 'b')), two.write(named('c'))]);
    const batch = await take(reader);
    expect(batch.ids).toEqual(['a', 'b', 'c']);
    batch.ack();
    await one.close();
    await reader.close();
    expect(await two.write(named('d'))).toEqual([]);
    await two.close();
    await two.close();
    expect(logs).toHaveLength(1);
    await expect(logs[0]?.near.open(signal).then((near) => near.write(named('x')))).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    const again = await queue.far.open(signal);
    expect((await take(again)).ids).toEqual(['d']);
    expect(logs).toHaveLength(2);
    await again.close();
  });

  test('a link that comes while the life before ends waits for it, and finds what was there', async () => {
    const { queue } = fresh();
    let sink: Sink = await queue.near.open(signal);
    for (let round = 0; round < 20; round++) {
      await sink.write(named(`m${round}`));
      const ending = queue.close();
      const next = await queue.near.open(signal);
      await Promise.all([ending, sink.close()]);
      sink = next;
    }
    await sink.close();
    const reader = await queue.far.open(signal);
    const ids: unknown[] = [];
    while (ids.length < 20) ids.push(...(await take(reader)).ids);
    expect(ids).toEqual(Array.from({ length: 20 }, (_, i) => `m${i}`));
    await reader.close();
  });

  test('is over for everybody when the process stops; what was not acked is there at the next start', async () => {
    const { queue } = fresh();
    const [sink, reader] = [await queue.near.open(signal), await queue.far.open(signal)];
    await sink.write(named('a', 'b'));
    const batch = await take(reader);
    await queue.close();
    await queue.close();
    batch.ack(); // void
    await expect(sink.write(named('c'))).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await Promise.all([sink.close(), reader.close()]);
    const again = await queue.far.open(signal);
    expect((await take(again)).ids).toEqual(['a', 'b']);
    await again.close();
  });
});

describe('two ends', () => {
  test('a writer that closes leaves the other one alone', async () => {
    const { queue } = fresh();
    queue.limit({ maxMessages: 2 });
    const [one, two] = [await queue.near.open(signal), await queue.near.open(signal)];
    await one.write(named('a', 'b'));
    const [mine, other] = [one.write(named('c')), two.write(named('d'))];
    const ended = expect(mine).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await one.close();
    await ended;
    const reader = await queue.far.open(signal);
    (await take(reader)).ack();
    expect(await other).toEqual([]);
    expect((await take(reader)).ids).toEqual(['d']);
    await Promise.all([two.close(), reader.close()]);
  });

  test('cannot both read; once the first has closed, the second may', async () => {
    const { queue } = fresh();
    const reader = await queue.far.open(signal);
    await expect(queue.far.open(signal)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('being read') });
    await reader.close();
    await (await queue.far.open(signal)).close();
  });

  test('say its limits together', async () => {
    const { queue, limits } = fresh();
    queue.limit({ prefetch: 7 });
    queue.limit({});
    queue.limit({ maxBytes: 1e6, maxMessages: 5 });
    await (await queue.near.open(signal)).close();
    expect(limits).toEqual([{ maxBytes: 1e6, maxMessages: 5, prefetch: 7 }]);
  });
});

describe('a queue whose disk fails', () => {
  test('has failed for all who use it, and is opened anew by who comes next, even while an idle writer has not noticed', async () => {
    const { files, queue } = fresh();
    const [idle, sink, reader] = [await queue.near.open(signal), await queue.near.open(signal), await queue.far.open(signal)];
    await sink.write(named('a'));
    files.failSyncIn = 1;
    const reading = take(reader).then(() => take(reader));
    await Promise.all([
      expect(sink.write(named('b'))).rejects.toMatchObject({ code: 'BUFFER_FAILED' }),
      expect(reading).rejects.toMatchObject({ code: 'BUFFER_FAILED' }),
    ]);
    await Promise.all([sink.close(), reader.close()]);
    const [next, again] = [await queue.near.open(signal), await queue.far.open(signal)];
    await next.write(named('b'));
    const ids: unknown[] = [];
    while (ids.at(-1) !== 'b') ids.push(...(await take(again)).ids);
    expect(ids[0]).toBe('a');
    await expect(idle.write(named('x'))).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
    await idle.close();
    expect(await next.write(named('c'))).toEqual([]);
    await Promise.all([next.close(), again.close()]);
  });

  test('that cannot be opened says why to each who asks, and can be opened later', async () => {
    const { files, queue } = fresh();
    const open = files.makeDirectory.bind(files);
    files.makeDirectory = () => Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' }));
    const [one, two] = await Promise.allSettled([queue.near.open(signal), queue.far.open(signal)]);
    expect([one, two]).toMatchObject([{ reason: { code: 'BUFFER_FAILED' } }, { reason: { code: 'BUFFER_FAILED' } }]);
    files.makeDirectory = open;
    await (await queue.far.open(signal)).close();
  });
});

test.each(['../x', '', '.', 'a/b', '-x', 'x'.repeat(64)])('a queue cannot be named %j: its name is that of a directory', (name) => {
  expect(() => queueName(name)).toThrow(/cannot be the name of a queue/);
});
