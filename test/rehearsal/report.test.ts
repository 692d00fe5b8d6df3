import { SaxesParser } from 'saxes';
import { expect, test } from 'vitest';
import { Coverage } from '../../src/rehearsal/coverage.ts';
import { jsonReport, junitReport, textReport } from '../../src/rehearsal/report.ts';
import type { Report } from '../../src/rehearsal/run.ts';

const nasty = 'a < b & "c" \u0000 \ud800';

function report(): Report {
  const coverage = new Coverage();
  coverage.arrived('r', 'step map', { file: 'r.yaml', line: 4, col: 5 }, 2);
  coverage.arrived('r', 'sink print', { file: 'r.yaml', line: 5, col: 5 }, 0);
  coverage.arrived('r', 'step set', { file: 'r.yaml', line: 3, col: 5 }, 1);
  const where = 'sink print, message 1';
  const failures = [{ where, differences: [{ what: 'key', expected: '"1"', found: nasty }], message: ['key: 2', 'body: x'] }];
  const result = { file: 'r.test.yaml', line: 2, route: 'r', failures: [], ms: 12 };
  return {
    results: [
      { ...result, name: 'good' },
      { ...result, name: nasty, line: 9, failures },
    ],
    coverage,
  };
}

test('the text says what failed where, and what no message came to', () => {
  expect(textReport(report())).toBe(`r.test.yaml
  ok    good
  FAIL  ${nasty}
        r.test.yaml:9
        sink print, message 1:
          key
            expected  "1"
            found     ${nasty}
            | key: 2
            | body: x

coverage: messages came to 2 of 3 steps, branches and ends (66 %)
  never: r.yaml:5 sink print of route r

2 tests: 1 passed, 1 failed`);
});

test('the JSON has it all', () => {
  expect(JSON.parse(jsonReport(report()))).toMatchObject({
    tests: [
      { name: 'good', failures: [] },
      { name: nasty, line: 9, failures: [{ where: 'sink print, message 1' }] },
    ],
    coverage: {
      percent: 66,
      parts: [{ label: 'step set', line: 3, messages: 1 }, { label: 'step map' }, { label: 'sink print', messages: 0 }],
    },
  });
});

test('the JUnit XML is XML, whatever stands in it', () => {
  const seen: string[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => seen.push(`${name} ${Object.values(attributes).join(' ')}`));
  parser.write(junitReport(report())).close();
  expect(seen).toEqual([
    'testsuites 2 1 0 0.024',
    'testsuite r.test.yaml 2 1 0 0.024',
    'testcase r.test.yaml good r.test.yaml 2 0.012',
    'testcase r.test.yaml a < b & "c" \ufffd \ufffd r.test.yaml 9 0.012',
    'failure sink print, message 1',
  ]);
});
