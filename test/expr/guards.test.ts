/** What a sender could do to us through an expression that its author wrote in good faith. */
import { describe, expect, test } from 'vitest';
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
    ['is too deep', `${'('.repeat(100)}1${')'.repeat(100)}`, /too large/],
  ])('%s', (_, text, sentence) => {
    expect(() => compileExpression(text, 'any')).toThrow(sentence);
  });

  test('but comprehensions after each other are not inside each other', () => {
    expect(evaluate('[1].map(a, a).map(b, b).map(c, [c].map(d, d + 1))', jsonMessage({}))).toEqual([[2]]);
  });
});

describe('a message of 1.5 MB cannot make it cost more than about a second:', () => {
  const list = Array.from({ length: 100_000 }, (_, i) => i);
  const huge = jsonMessage({ l: list, s: 'x'.repeat(1 << 20), e: `${'a'.repeat(31)}!` });
  test.each([
    'body.l.map(a, body.l.map(b, a + b))',
    'body.l.exists(a, a in body.l && a < 0) || true',
    'default(body.l.map(x, body.l.map(y, x)), 1)',
    'body.l.filter(a, body.l == body.l.map(x, x))',
    'body.l.map(a, body)',
    'body.l.map(a, body.l)',
    'body.l.map(a, {"a": body.s})',
    'body.l.map(a, body.s + string(a))',
    'body.l.map(a, body.s).join("")',
    'body.l.map(a, body.s.replace("x", "yy"))',
    'body.l.map(a, body.s.split("x"))',
    'body.l.map(a, hash.sha256(body.s))',
    'body.l.map(a, json.stringify(body))',
    'body.l.map(a, sum(body.l))',
    'body.l.map(a, body.s.matches("(a+)+$"))',
    'cel.bind(a, body.s + body.s, cel.bind(b, a + a, cel.bind(c, b + b, cel.bind(d, c + c, cel.bind(e, d + d, e + e + e)))))',
  ])('%s', (text) => {
    const run = compileExpression(text, 'any');
    const start = process.cpuUsage();
    expect(() => run(huge)).toThrow(/more than|too long/);
    expect(process.cpuUsage(start).user).toBeLessThan(3_000_000);
  });

  test('a pattern that makes other engines hang is quick', () => {
    expect(evaluate('body.e.matches("^(a+)+$")', huge)).toBe(false);
  });

  test('and what is usual is not refused', () => {
    expect(evaluate('size(body.l.filter(x, x % 2 == 0).map(x, {"v": x}))', huge)).toBe(50_000);
    expect(evaluate('body.s.replace("xx", "y").size()', huge)).toBe(1 << 19);
  });

  test('the budget is whole again for the next evaluation', () => {
    const run = compileExpression('size(body.l.map(x, x + 1))', 'any');
    for (let i = 0; i < 15; i++) expect(run(huge)).toBe(100_000);
  });
});
