import { expect, test } from 'vitest';
import { Turns } from '../../../src/steps/lookups/turns.ts';

test('at most so many are at work at once, in turn, whether they end well or not', async () => {
  const turns = new Turns(2);
  const started: number[] = [];
  const works = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const all = works.map(({ promise }, i) =>
    turns.take(async () => {
      started.push(i);
      await promise;
      return i;
    }),
  );
  const settled = Promise.allSettled(all);
  await new Promise(setImmediate);
  expect(started).toEqual([0, 1]);
  works[1]?.reject(new Error('failed'));
  await new Promise(setImmediate);
  expect(started).toEqual([0, 1, 2]);
  for (const { resolve } of works) resolve();
  expect((await settled).map((one) => (one.status === 'fulfilled' ? one.value : 'failed'))).toEqual([0, 'failed', 2, 3, 4]);
  expect(await turns.take(async () => 'again')).toBe('again');
});
