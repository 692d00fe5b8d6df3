import { expect, test } from 'vitest';
import { readYaml } from '../../src/config/data.ts';

test('YAML becomes plain data, without YAML’s surprises and without rounding', () => {
  expect(readYaml('no: 1\nyes: 007\nbig: 12345678901234567890\nlist: [a, 1.5]\nempty:\ndate: 2026-01-01')).toEqual({
    no: 1,
    yes: 7,
    big: 12345678901234567890n,
    list: ['a', 1.5],
    empty: null,
    date: '2026-01-01',
  });
});

test('names that every object has are names like any other', () => {
  const data = readYaml('__proto__: { polluted: 1 }\nconstructor: 2') as Record<string, unknown>;
  expect(Object.keys(data)).toEqual(['__proto__', 'constructor']);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test.each([
  ['a: [1', /^line \d+: /],
  ['a: !!js/function x', /^line 1: tag/],
  ['a: *nobody', /./],
])('%j is refused', (text, message) => expect(() => readYaml(text)).toThrow(message));

test('an alias bomb is refused', () => {
  const lines = Array.from(
    { length: 12 },
    (_, i) =>
      `a${i}: &a${i} [${
        i === 0
          ? 'x'
          : Array(10)
              .fill(`*a${i - 1}`)
              .join(', ')
      }]`,
  );
  expect(() => readYaml(lines.join('\n'))).toThrow(/alias/);
});
