import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { errorCodes } from '../../src/errors.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/reference/errors.md'), 'utf8');

test('the page of errors has one entry for each code, in the same order', () => {
  const documented = [...page.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
  expect(documented).toEqual([...errorCodes]);
});

test.each(errorCodes)('the entry of %s says what to do', (code) => {
  const entry = page.split(`## ${code}\n`)[1]?.split('\n## ')[0] ?? '';
  expect(entry).toMatch(/^\* /m);
});
