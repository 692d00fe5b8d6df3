import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/engine/virtual-clock.ts';

describe('virtual time', () => {
  test('goes from one wait to the next, without waiting', async () => {
    const clock = new VirtualClock(Date.UTC(2026, 0, 31));
    const seen: string[] = [];
    const wait = async (ms: number) => {
      await clock.sleep(ms);
      seen.push(`${clock.now()} ${new Date(clock.date()).toISOString()}`);
    };
    void wait(3_600_000);
    void wait(1000);
    expect(await clock.time.run(() => seen.length === 2, 86_400_000)).toBe(true);
    expect(seen).toEqual(['1000 2026-01-31T00:00:01.000Z', '3600000 2026-01-31T01:00:00.000Z']);
  });

  test('does not go to a wait that was given up', async () => {
    const clock = new VirtualClock(0);
    const stop = new AbortController();
    let isOver = false;
    void clock.sleep(5000, stop.signal).then(() => {
      isOver = true;
    });
    stop.abort();
    expect(await clock.time.run(() => isOver, 10_000)).toBe(true);
    expect(await clock.time.run(() => false, 10_000)).toBe(false);
    expect(clock.now()).toBe(0);
  });

  test('does not go beyond the limit', async () => {
    const clock = new VirtualClock(0);
    void clock.sleep(11_000);
    expect(await clock.time.run(() => false, 10_000)).toBe(false);
    expect(clock.now()).toBe(0);
  });
});
