import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, mqferry } from './mqferry.ts';

const route = `routes:
  r:
    source: { local: { queue: q } }
    steps: [filter: body.n > 1]
    sink: print
`;
const tests = `tests:
  - name: large ones pass
    given: [{ json: { n: 2 } }]
    expect: { sinks: { print: [{ json: { n: 2 } }] } }
  - name: small ones are filtered
    given: [{ json: { n: 1 } }]
    expect: { filtered: 1 }
`;

function written(text = tests): string {
  const path = folder();
  writeFileSync(join(path, 'r.yaml'), route);
  writeFileSync(join(path, 'r.test.yaml'), text);
  return path;
}

describe('mqferry test', () => {
  test('exits with 0 when all hold, and writes what was asked for', async () => {
    const path = written();
    const junit = join(path, 'results.xml');
    const { code, out, err } = await mqferry(['test', path, '--junit', junit, '--coverage-min', '100']);
    expect(code, err).toBe(0);
    expect(out).toContain('2 tests: 2 passed, 0 failed');
    expect(readFileSync(junit, 'utf8')).toContain('<testcase classname=');
  });

  test('exits with 1 when one fails, or when too little was tested', async () => {
    const failed = await mqferry(['test', join(written(tests.replace('filtered: 1', 'filtered: 2')), 'r.yaml')]);
    expect([failed.code, failed.err]).toEqual([1, '']);
    expect(failed.out).toContain('FAIL  small ones are filtered');
    const little = await mqferry(['test', written(), '--only', 'small', '--coverage-min', '80', '--format', 'json']);
    expect([little.code, little.err]).toEqual([1, 'the coverage is 50 %, and 80 % are asked for\n']);
    expect(JSON.parse(little.out)).toMatchObject({ tests: [{ name: 'small ones are filtered' }], coverage: { percent: 50 } });
  });

  test('exits with 78 when a test file or its config is wrong, and with 2 when no test is meant', async () => {
    const wrong = await mqferry(['test', written(tests.replace('print:', 'prnt:'))]);
    expect([wrong.code, wrong.out]).toEqual([78, '']);
    expect(wrong.err).toContain('r.test.yaml:4:24 unknown-sink: there is no sink "prnt" — did you mean "print"?');
    expect(wrong.err).toContain('1 error; no test was run');
    expect(await mqferry(['test', written(), '--only', 'medium'])).toMatchObject({ code: 2, err: 'no test has "medium" in its name\n' });
  });
});
