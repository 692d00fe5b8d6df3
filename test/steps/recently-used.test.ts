import { expect, test } from 'vitest';
import { RecentlyUsed } from '../../src/steps/recently-used.ts';

test('forgets what was not asked for longest, and says so', () => {
  const forgotten: number[] = [];
  const kept = new RecentlyUsed<number>(2, (value) => forgotten.push(value));
  kept.set('a', 1);
  kept.set('b', 2);
  expect(kept.get('a')).toBe(1);
  kept.set('c', 3);
  expect([kept.get('a'), kept.get('b'), kept.get('c'), kept.size]).toEqual([1, undefined, 3, 2]);
  kept.set('c', 4);
  kept.delete('a');
  kept.delete('nobody');
  expect([forgotten, kept.size]).toEqual([[2, 3, 1], 1]);
});

test('knows long keys apart, and takes hostile ones', () => {
  const kept = new RecentlyUsed<string>(10);
  const long = 'x'.repeat(1_000_000);
  for (const key of [long, `${long}y`, '', '__proto__', 'constructor']) kept.set(key, `of ${key.slice(-3)}`);
  expect([long, `${long}y`, '', '__proto__', 'constructor'].map((key) => kept.get(key))).toEqual([
    'of xxx',
    'of xxy',
    'of ',
    'of o__',
    'of tor',
  ]);
});
