import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mutants, mutated } from './list.ts';

const root = join(import.meta.dirname, '..', '..');
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');

describe('a mutant still fits the product, and its suites are there:', () => {
  test.each(mutants)('$does', (mutant) => {
    const source = textOf(mutant.file);
    expect(mutated(mutant, source)).not.toBe(source);
    for (const suite of mutant.suites) expect(textOf(suite)).toContain('test');
  });
});
