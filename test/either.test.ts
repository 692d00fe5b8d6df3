import { expect, test } from 'vitest';
import { Either } from '../src/either.ts';

test('is aborted when one of its signals is, or when told to; not after it was dropped', () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const [first, second, third] = [new Either(a.signal, b.signal), new Either(a.signal), new Either(b.signal)];
  second.drop();
  third.abort();
  expect([first, second, third].map(({ signal }) => signal.aborted)).toEqual([false, false, true]);
  a.abort();
  expect([first, second].map(({ signal }) => signal.aborted)).toEqual([true, false]);
  expect(new Either(a.signal, b.signal).signal.aborted).toBe(true);
});
