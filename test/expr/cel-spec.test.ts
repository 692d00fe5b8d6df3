import { describe, expect, test } from 'vitest';
import { deviations, isMeant, isOutside } from './cel-spec/deviations.ts';
import { celPage } from './cel-spec/page.ts';
import { difference, specTests } from './cel-spec/suite.ts';

describe('the tests of the CEL specification', () => {
  const inside = specTests().filter((one) => !isOutside(one));
  const differing = inside.filter(({ test: one }) => difference(one) !== undefined).map(({ name }) => name);
  const declared = deviations.flatMap(([, tests]) => tests);

  test('hold, but for the declared deviations', () => {
    expect(inside.length).toBeGreaterThan(1000);
    expect(differing.filter((name) => !declared.some((pattern) => isMeant(name, pattern)))).toEqual([]);
  });

  test('each declared deviation is one, and for one reason', () => {
    expect(declared.filter((pattern) => !differing.some((name) => isMeant(name, pattern)))).toEqual([]);
    expect(differing.filter((name) => declared.filter((pattern) => isMeant(name, pattern)).length > 1)).toEqual([]);
  });

  test('the page in the docs says which', async () => {
    await expect(celPage()).toMatchFileSnapshot('../../docs/reference/cel.md');
  });
});
