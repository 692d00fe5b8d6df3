import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { poolKeeper } from '../../../src/buffer/pool.ts';
import { openStage, type StageContext } from '../../../src/buffer/stage/stage.ts';
import { systemClock } from '../../../src/clock.ts';
import type { Batch } from '../../../src/connector.ts';
import { Message } from '../../../src/message.ts';
import { until } from '../../brokers/broker.ts';
import { silent } from '../life.ts';
import { randomOf, SimFs } from '../sim-fs.ts';
import { waiting } from './keepers.ts';

const never = new AbortController().signal;
const make = (id: number, wait = 0) => new Message({ id: String(id), body: Buffer.alloc(100), headers: [['wait', wait]] });
const all = { messages: 100, bytes: Number.POSITIVE_INFINITY };

const opened = (files: SimFs, more: { maxMessages?: number; tuning?: StageContext['tuning'] } = {}) =>
  openStage(
    '/stage',
    waiting(),
    { maxBytes: 1024 * 1024, maxMessages: more.maxMessages ?? 1000 },
    {
      log: silent,
      clock: systemClock,
      files,
      tuning: { diskRetryMs: 1, closeTimeoutMs: 100, ...more.tuning },
    },
  );

describe('a stage', () => {
  test('keeps no more messages than it may, and takes the next when some have left', async () => {
    const stage = await opened(new SimFs(randomOf(1)), { maxMessages: 2 });
    const near = await stage.near.open(never);
    expect(stage.near.can.maxWrite.messages).toBe(2);
    await near.write([make(1, 60_000), make(2)]);
    let isTaken = false;
    const third = near.write([make(3)]).then(() => (isTaken = true));
    const far = await stage.far.open(never);
    const batch = (await far.read(all, never)) as Batch;
    expect([stage.stats().messages, stage.stats().full, isTaken]).toEqual([2, true, false]);
    batch.ack();
    await third;
    expect(stage.stats()).toMatchObject({ messages: 2, full: true });
    await stage.close();
  });

  test('closes in time when a full disk does not take what is done', async () => {
    const files = new SimFs(randomOf(2));
    const stage = await opened(files);
    const near = await stage.near.open(never);
    await near.write([make(1, 60_000), make(2)]); // the first stays, so the cursor cannot say that the second is done
    const far = await stage.far.open(never);
    const batch = (await far.read(all, never)) as Batch;
    files.capacity = 0;
    batch.ack();
    await stage.close();
    files.stop();
    const again = await opened(files.kill());
    expect(again.stats().messages).toBe(2); // it comes again: a copy, and no loss
    await again.close();
  });

  test('says what is done by an entry when the cursor cannot', async () => {
    const files = new SimFs(randomOf(3));
    const stage = await opened(files);
    const near = await stage.near.open(never);
    await near.write([make(1, 60_000), make(2), make(3)]);
    const far = await stage.far.open(never);
    const read = (await far.read(all, never)) as Batch;
    expect(read.messages.map(({ id }) => id)).toEqual(['2', '3']);
    read.ack();
    await until('it is written down', async () => stage.stats().messages === 1);
    await stage.close();
    const again = await opened(files.kill());
    expect(again.stats()).toMatchObject({ messages: 1, recovered: 1 });
    await again.close();
  });
});

test.each(Array.from({ length: 40 }, (_, n) => n))(
  'what one of many readers gives back, while another waits for the disk, is neither lost nor given twice (%d)',
  async (moments) => {
    const files = new SimFs(randomOf(4));
    const context = { log: silent, clock: systemClock, files, tuning: { cacheBytes: 0, frameBytes: 200 } };
    const stage = await openStage('/stage', poolKeeper(), { maxBytes: 1024 * 1024, maxMessages: 1000, hasManyReaders: true }, context);
    await (await stage.near.open(never)).write([1, 2, 3, 4, 5, 6].map((id) => make(id)));
    const [leaving, staying] = [await stage.far.open(never), await stage.far.open(never)];
    await leaving.read({ ...all, messages: 2 }, never);
    const reading = staying.read({ ...all, messages: 3 }, never);
    for (let moment = 0; moment < moments; moment++) await (moment % 4 === 3 ? nextTurn() : Promise.resolve());
    await leaving.close();
    const came: unknown[] = [];
    for (let batch = (await reading) as Batch; ; batch = (await staying.read(all, never)) as Batch) {
      came.push(...batch.messages.map(({ id }) => id));
      batch.ack();
      if (stage.stats().messages === 0 || came.length >= 6) break;
    }
    expect(came.toSorted()).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(stage.stats().messages).toBe(0);
    await stage.close();
  },
);
