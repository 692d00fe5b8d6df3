/** What a sender could do to us through an expression that its author wrote in good faith. */
import { describe, expect, test } from 'vitest';
import { spent } from '../../src/expr/budget.ts';
import { compileExpression } from '../../src/expr/index.ts';
import { Message } from '../../src/message.ts';
import { jsonMessage } from './messages.ts';

const evaluate = (text: string, message: Message): unknown => compileExpression(text, 'any')(message);

const hostileKeys = [
  'constructor',
  '__proto__',
  'prototype',
  '$typeName',
  'then',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'toJSON',
  'length',
  'size',
  'get',
];

describe.each(hostileKeys)('a body with the key %s', (key) => {
  const shapes: [string, string][] = [
    ['at the top', `{"a": 1, "${key}": {"b": 2}, "o": {}, "l": []}`],
    ['deep inside', `{"a": 1, "o": {"l": [{"${key}": {"b": 2}}]}, "l": [{"${key}": 1}], "${key}": {"b": 2}}`],
    ['as a function name', `{"a": 1, "${key}": {"b": 2, "name": "Map"}, "o": {"${key}": "x"}, "l": []}`],
  ];
  test.each(shapes)('%s breaks nothing', (_, text) => {
    const message = jsonMessage(text);
    expect(evaluate(`body.a == 1 && body["${key}"].b == 2 && has(body.o) && size(body.l) >= 0`, message)).toBe(true);
    expect(JSON.stringify(evaluate('body', message))).toBe(JSON.stringify(JSON.parse(text)));
    expect(evaluate('body == body && body.o == body.o && body.o in [body.o]', message)).toBe(true);
    expect(evaluate(`default(body["${key}"].nope, "no")`, message)).toBe('no');
    expect(evaluate('merge(body, {"z": 1}).z', message)).toBe(1);
    expect(evaluate('keys(merge(body, body)).size() == keys(body).size()', message)).toBe(true);
    expect(({} as Record<string, unknown>)['b']).toBeUndefined();
  });

  test('is absent from a body without it', () => {
    const message = jsonMessage({ o: {} });
    expect(evaluate(`has(body.o) && !("${key}" in body.o)`, message)).toBe(true);
    expect(evaluate(`default(body.o["${key}"], "absent")`, message)).toBe('absent');
    expect(() => evaluate(`body.o["${key}"]`, message)).toThrow(/no such key/);
  });

  test('is made by map literals, merge, toMap and groupBy as an own key', () => {
    const message = jsonMessage(JSON.stringify({ k: key, l: [{ k: key }] }));
    for (const text of [
      '{body.k: 1}',
      `{"${key}": 1}`,
      'toMap([body.k], [1])',
      'merge({}, {body.k: 1})',
      'fromEntries([{"key": body.k, "value": 1}])',
    ]) {
      const made = evaluate(text, message) as object;
      expect(Object.entries(made), text).toEqual([[key, 1]]);
      expect(Object.getPrototypeOf(made), text).toBe(Object.prototype);
    }
    expect(Object.keys(evaluate('groupBy(body.l, "k")', message) as object)).toEqual([key]);
  });
});

test('an own constructor in inner JSON breaks nothing', () => {
  expect(evaluate('json.parse(body.s).constructor.a', jsonMessage({ s: '{"constructor":{"a":1}}' }))).toBe(1);
});

test('headers with such names are plain headers', () => {
  const message = new Message({
    body: null,
    headers: [
      ['constructor', 'a'],
      ['__proto__', 'b'],
    ],
  });
  expect(evaluate('header.constructor + header["__proto__"]', message)).toBe('ab');
  expect(evaluate('"toString" in header', message)).toBe(false);
});

test('very deep JSON is an error', () => {
  for (const depth of [300, 100_000]) {
    expect(() => evaluate('body.a', jsonMessage(`{"a": ${'['.repeat(depth)}${']'.repeat(depth)}}`))).toThrow(/nested/);
  }
});

