/** Thousands of lives of a stage on a simulated disk. `SEEDS=2000` in CI; a seed that fails fails again. */
import { describe, expect, test } from 'vitest';
import { poolKeeper } from '../../../src/buffer/pool.ts';
import type { StageTime } from '../../../src/buffer/stage/keeper.ts';
import type { Message } from '../../../src/message.ts';
import type { Sabotage } from '../sim-fs.ts';
import { calling, grouping, inSequence, sequencing, waiting } from './keepers.ts';
import { liveStage, type StageLifeOptions } from './life.ts';

/** A life of a stage takes twice as long as one of a buffer, and with a full disk ten times. */
const seeds = Math.ceil(Number(process.env['SEEDS'] ?? 300) / 2);
const from = Number(process.env['FROM'] ?? 1);
const minutes = 5 * 60_000;
const headerWait = (message: Message) => Number(message.header('wait'));

async function liveAll(
  count: number,
  { look, ...options }: Omit<StageLifeOptions, 'seed' | 'look'> & { look?: (() => (message: Message) => void) | undefined },
): Promise<{ confirmed: number; copies: number }> {
  const sum = { confirmed: 0, copies: 0 };
  for (let seed = from; seed < from + count; seed++) {
    try {
      const { confirmed, copies } = await liveStage({ ...options, ...(look && { look: look() }), seed });
      sum.confirmed += confirmed;
      sum.copies += copies;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
  return sum;
}

describe.each([
  ['messages that leave one by one, in another order than they came', waiting, undefined, headerWait],
  ['messages that leave in groups', grouping, undefined, undefined],
  ['messages that leave by their numbers', sequencing, inSequence, undefined],
  ['calls and their replies', calling, undefined, undefined],
] as const)('a stage whose machine stops at any operation, with %s', (_, keeper, look, waits) => {
  test('lets leave all that it confirmed, and each always with the same others', { timeout: minutes }, async () => {
    const { confirmed, copies } = await liveAll(seeds, { keeper, look, waits });
    expect(confirmed).toBeGreaterThan(seeds * 50);
    expect(copies).toBeGreaterThan(seeds);
  });

  test('also when a sync fails and when the disk is full for a while', { timeout: minutes }, async () => {
    const few = Math.ceil(seeds / 4);
    expect((await liveAll(few, { keeper, look, waits, faults: true })).confirmed).toBeGreaterThan(few * 40);
  });
});

test('a queue of many readers, too: each message leaves by one of them', { timeout: minutes }, async () => {
  const { confirmed, copies } = await liveAll(seeds, { keeper: poolKeeper, readers: 3, faults: true });
  expect(confirmed).toBeGreaterThan(seeds * 40);
  expect(copies).toBeGreaterThan(seeds);
});

describe('the simulation sees', () => {
  const controls: [string, Sabotage][] = [
    ['that frames are not synced', { ignoreSync: (path) => path.endsWith('.seg') }],
    ['that directories are not synced', { ignoreSyncDirectory: true }],
  ];
  test.each(controls)('%s', { timeout: minutes }, async (_, sabotage) => {
    await expect(liveAll(200, { keeper: grouping, sabotage })).rejects.toThrow(/^seed/);
  });

  test('that it is forgotten how far a sequence had come', { timeout: minutes }, async () => {
    const forgetful = () => {
      const { remembers: _, ...keeper } = sequencing();
      return keeper;
    };
    await expect(liveAll(200, { keeper: forgetful, look: inSequence })).rejects.toThrow(/left .*after/);
  });

  test('that timers go by the wall clock', { timeout: minutes }, async () => {
    const hasty = () => {
      const keeper = waiting();
      const byWall = ({ date }: StageTime): StageTime => ({ stage: date, date });
      return { ...keeper, take: (time: StageTime) => keeper.take(byWall(time)), waitMs: (time: StageTime) => keeper.waitMs(byWall(time)) };
    };
    await expect(liveAll(200, { keeper: hasty, waits: headerWait })).rejects.toThrow(/and was to wait/);
  });

  test('that an answer is not written down before it leaves: then a call may time out that was answered', {
    timeout: minutes,
  }, async () => {
    const forgetful = (random: () => number) => Object.assign(calling(random), { decides: false, remembers: undefined });
    await expect(liveAll(200, { keeper: forgetful })).rejects.toThrow(/left with/);
  });

  test('that decisions are not written down', { timeout: minutes }, async () => {
    const forgetful = (random: () => number) => ({ ...grouping(random), decides: false });
    await expect(liveAll(200, { keeper: forgetful })).rejects.toThrow(/^seed/);
  });
});
