/** Thousands of lives of a buffer on a simulated disk. `SEEDS=2000` in CI; a seed that fails fails again. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openBuffer } from '../../src/buffer/buffer.ts';
import { MqferryError } from '../../src/errors.ts';
import { Message } from '../../src/message.ts';
import { type LifeOptions, live, silent } from './life.ts';
import { randomOf, type Sabotage, SimFs } from './sim-fs.ts';

const seeds = Number(process.env['SEEDS'] ?? 300);
const from = Number(process.env['FROM'] ?? 1);
const minutes = 5 * 60_000;

/** Runs the seeds; throws at the first that fails, and says which. */
async function liveAll(count: number, options: Omit<LifeOptions, 'seed'>): Promise<number> {
  let confirmed = 0;
  for (let seed = from; seed < from + count; seed++) {
    try {
      confirmed += (await live({ ...options, seed })).confirmed;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
  return confirmed;
}

describe('a buffer whose machine stops at any operation', () => {
  test('keeps what it confirmed, in order, over power cuts and kills', { timeout: minutes }, async () => {
    expect(await liveAll(seeds, {})).toBeGreaterThan(seeds * 50);
  });

  test('keeps it when a sync fails and when the disk is full for a while', { timeout: minutes }, async () => {
    expect(await liveAll(seeds, { faults: true })).toBeGreaterThan(seeds * 50);
  });

  test('keeps it when it is encrypted', { timeout: minutes }, async () => {
    const few = Math.ceil(seeds / 2);
    expect(await liveAll(few, { isEncrypted: true, faults: true })).toBeGreaterThan(few * 40);
  });

  test('keeps it over kills when it syncs in intervals, and never takes a power cut for damage', { timeout: minutes }, async () => {
    expect(await liveAll(Math.ceil(seeds / 2), { sync: 'interval' })).toBeGreaterThan(seeds * 25);
    expect(await liveAll(Math.ceil(seeds / 2), { sync: 'interval', faults: true })).toBeGreaterThan(seeds * 25);
  });
});

describe('the simulation sees', () => {
  const controls: [string, Sabotage][] = [
    ['that frames are not synced', { ignoreSync: (path) => path.endsWith('.seg') }],
    ['that directories are not synced', { ignoreSyncDirectory: true }],
    ['that the cursor is not synced before files are removed', { ignoreSync: (path) => path.endsWith('cursor') }],
  ];
  test.each(controls)('%s', { timeout: minutes }, async (_, sabotage) => {
    await expect(liveAll(200, { ends: 'power', sabotage })).rejects.toThrow(/^seed/);
  });
});

describe('a bit that flips while the buffer is closed', () => {
  test('is found, or does no harm, wherever it is', { timeout: minutes }, async () => {
    let found = 0;
    for (let seed = 1; seed <= seeds; seed++) if ((await flipAndRead(seed)) === 'found') found++;
    expect(found).toBeGreaterThan(seeds / 5);
  });
});

const { signal } = new AbortController();
const options = { maxBytes: 1024 * 1024, sync: 'always', everyMs: 10 } as const;
const tuning = { segmentBytes: 4000, frameBytes: 2000 };

/** Throws when a message is missing or changed, and nobody said a word. */
async function flipAndRead(seed: number): Promise<'found' | 'harmless'> {
  const random = randomOf(seed);
  const files = new SimFs(random);
  const total = 20 + Math.floor(random() * 40);
  const acked = await fill(files, total, Math.floor(random() * 20));
  const place = files.flipBit();
  try {
    const read = await readAll(files.powerCut());
    const missing = Array.from({ length: total - acked }, (_, i) => acked + i).filter((number) => !read.includes(number));
    if (missing.length > 0) throw new Error(`seed ${seed}: a bit at ${place} lost ${missing.length} messages in silence`);
    return 'harmless';
  } catch (error) {
    if (error instanceof MqferryError && error.code === 'BUFFER_FAILED') return 'found';
    throw error;
  }
}

async function fill(files: SimFs, total: number, acks: number): Promise<number> {
  const buffer = await openBuffer('/buffer', options, { log: silent, files, tuning });
  const near = await buffer.near.open(signal);
  for (let i = 0; i < total; i++) await near.write([new Message({ id: String(i), body: Buffer.alloc(300, String(i)) })]);
  const far = await buffer.far.open(signal);
  const batch = acks > 0 ? await far.read({ messages: acks, bytes: 1e9 }, signal) : undefined;
  batch?.ack();
  await buffer.close();
  return batch?.messages.length ?? 0;
}

async function readAll(files: SimFs): Promise<number[]> {
  const buffer = await openBuffer('/buffer', options, { log: silent, files, tuning });
  const far = await buffer.far.open(signal);
  const numbers: number[] = [];
  while (numbers.length < buffer.stats().messages) {
    const batch = await far.read({ messages: 10, bytes: 1e9 }, signal);
    for (const { id, body } of batch?.messages ?? []) {
      if (!body?.equals(Buffer.alloc(300, id))) throw new Error(`message ${id} is not what was written`);
      numbers.push(Number(id));
    }
    await nextTurn();
  }
  await buffer.close();
  return numbers;
}
