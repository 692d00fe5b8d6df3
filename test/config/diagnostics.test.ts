import { expect, test } from 'vitest';
import { problemLine, renderProblems } from '../../src/config/diagnostics.ts';
import { load } from './registry.ts';

const text = 'connections:\n  events:\n    kafka:\n      broker: a\n      brokers: b\n';

test('a problem is a line with place, rule, sentence and hint, and the code around it', async () => {
  const { problems } = await load(text);
  expect(renderProblems(problems)).toBe(
    [
      'mqferry.yaml:4:7 unknown-key: unknown key "broker" — did you mean "brokers"?',
      '  3 |     kafka:',
      '> 4 |       broker: a',
      '    |       ^',
      '  5 |       brokers: b',
      '',
    ].join('\n'),
  );
});

test('problems are JSON for machines', async () => {
  const { problems } = await load(text);
  expect(JSON.parse(renderProblems(problems, 'json'))).toMatchObject({
    problems: [{ file: 'mqferry.yaml', line: 4, col: 7, rule: 'unknown-key', severity: 'error', hint: 'did you mean "brokers"?' }],
  });
});

test('problems are annotations on GitHub, which nothing in them can break out of', () => {
  const problem = { file: 'a,b:c.yaml', line: 1, col: 2, rule: 'r', message: '100%\nof', severity: 'error' } as const;
  expect(renderProblems([problem], 'github')).toBe('::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=r::100%25%0Aof');
});

test('a warning says that it is one', () => {
  expect(problemLine({ file: 'a', line: 1, col: 1, rule: 'r', message: 'm', severity: 'warning' })).toBe('a:1:1 warning r: m');
});

test('a long line is shown around the place, on a screen wide enough', async () => {
  const long = `routes: { ${'x'.repeat(300)}: 1, bad!name: 2 }`;
  const frame = (await load(long)).problems.at(-1)!.frame!;
  const [code, mark] = frame.split('\n') as [string, string];
  expect(code.length).toBeLessThan(140);
  expect(code.slice(mark.indexOf('^'), mark.indexOf('^') + 1)).toBe('2');
});
