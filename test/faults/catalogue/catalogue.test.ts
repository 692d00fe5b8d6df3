import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { faultNames } from '../lab/cells.ts';
import { rows } from './pages.ts';

const below = join(import.meta.dirname, '..', '..');

describe('what the catalogue names is there:', () => {
  test.each(rows.map((row) => [row.id, row] as const))('row %s', (_, { tests, lab = [], weaker }) => {
    for (const [file, title] of tests) {
      const text = readFileSync(join(below, file), 'utf8').replaceAll("\\'", "'");
      expect(text.includes(title), `${file} has no test called "${title}"`).toBe(true);
    }
    for (const fault of lab) expect([...faultNames, 'withheld']).toContain(fault);
    expect(tests.length + lab.length > 0 || weaker !== undefined, 'nobody has seen it, and nobody says why').toBe(true);
  });
});

test('each row is there once, and none is missing', () => {
  const ids = rows.map(({ id }) => id);
  const wanted = [...Array.from({ length: 78 }, (_, i) => String(i + 1)), ...Array.from({ length: 28 }, (_, i) => `S${i + 1}`)];
  expect(ids).toEqual(wanted);
});
