import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTestFiles } from '../../src/rehearsal/find.ts';

const folder = mkdtempSync(join(tmpdir(), 'mqferry-find-'));
const found = (...paths: string[]) =>
  findTestFiles(paths.map((path) => join(folder, path))).names.map((name) => name.slice(folder.length + 1));

beforeAll(() => {
  mkdirSync(join(folder, 'deep/er'), { recursive: true });
  for (const name of ['a.yaml', 'a.test.yaml', 'b.yml', 'b.test.yml', 'lone.yaml', 'deep/er/c.test.yaml'])
    writeFileSync(join(folder, name), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('test files are found', () => {
  test.each<[what: string, paths: string[], names: string[]]>([
    ['in a folder and all below it', ['.'], ['a.test.yaml', 'b.test.yml', 'deep/er/c.test.yaml']],
    ['beside a config file', ['a.yaml', 'b.yml'], ['a.test.yaml', 'b.test.yml']],
    ['by name, each once', ['a.test.yaml', 'a.yaml', '.'], ['a.test.yaml', 'b.test.yml', 'deep/er/c.test.yaml']],
    ['by a glob, which leaves configs out', ['*.yaml', 'deep/**/*.yaml'], ['a.test.yaml', 'deep/er/c.test.yaml']],
  ])('%s', (_what, paths, names) => {
    expect(found(...paths)).toEqual(names);
  });

  test.each(['lone.yaml', 'nowhere', 'nowhere/*.yaml', 'nowhere.test.yaml'])('or it is a problem: %s', (path) => {
    const { names, problems } = findTestFiles([join(folder, path)]);
    expect(names).toEqual([]);
    expect(problems).toMatchObject([{ file: join(folder, path), rule: 'no-tests', severity: 'error' }]);
  });
});
