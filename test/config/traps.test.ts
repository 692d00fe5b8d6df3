/** What YAML does to innocent lines, and what hostile files do to a parser. */
import { describe, expect, test } from 'vitest';
import { load, routeWith, rules } from './registry.ts';

const step = (text: string): string => routeWith(`steps:\n  - ${text}`);

describe('a line that YAML reads differently', () => {
  test.each([
    ['a tag', step('filter: !has(body.x)'), '6:17 yaml-tag', "quote it: '!…'"],
    ['a tag of YAML itself', step('filter: !!str x'), '6:17 yaml-tag', "quote it: '!…'"],
    ['a tag on a map', step('map: !x { a: b }'), '6:14 yaml-tag', "quote it: '!…'"],
    ['an alias of nothing', routeWith('').replace('orders }', '*.orange.* }'), '3:34 yaml-alias', "quote it if it is meant as text: '*…'"],
    ['an anchor that nobody uses', step('log: &abc'), '6:14 yaml-anchor', "quote it: '&…'"],
    ['an anchor before a text', step('log: &abc def'), '6:14 yaml-anchor', "quote it: '&…'"],
    [
      'an expression cut by a comment',
      step('filter: body.s == x #y'),
      '6:17 cut-by-comment',
      "quote it: '…', or move the comment to a line of its own",
    ],
    [
      'an expression with a comment behind it',
      step('filter: body.s # why'),
      '6:17 cut-by-comment',
      "quote it: '…', or move the comment to a line of its own",
    ],
    [
      'a leaf of a map that is cut',
      step('map:\n      a: b #c'),
      '7:14 cut-by-comment',
      "quote it: '…', or move the comment to a line of its own",
    ],
    [
      'a template cut by a comment',
      step('log: ${{ body.x #y }}'),
      '6:14 cut-by-comment',
      "quote it: '…', or move the comment to a line of its own",
    ],
    ['a text that seems cut', step('log: order #5'), '6:14 cut-by-comment', "quote it: '…', or move the comment to a line of its own"],
    [
      'a value that is cut',
      step('set:\n      key: a #5'),
      '7:16 cut-by-comment',
      "quote it: '…', or move the comment to a line of its own",
    ],
    ['an expression in quotes with nothing in it', step("filter: ''"), '6:17 empty-expression', 'is it cut by ` #`, or not indented?'],
    ['an expression that is not there', step('filter:'), '6:16 empty-expression', 'is it cut by ` #`, or not indented?'],
    ['an empty block', step('filter: |-\n'), '6:17 empty-expression', 'is it cut by ` #`, or not indented?'],
    ['an empty leaf', step('map: { a: }'), '6:19 empty-expression', 'is it cut by ` #`, or not indented?'],
    ['an expression that is a map', step('filter: { a: b }'), '6:17 wrong-type', "if it is meant as one, quote it: '…'"],
    ['an expression in template marks', step("filter: '${{ body.x }}'"), '6:17 bad-expression', 'write it without `${{` and `}}`'],
    ['null for a text', routeWith('').replace('orders }', 'null }'), '3:34 null', "quote it if it is meant as text: 'null'"],
    ['a tilde for a text', routeWith('').replace('orders }', '~ }'), '3:34 null', "quote it if it is meant as text: '~'"],
    ['nothing for a text', routeWith('').replace('orders }', '}'), '3:34 null', 'give it a value, or leave out the key'],
    [
      'a name with nothing behind it',
      routeWith('').replace('sink: print', 'sink: { print: }'),
      '4:20 null',
      'write the bare word `print` when nothing belongs to it',
    ],
    [
      'a sink that is not there',
      routeWith('').replace('sink: print', 'sink:'),
      '4:10 null',
      'is what belongs here missing, or not indented?',
    ],
    [
      'a key written twice',
      routeWith('').replace('orders }', 'a, queue: b }'),
      '3:37 duplicate-key',
      'keep one of them, or put both into one',
    ],
    ['a key that is a list', routeWith('? [a]\n: b'), '5:7 yaml-key', "quote it: '…'"],
  ])('%s is an error that says what to do', async (_what, text, rule, hint) => {
    const { problems } = await load(text);
    expect(problems.map(({ line, col, rule: found }) => `${line}:${col} ${found}`)).toEqual([rule]);
    expect(problems[0]!.hint).toBe(hint);
  });

  test.each([
    ['a comment behind a quoted expression', step("filter: 'a' # why")],
    [
      'a comment behind plain text',
      routeWith('').replace('{ rabbitmq: { queue: orders } }', '\n      rabbitmq:\n        queue: orders   # ours'),
    ],
    ['a comment behind a template without marks', step('log: order    # says so')],
    ['a comment on its own line', step('filter: |-\n      a # in here it is text\n    # here not')],
    ['null that removes', step('set: { type: null, id: ~ }')],
    ['an expression that is true', step('filter: true')],
  ])('%s is none', async (_what, text) => expect(await rules(text)).toEqual([]));
});