describe('an expression is refused that', () => {
  test.each<[string, string, RegExp]>([
    ['nests more than two comprehensions', '[1].map(a, [1].map(b, [1].map(c, c)))', /at most 2/],
    ['has too many parts', Array(800).fill('1').join('+'), /too large/],
    ['has too many characters', `"${'a'.repeat(10_000)}" == key`, /may have 10000 characters/],
    ['is too deep', `${'('.repeat(100)}1${')'.repeat(100)}`, /too large/],
  ])('%s', (_, text, sentence) => {
    expect(() => compileExpression(text, 'any')).toThrow(sentence);
  });

  test.each(['[1].map(a, [1].all(i, b, [1].exists(c, c)))', '[1].transformList(i, a, [1].transformMap(j, b, [1].map(c, c)))'])(
    'nests them, whatever they are called: %s',
    (text) => {
      expect(() => compileExpression(text, 'any')).toThrow(/at most 2/);
    },
  );

  test('but comprehensions after each other are not inside each other', () => {
    expect(evaluate('[1].map(a, a).map(b, b).map(c, [c].map(d, d + 1))', jsonMessage({}))).toEqual([[2]]);
  });
});

const list = Array.from({ length: 100_000 }, (_, i) => i);
const huge = jsonMessage({
  l: list,
  m: list.slice(0, 20_000).map((n) => ({ n, k: `k${n}` })),
  s: 'x'.repeat(1 << 20),
  e: `${'a'.repeat(100_000)}!`,
  p: '(a|b|c)*'.repeat(100),
});

/** Steps of the evaluation that has just ended. */
const stepsMax = 100_000;

describe('no message makes a loop go on when the budget is spent:', () => {
  // Each visit and each error is a step or more: had a loop gone on, there would be many more of them.
  test.each([
    'body.l.map(a, body.l.map(b, a + b))',
    'body.l.filter(a, body.l.exists(b, b == -1))',
    'body.l.all(a, body.l.all(b, b != -1))',
    'body.l.exists_one(a, body.l.exists_one(b, b == -1))',
    'body.l.exists(a, a.nope == 1)',
    'body.l.exists(a, a in body.l && a < 0) || true',
    'body.l.all(a, a.nope == 1)',
    'body.l.filter(a, a.nope == 1 || true)',
    'body.l.filter(a, default(int("x" + string(a)), 1) == 1 || true)',
    'body.l.exists(i, a, body.l.exists(j, b, b == -1))',
    'body.l.exists(i, a, a.nope == 1)',
    'body.l.transformList(i, a, body.l.transformMap(j, b, b))',
    'default(body.l.map(x, body.l.map(y, x)), 1)',
    'coalesce(body.l.map(x, body.l.map(y, x)), 1)',
    'body.l.filter(a, body.l == body.l.map(x, x))',
    'body.l.map(a, a in body.l)',
    'body.l.map(a, sum(body.l))',
    'body.m.map(a, sort(body.l)[0])',
    'body.m.map(a, groupBy(body.m, "k"))',
    'body.l.map(a, hash.sha256(body.e))',
    'body.l.map(a, uuid.v4() + uuid.v4())',
    'body.l.map(a, now.getHours("Europe/Berlin"))',
    'body.l.map(a, body.e.contains("b"))',
    'body.l.map(a, string(a).matches("^(1|2)+$"))',
    'body.m.map(a, "x".matches(a.k))',
    `body.m.map(a, [${Array(400).fill('a').join()}])`,
    `body.m.filter(a, ${Array(200).fill('a.n').join(' + ')} > 0)`,
    `body.m.transformList(i, a, {${Array.from({ length: 300 }, (_, i) => `"k${i}": i`).join()}})`,
    'body.m.map(a, json.parse("[1]")).map(b, b).map(c, c).map(d, d).map(e, e)',
  ])('%s', (text) => {
    const run = compileExpression(text, 'any');
    expect(() => run(huge)).toThrow(/takes more than 100000 steps/);
    expect(spent().steps).toBeGreaterThan(stepsMax);
    expect(spent().steps).toBeLessThan(stepsMax * 2);
  });
});

