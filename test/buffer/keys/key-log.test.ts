/** Keys on a simulated disk: what was said to be known is known after every crash. `SEEDS=2000` in CI. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { verifyKeys } from '../../../src/buffer/keys/inspect.ts';
import { KeyLog } from '../../../src/buffer/keys/key-log.ts';
import { type KeyLimits, keyOf } from '../../../src/buffer/keys/keys.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { folder } from '../../cli/mqferry.ts';
import { silent } from '../life.ts';
import { moving } from '../moving.ts';
import { randomOf, type Sabotage, SimFs } from '../sim-fs.ts';

const seeds = Number(process.env['SEEDS'] ?? 200);
const long: KeyLimits = { windowMs: 1e9, maxKeys: 1e6 };

/** A clock that a test sets. */
function handClock(date = 1_000_000): Clock & { ms: number; wallMs: number } {
  return {
    ms: 0,
    wallMs: date,
    now() {
      return this.ms;
    },
    date() {
      return this.wallMs + this.ms;
    },
    random: Math.random,
    sleep: systemClock.sleep,
  };
}

async function open(directory: string, limits: KeyLimits, clock: Clock = handClock()): Promise<KeyLog> {
  return KeyLog.open(directory, limits, { log: silent, clock });
}

/** Some lives of one log, each ended by a crash. Throws what was broken. */
async function live(seed: number, sabotage?: Sabotage): Promise<number> {
  const random = randomOf(seed * 31 + 5);
  const below = (limit: number) => Math.floor(random() * limit);
  const known = new Set<string>();
  const said = new Set<string>();
  let files = new SimFs(random, sabotage);
  let next = 0;
  for (let life = 0; life < 5; life++) {
    const own = files;
    const work = async () => {
      const keys = await KeyLog.open('/keys', long, { log: silent, clock: handClock(), files: own, segmentBytes: 4096 });
      for (const text of known) if (!keys.has(keyOf(text))) throw new Error(`${text} was known before the crash`);
      for (let i = 0; i < next + 20; i++)
        if (!said.has(String(i)) && keys.has(keyOf(String(i)))) throw new Error(`${i} was never given to it`);
      const writer = async () => {
        while (!own.isDead) {
          const texts = Array.from({ length: 1 + below(6) }, () => String(next++));
          for (const text of texts) said.add(text);
          await keys.add(texts.map(keyOf));
          if (own.isDead) return;
          for (const text of texts) known.add(text);
          for (const text of texts) if (!keys.has(keyOf(text))) throw new Error(`${text} is on disk, and not known`);
          while (random() < 0.3) await nextTurn();
        }
      };
      await Promise.all([writer(), writer()]);
    };
    own.crashIn = 3 + below(150);
    await moving(own.crash, work(), () => `${own.operations} operations, ${next} written`);
    own.stop();
    await nextTurn();
    files = random() < 0.4 ? own.kill() : own.powerCut();
  }
  return known.size;
}

async function liveAll(count: number, sabotage?: Sabotage): Promise<number> {
  let known = 0;
  for (let seed = 1; seed <= count; seed++)
    known += await live(seed, sabotage).catch((error: Error) => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
    });
  return known;
}

describe('keys on a machine that stops at any operation', () => {
  test('are known when it was said so, and no others', { timeout: 300_000 }, async () => {
    expect(await liveAll(seeds)).toBeGreaterThan(seeds * 50);
  });

  test('the simulation sees that they are not synced', async () => {
    await expect(liveAll(100, { ignoreSync: (path) => path.endsWith('.seg') })).rejects.toThrow(/^seed/);
  });
});

describe('keys are forgotten', () => {
  const some = (from: number, count: number) => Array.from({ length: count }, (_, i) => keyOf(String(from + i)));

  test('when their window is over, a sixteenth later at most; also while it did not run, whatever was done to the clock', async () => {
    const directory = folder();
    const clock = handClock();
    const limits = { windowMs: 16_000, maxKeys: 1e6 };
    let keys = await open(directory, limits, clock);
    for (let i = 0; i < 20; i++) {
      await keys.add(some(i, 1));
      clock.ms += 1000;
    }
    const known = () => some(0, 20).map((key) => keys.has(key));
    keys.forgetOld();
    expect(known().indexOf(true)).toBeLessThanOrEqual(4); // those of the last 16 s are known
    expect(known().indexOf(true)).toBeGreaterThanOrEqual(3); // those before the last 17 s are not
    await keys.close();
    keys = await open(directory, limits, { ...clock, date: () => 0 }); // the wall clock is set to the year 1970
    expect(known().indexOf(true)).toBeLessThanOrEqual(4);
    await keys.close();
    const later = handClock(clock.date() + 100_000);
    keys = await open(directory, limits, later);
    expect(known()).not.toContain(true);
    expect(keys.stats()).toMatchObject({ keys: 0 });
    await keys.close();
  });

  test('when there are too many newer ones, and their files go', async () => {
    const directory = folder();
    const keys = await KeyLog.open(
      directory,
      { windowMs: 1e9, maxKeys: 16_000 },
      { log: silent, clock: handClock(), segmentBytes: 32 * 1024 },
    );
    for (let from = 0; from < 100_000; from += 100) await keys.add(some(from, 100));
    expect(keys.stats().keys).toBeGreaterThanOrEqual(16_000);
    expect(keys.stats().keys).toBeLessThanOrEqual(17_100);
    expect(some(84_000, 16_000).every((key) => keys.has(key))).toBe(true);
    expect(some(0, 80_000).some((key) => keys.has(key))).toBe(false);
    await keys.close();
    const report = await verifyKeys(directory);
    expect(report).toMatchObject({ problems: [] });
    expect(report.bytes).toBeLessThan(17_100 * 20 + 3 * 32 * 1024);
    const again = await open(directory, { windowMs: 1e9, maxKeys: 16_000 });
    expect(some(84_000, 16_000).every((key) => again.has(key))).toBe(true);
    await again.close();
  });
});
