/** Dead letters that are chosen are handed out; what becomes of the others, where the log forgets from the front, a queue returns, a topic marks. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openBuffer } from '../../src/buffer/buffer.ts';
import { DurableQueue } from '../../src/buffer/queue.ts';
import type { Batch, Source, SourceEnd } from '../../src/connector.ts';
import { Message } from '../../src/message.ts';
import { type LetterStore, lettersOf } from '../../src/route/letter-source.ts';
import { Selection } from '../../src/route/selection.ts';
import { silent } from '../buffer/life.ts';
import { randomOf, SimFs } from '../buffer/sim-fs.ts';
import { FakeSource } from '../engine/fakes.ts';

const { signal } = new AbortController();
const room = { messages: 4, bytes: 1e9 };
const all = { limit: Number.POSITIVE_INFINITY, everyMs: 0 };

function letter(id: number, more: Readonly<Record<string, string>> = {}, lane = ''): Message {
  const reason = { 'mqf-error-code': 'STEP_FAILED', 'mqf-error-route': 'a', 'mqf-error-time': '2025-01-01T00:00:00.000Z', ...more };
  return new Message({ id: String(id), body: Buffer.alloc(200), headers: Object.entries(reason), lane });
}

const even = ({ id }: Message) => Number(id) % 2 === 0;
const selection = (more: object = {}) => new Selection({ maxReplays: 3, ...more });
const idsOf = (batch: Batch | null) => batch?.messages.map(({ id }) => Number(id)) ?? [];

/** Reads to the end; acks all but what `keep` says. */
async function drain(source: Source, keep: (id: number) => boolean = () => false): Promise<number[]> {
  const ids: number[] = [];
  for (;;) {
    const batch = await source.read(room, AbortSignal.any([signal, AbortSignal.timeout(100)]));
    if (!batch) return ids;
    ids.push(...idsOf(batch));
    if (!idsOf(batch).some(keep)) batch.ack();
  }
}

describe('in a log', () => {
  const options = { maxBytes: 1024 * 1024, sync: 'always', everyMs: 10 } as const;
  const tuning = { segmentBytes: 4000, frameBytes: 1000, cursorDelayMs: 0 };
  const queueOn = (files: SimFs) => new DurableQueue('q', () => openBuffer('/q', options, { log: silent, files, tuning }));

  async function filled(files: SimFs, count: number): Promise<DurableQueue> {
    const queue = queueOn(files);
    const near = await queue.near.open(signal);
    for (let id = 1; id <= count; id++) await near.write([letter(id)]);
    await near.close();
    return queue;
  }

  const storeOf = ({ near, far }: DurableQueue, end: number): LetterStore => ({ unacked: 'rewritten', near, far, start: 1, end });

  async function left(files: SimFs): Promise<number[]> {
    const queue = queueOn(files);
    const far = await queue.far.open(signal);
    const ids: number[] = [];
    while (ids.length < (queue.stats()?.messages ?? 0)) ids.push(...idsOf(await far.read(room, signal)));
    await far.close();
    return ids;
  }

  test('those not chosen stay, behind the others; what is written meanwhile is not handed out', async () => {
    const files = new SimFs(randomOf(1));
    const queue = await filled(files, 10);
    const chosen = selection({ when: even });
    const source = await lettersOf(storeOf(queue, 11), chosen, all).open(signal);
    const near = await queue.near.open(signal);
    await near.write([letter(12)]);
    expect(await drain(source)).toEqual([2, 4, 6, 8, 10]);
    await source.close();
    await near.close();
    expect(await left(files)).toEqual([12, 1, 3, 5, 7, 9]);
    expect([...chosen.refused]).toEqual([['are not chosen by --when', 5]]);
  });

  test('what is handed out and not acked is there again, and so is what stands behind the end', async () => {
    const files = new SimFs(randomOf(2));
    const queue = await filled(files, 10);
    const source = await lettersOf(storeOf(queue, 6), selection(), all).open(signal);
    expect(await drain(source, (id) => id === 5)).toEqual([1, 2, 3, 4, 5]);
    await source.close();
    expect(await left(files)).toEqual([5, 6, 7, 8, 9, 10]);
  });

  test('a limit is kept, with a rate too', async () => {
    const queue = await filled(new SimFs(randomOf(3)), 10);
    const source = await lettersOf(storeOf(queue, 11), selection(), { limit: 3, everyMs: 20 }).open(signal);
    const from = performance.now();
    const ids: number[] = [];
    for (let batch = await source.read({ messages: 1, bytes: 1e9 }, signal); batch; batch = await source.read(room, signal)) {
      ids.push(...idsOf(batch));
      batch.ack();
    }
    expect(ids).toEqual([1, 2, 3]);
    expect(performance.now() - from).toBeGreaterThanOrEqual(20);
    await source.close();
  });

  test('at a crash at any operation, each letter was acked as delivered or is in the log', { timeout: 60_000 }, async () => {
    let copies = 0;
    for (let crashIn = 1; crashIn <= 120; crashIn++) {
      const files = new SimFs(randomOf(crashIn));
      const queue = await filled(files, 16);
      files.crashIn = crashIn;
      const delivered = new Set<number>();
      const work = (async () => {
        const source = await lettersOf(storeOf(queue, 17), selection({ when: even }), all).open(signal);
        for (let batch = await source.read(room, signal); batch; batch = await source.read(room, signal)) {
          for (const id of idsOf(batch)) delivered.add(id); // the sink has it before it is acked
          batch.ack();
          await nextTurn();
        }
        await source.close();
      })();
      await Promise.race([work.catch(() => undefined), files.crash]);
      const after = await left(crashIn % 2 === 0 ? files.kill() : files.powerCut());
      copies += after.length - new Set(after).size;
      const lost = Array.from({ length: 16 }, (_, i) => i + 1).filter((id) => !delivered.has(id) && !after.includes(id));
      expect(lost, `crash in ${crashIn}`).toEqual([]);
    }
    expect(copies, 'some crashes came between the copy and the ack').toBeGreaterThan(0);
  });

  test('a condition that cannot be judged ends it: it is not taken for false', async () => {
    const queue = await filled(new SimFs(randomOf(4)), 3);
    const when = () => {
      throw new Error('there is no "x"');
    };
    const source = await lettersOf(storeOf(queue, 4), selection({ when }), all).open(signal);
    await expect(source.read(room, signal)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('letter "1"'),
    });
    await source.close();
  });
});