describe('no message makes text or results grow without end:', () => {
  test.each([
    'body.l.map(a, body)',
    'body.l.map(a, body.l)',
    'body.l.map(a, {"a": body.s})',
    'body.l.map(a, body.s + string(a))',
    'body.m.map(a, body.e.replace("a", "bb"))',
    'cel.bind(a, body.s + body.s, cel.bind(b, a + a, cel.bind(c, b + b, cel.bind(d, c + c, cel.bind(e, d + d, e + e + e)))))',
    'json.stringify([1, 2, 3, 4, 5, 6, 7, 8, 9].map(i, body.s)).size() + json.stringify([1, 2, 3, 4, 5, 6, 7, 8].map(i, body.s)).size()',
    '"%s".format([[body.s, body.s, body.s, body.s, body.s, body.s, body.s, body.s].map(x, x + x)])',
  ])('%s', (text) => {
    const run = compileExpression(text, 'any');
    expect(() => run(huge)).toThrow(/more than|too long/);
    // What the body has comes free: 1.5 million characters and 160,000 values.
    expect(spent().made).toBeLessThan(50 << 20);
  });
});

describe('what would take long is refused before it is done:', () => {
  test.each([
    'sort(body.l)',
    'body.s.replace("x", "y")',
    'body.s.split("")',
    'body.s.reverse()',
    'toMap(body.l, body.l)',
    'denormalize(body)',
    'regex.extract(body.e, "^((((a+)+)+)+)$")',
    'regex.replace(body.e, "(a|aa|aaa)+", "b")',
    'body.e.matches("((a{1,9}){1,9}){1,9}b")',
    'body.e.matches(body.p)',
    'body.e.matches("(x{" + "999})")',
  ])('%s', (text) => {
    const start = process.cpuUsage();
    expect(() => compileExpression(text, 'any')(huge)).toThrow(/more than|must be shorter/);
    // It takes about a millisecond; done, each takes from 100 milliseconds to 12 seconds.
    expect(process.cpuUsage(start).user).toBeLessThan(1_000_000);
  });

  test('a pattern that makes other engines hang is quick', () => {
    expect(evaluate('body.e.matches("^(a+)+$")', huge)).toBe(false);
  });

  test('a pattern that cannot be compiled in a moment is no pattern', () => {
    expect(() => compileExpression(`"a".matches("${'x{1000}'.repeat(20)}")`, 'any')).toThrow(/too large: it counts too far/);
  });
});

test('what is usual is not refused', () => {
  expect(evaluate('size(body.l.filter(x, x % 2 == 0))', huge)).toBe(50_000);
  expect(evaluate('size(body.m.filter(x, x.n % 2 == 0).map(x, {"v": x.n}))', huge)).toBe(10_000);
  expect(evaluate('body.s.replace("xxxxxxxxxxxxxxxx", "y").size()', huge)).toBe(1 << 16);
  expect(evaluate('body.s.matches("y") || body.s.contains("y")', huge)).toBe(false);
  expect(Object.keys(evaluate('body', huge) as object)).toHaveLength(5);
  expect(Object.keys(evaluate('merge(body, {"more": 1})', huge) as object)).toHaveLength(6);
});

test('the budget is whole again for the next evaluation', () => {
  const run = compileExpression('size(body.l.map(x, x + 1))', 'any');
  for (let i = 0; i < 15; i++) expect(run(huge)).toBe(100_000);
});

test('the same message always takes as many steps', () => {
  const run = compileExpression('body.m.filter(x, x.k.matches("9$")).map(x, x.n)', 'any');
  run(huge);
  const { steps } = spent();
  run(jsonMessage('{"m": []}'));
  expect(spent().steps).toBe(0);
  run(huge);
  expect(spent().steps).toBe(steps);
});
