import { expect, test } from 'vitest';
import { Answers, type CacheSettings } from '../../../src/steps/lookups/answers.ts';
import { JumpClock } from '../jump-clock.ts';

const nothing = Symbol('nothing');

function answers(more: Partial<CacheSettings> = {}) {
  const clock = new JumpClock();
  const asked: string[] = [];
  const cache = new Answers({ ttl: 1000, missingTtl: undefined, maxEntries: 3, maxBytes: 100, ...more }, clock);
  const get = async (key: string, value: unknown = `of ${key}`, bytes = 10) =>
    (
      await cache.get(key, async () => {
        asked.push(key);
        if (value instanceof Error) throw value;
        return { value: value === nothing ? undefined : value, bytes };
      })
    ).value;
  return { clock, asked, get };
}

test('an answer holds for its time, and not longer', async () => {
  const { clock, asked, get } = answers();
  expect([await get('a'), await get('a', 'other')]).toEqual(['of a', 'of a']);
  clock.time = 999;
  await get('a');
  expect(asked).toEqual(['a']);
  clock.time = 1000;
  expect(await get('a', 'newer')).toBe('newer');
  expect(asked).toEqual(['a', 'a']);
});

test('that there is nothing holds, too, for a time of its own', async () => {
  const { clock, asked, get } = answers({ missingTtl: 100 });
  await get('a', nothing);
  clock.time = 99;
  expect(await get('a', 'now there')).toBe(undefined);
  clock.time = 100;
  expect(await get('a', 'now there')).toBe('now there');
  expect(asked).toHaveLength(2);
});

test('without a time nothing holds, but who asks meanwhile shares the answer', async () => {
  const { asked, get } = answers({ ttl: 0 });
  expect(await Promise.all([get('a'), get('a', 'other'), get('b')])).toEqual(['of a', 'of a', 'of b']);
  expect(asked).toEqual(['a', 'b']);
  await get('a');
  expect(asked).toEqual(['a', 'b', 'a']);
});

test('a failure is told to all who wait for it, and is not kept', async () => {
  const { asked, get } = answers();
  const outcomes = await Promise.allSettled([get('a', new Error('down')), get('a')]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await get('a')).toBe('of a');
  expect(asked).toHaveLength(2);
});

test('holds at most so many answers, and so many bytes of them', async () => {
  const { asked, get } = answers();
  for (const key of ['a', 'b', 'c', 'd']) await get(key);
  asked.length = 0;
  for (const key of ['d', 'c', 'b', 'a']) await get(key);
  expect(asked).toEqual(['a']);
  await get('large', 'x', 95);
  await get('larger than all', 'x', 101);
  asked.length = 0;
  await get('larger than all', 'x', 101);
  for (const key of ['large', 'b']) await get(key);
  expect(asked).toEqual(['larger than all', 'large', 'b']);
});