describe('at a broker', () => {
  const open = (message: Message) => message;

  test('of a queue only what was chosen is acked', async () => {
    const fake = new FakeSource().push(...[1, 2, 3, 4].map((id) => letter(id)));
    const end = lettersOf({ unacked: 'returned', far: fake.end, open }, selection({ when: even }), all);
    expect(await drain(await end.open(signal))).toEqual([2, 4]);
    expect(fake.acked.map(({ id }) => id)).toEqual(['2', '4']);
  });

  /** Reads a topic of two partitions; the numbers that were acked. */
  async function marked(letters: readonly Message[], more: object, keep?: (id: number) => boolean): Promise<number[]> {
    const fake = new FakeSource().push(...letters);
    const far: SourceEnd = { ...fake.end, can: { ...fake.end.can, settles: 'inOrder' } };
    await drain(await lettersOf({ unacked: 'marked', far, open }, selection(more), all).open(signal), keep);
    return fake.acked.map(({ id }) => Number(id));
  }

  test('the mark of a partition stops before what was not chosen, that of another one does not', async () => {
    const letters = [letter(2, {}, 'p0'), letter(4, {}, 'p1'), letter(1, {}, 'p0'), letter(6, {}, 'p0'), letter(8, {}, 'p1')];
    expect(await marked(letters, { when: even })).toEqual([2, 4, 8]);
  });

  test('letters of other routes do not stop a mark, and it passes them only in turn', async () => {
    const foreign = letter(3, { 'mqf-error-route': 'b' }, 'p0');
    expect(await marked([letter(1, {}, 'p0'), foreign, letter(5, {}, 'p0')], { route: 'a' })).toEqual([1, 3, 5]);
    expect(await marked([letter(1, {}, 'p0'), foreign, letter(5, {}, 'p0')], { route: 'a' }, (id) => id === 1)).toEqual([]);
  });

  test.each([
    ['are of another route', { 'mqf-error-route': 'b' }],
    ['are no dead letters of mqferry', { 'mqf-error-route': '' }],
    ['have come since it began', { 'mqf-error-time': '2025-06-01T00:00:00.000Z' }],
    ['were replayed 3 times or more (--max-replays)', { 'mqf-replays': '3' }],
    ['could not be decoded by the source, nor can they now', { 'mqf-error-at': 'decoding' }],
  ])('letters that %s are not chosen', (why, headers) => {
    expect(selection({ route: 'a', before: '2025-05-01T00:00:00.000Z' }).judge(letter(1, headers))?.why).toBe(why);
    expect(selection({ route: 'a', before: '2025-05-01T00:00:00.000Z' }).judge(letter(1))).toBeUndefined();
  });
});
