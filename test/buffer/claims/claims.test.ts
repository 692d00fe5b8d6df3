/** Bodies on a simulated disk: one that was stored is there after every crash, until it was collected. `SEEDS=2000` in CI. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ClaimLog } from '../../../src/buffer/claims/claims.ts';
import { sizeOfStage } from '../../../src/buffer/stage/inspect.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { folder } from '../../cli/mqferry.ts';
import { silent } from '../life.ts';
import { moving } from '../moving.ts';
import { randomOf, type Sabotage, SimFs } from '../sim-fs.ts';

const seeds = Math.ceil(Number(process.env['SEEDS'] ?? 200) / 2);
const never = new AbortController().signal;

function handClock(date = 1_000_000): Clock & { ms: number } {
  return {
    ms: 0,
    now() {
      return this.ms;
    },
    date() {
      return date + this.ms;
    },
    random: Math.random,
    sleep: systemClock.sleep,
  };
}

/** Some lives of one store, each ended by a crash. Throws what was broken. */
async function live(seed: number, sabotage?: Sabotage): Promise<number> {
  const random = randomOf(seed * 17 + 3);
  const below = (limit: number) => Math.floor(random() * limit);
  /** Stored, and not collected for sure; collected, or perhaps. */
  const [kept, mayBeGone] = [new Map<string, string>(), new Set<string>()];
  let files = new SimFs(random, sabotage);
  let [next, stored] = [0, 0];
  for (let life = 0; life < 5; life++) {
    const own = files;
    const work = async () => {
      const context = { log: silent, clock: handClock(), files: own, segmentBytes: 4096 };
      const claims = await ClaimLog.open('/claims', 256 * 1024, context);
      for (const [claim, body] of kept) {
        const found = await claims.get(claim);
        if (!own.isDead && String(found) !== body) throw new Error(`${claim} was ${body}, now ${found}`);
      }
      const worker = async () => {
        while (!own.isDead) {
          const bodies = Array.from({ length: 1 + below(3) }, () => `${next++}.`.padEnd(below(600), 'x'));
          const given = await claims.put(
            bodies.map((body) => Buffer.from(body)),
            never,
          );
          if (own.isDead) return;
          for (const [i, claim] of given.entries()) kept.set(claim, bodies[i] as string);
          stored += given.length;
          const some = [...kept.keys()].filter(() => random() < 0.3);
          for (const claim of some) {
            kept.delete(claim);
            mayBeGone.add(claim);
          }
          await claims.collect(some, 0);
          if (own.isDead) return;
          if (below(10) === 0) for (const claim of some) if (await claims.get(claim)) throw new Error(`${claim} was collected`);
          while (random() < 0.3) await nextTurn();
        }
      };
      await Promise.all([worker(), worker()]);
    };
    own.crashIn = 10 + below(200);
    await moving(own.crash, work(), () => `${own.operations} operations, ${next} written`);
    own.stop();
    await nextTurn();
    files = random() < 0.4 ? own.kill() : own.powerCut();
  }
  return stored;
}

async function liveAll(count: number, sabotage?: Sabotage): Promise<number> {
  let stored = 0;
  for (let seed = 1; seed <= count; seed++)
    stored += await live(seed, sabotage).catch((error: Error) => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
    });
  return stored;
}

describe('bodies on a machine that stops at any operation', () => {
  test('are there as they were, until they are collected', { timeout: 300_000 }, async () => {
    expect(await liveAll(seeds)).toBeGreaterThan(seeds * 30);
  });

  test('the simulation sees that they are not synced', async () => {
    await expect(liveAll(100, { ignoreSync: (path) => path.endsWith('.seg') })).rejects.toThrow(/^seed/);
  });
});

test('one that was collected is kept on for a while, over restarts, and then its place is free', async () => {
  const directory = folder();
  const clock = handClock();
  const open = (own: Clock) => ClaimLog.open(directory, 1 << 20, { log: silent, clock: own });
  let claims = await open(clock);
  const [first, second] = await claims.put([Buffer.from('one'), Buffer.from('two')], never);
  await claims.collect([first!], 5000);
  await claims.collect([first!], 1); // a copy: it has been collected already
  await claims.close();
  claims = await open(handClock(1_003_000));
  expect(String(await claims.get(first!))).toBe('one');
  await claims.close();
  claims = await open(handClock(1_006_000));
  await claims.collect([], 0);
  await claims.put([Buffer.from('three')], never);
  await new Promise((resolve) => setTimeout(resolve, 1100)); // it looks once a second
  expect(await claims.get(first!)).toBeUndefined();
  expect(String(await claims.get(second!))).toBe('two');
  expect(claims.stats().bodies).toBe(2);
  await claims.close();
});

test('copies that are collected together, or at once, are one', async () => {
  const directory = folder();
  const clock = handClock();
  const claims = await ClaimLog.open(directory, 1 << 20, { log: silent, clock });
  const [claim] = (await claims.put([Buffer.from('one')], never)) as [string];
  await Promise.all([claims.collect([claim, claim], 500), claims.collect([claim], 100)]);
  clock.ms += 1000;
  const [next] = (await claims.put([Buffer.from('two')], never)) as [string];
  await claims.collect([next], 0); // looks at all whose time is over
  expect([await claims.get(claim), claims.stats().bodies]).toEqual([undefined, 0]);
  await claims.close();
  expect(await sizeOfStage(directory)).toMatchObject({ messages: 0 });
});

test('a full store waits for what is collected', async () => {
  const claims = await ClaimLog.open(folder(), 256 * 1024, { log: silent, clock: handClock(), segmentBytes: 16 * 1024 });
  const body = Buffer.alloc(20_000, 'x');
  const all: string[] = [];
  for (let i = 0; i < 8; i++) all.push(...(await claims.put([body], never)));
  let isIn = false;
  const waiting = claims.put([Buffer.alloc(100_000)], never).then(() => (isIn = true));
  await nextTurn();
  expect(isIn).toBe(false);
  await claims.collect(all, 0);
  await waiting;
  await expect(claims.put([Buffer.alloc(200_000)], never)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  await claims.close();
});