describe('a syntax error', () => {
  const quoteIt = "write the value in '…' or after `|-` on lines of its own";

  test.each([
    ['a template in a flow map', step('set: { key: ${{ body.a }} }'), `\`{\` has a meaning in YAML: ${quoteIt}`],
    ['a colon in an expression', step('filter: body.s == "a: b"'), `\`: \` has a meaning in YAML: ${quoteIt}`],
    ['a leading double quote', step('filter: "a" == body.s'), `a leading \`"\` has a meaning in YAML: ${quoteIt}`],
    ['a leading single quote', step("filter: 'a' == body.s"), `a leading \`'\` has a meaning in YAML: ${quoteIt}`],
    ['a leading bracket', step('filter: [1, 2].exists(x, x == body.a)'), `a leading \`[\` has a meaning in YAML: ${quoteIt}`],
    ['a leading at sign', step('filter: @a'), `a leading \`@\` has a meaning in YAML: ${quoteIt}`],
    ['a leading backtick', step('filter: `a`'), `a leading backtick has a meaning in YAML: ${quoteIt}`],
    ['a tab', 'routes:\n\tr: x\n', 'replace the tabs by spaces'],
  ])('says how to write it: %s', async (_what, text, hint) => {
    const { problems } = await load(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ rule: 'yaml-syntax', hint });
  });

  test('costs only the route it stands in: there is one for each, and the rest is checked', async () => {
    const text = `connections:
  shop: { rabbitmq: { url: "amqp://a } }
  log: { rabbitmq: {} }
routes:
  one:
    source: { rabbitmq: { queue: q, connection: shop } }
    sink: [print
    steps: [ "
  two:
    source: { rabbitmq: { queue: q, connection: shop, prefetch: many } }
    sink: print
  three:
    source: @x
    sink: @y
  four:
    source: { rabbitmq: { queue: q, conection: log } }
    sink: print
`;
    const found = (await rules(text)).map((one) => one.replace(/:\d+/, ''));
    expect(found).toEqual([
      '2 yaml-syntax',
      expect.stringMatching(/^[678] yaml-syntax$/),
      '10 wrong-type',
      '13 yaml-syntax',
      '16 unknown-key',
    ]);
  });

  test('of a second document is one', async () => {
    expect(await rules(`${routeWith('')}---\na: b\n`)).toEqual(['6:1 yaml-syntax']);
  });
});

test('an expression error is reported at its place, through quotes, blocks and what was filled in', async () => {
  const at = async (text: string): Promise<string> => (await rules(text, { LONG: 'a long value' }))[0]!;
  expect(await at(step('filter: a && SYNTAX'))).toBe('6:22 bad-expression');
  expect(await at(step("filter: 'a == ''b'' && SYNTAX'"))).toBe('6:32 bad-expression');
  expect(await at(step('filter: "a == \\"b\\" && SYNTAX"'))).toBe('6:32 bad-expression');
  expect(await at(step('filter: |-\n      a &&\n      SYNTAX'))).toBe('8:11 bad-expression');
  expect(await at(step('filter: >-\n      a &&\n      SYNTAX'))).toBe('8:11 bad-expression');
  expect(await at(step('filter: a &&\n      SYNTAX'))).toBe('7:11 bad-expression');
  expect(await at(step('filter: \'"${LONG}" == SYNTAX\''))).toBe('6:31 bad-expression');
  expect(await at(step("log: 'x ${{ SYNTAX }}'"))).toBe('6:21 bad-template');
});

describe('a hostile file is refused in less than a second', () => {
  const many = (count: number, line: (n: number) => string): string => Array.from({ length: count }, (_, n) => line(n)).join('\n');
  const bomb = `routes:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n${many(12, (n) => `  a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(',')}]`)}\n  z: *a12\n`;
  const mergeBomb = `routes:\n  a0: &a0 { x: 1 }\n${many(20, (n) => `  a${n + 1}: &a${n + 1} { <<: [${Array(9).fill(`*a${n}`).join(',')}] }`)}\n  z: *a20\n`;

  test.each([
    ['of 10 MB', 'a: b\n'.repeat(2_000_000), 'too-large'],
    ['of brackets that are never closed', `routes: ${'['.repeat(100_000)}`, 'yaml-limit'],
    ['of 900 brackets', `routes: ${'['.repeat(900)}${']'.repeat(900)}`, 'yaml-syntax'],
    ['of nested maps', `routes: ${'{a: '.repeat(3000)}${'}'.repeat(3000)}`, 'yaml-limit'],
    ['of nested dashes', `routes:\n  ${'- '.repeat(100_000)}x`, 'yaml-limit'],
    ['of ever deeper lines', `routes:\n${many(600, (n) => `${' '.repeat(n + 1)}a:`)}`, 'missing'],
    ['of 10,000 keys', `routes:\n${many(10_000, (n) => `  k${n}: 1`)}`, 'wrong-type'],
    ['of 10,000 equal keys', `routes:\n${many(10_000, () => '  k: 1')}`, 'duplicate-key'],
    ['of errors', `routes:\n${many(10_000, (n) => `  k${n}: "x" y`)}`, 'yaml-syntax'],
    ['that is an alias bomb', bomb, 'yaml-limit'],
    ['that is a bomb of merges', mergeBomb, 'yaml-limit'],
    ['of references that are never closed', `routes: "${'${'.repeat(900)}"`, 'unresolved'],
    ['that is an alias of itself', 'routes: &a { b: *a }', 'yaml-alias'],
    ['of control characters', 'routes: "\u0000\u001b[31m"', 'wrong-type'],
  ])('%s', async (_what, text, rule) => {
    const start = process.cpuUsage();
    const { model, problems } = await load(text);
    // CPU time: other suites may have the machine.
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(1000);
    expect(model).toBe(undefined);
    expect(problems.map((one) => one.rule)).toContain(rule);
    expect(problems.length).toBeLessThan(300);
    expect(JSON.stringify(problems)).not.toContain('\\u001b');
  });
});
