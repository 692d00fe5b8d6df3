import { describe, expect, test } from 'vitest';
import type { Header } from '../../src/message.ts';
import { jsonMessage } from '../expr/messages.ts';
import { failure, problemsOf } from './route.ts';
import { run, step } from './run.ts';

const headers: readonly Header[] = [
  ['a', 1n],
  ['b', Buffer.from([255])],
  ['a', null],
  ['c', 'x'],
];

describe('rename gives', () => {
  test.each<[string, Record<string, string>, readonly Header[]]>([
    [
      'every header of the name the new one, in its place, with its type',
      { 'header.a': 'header.z' },
      [
        ['z', 1n],
        ['b', Buffer.from([255])],
        ['z', null],
        ['c', 'x'],
      ],
    ],
    [
      'a name that is taken: what had it is gone',
      { 'header.b': 'header.a' },
      [
        ['a', Buffer.from([255])],
        ['c', 'x'],
      ],
    ],
    [
      'two headers each the name of the other',
      { 'header.b': 'header.c', 'header.c': 'header.b' },
      [
        ['a', 1n],
        ['c', Buffer.from([255])],
        ['a', null],
        ['b', 'x'],
      ],
    ],
    ['a name that is taken only to what is there', { 'header.nope': 'header.a' }, headers],
    [
      'whatever its name is',
      { 'header.a': 'header.__proto__', 'header.c': 'header.constructor' },
      [
        ['__proto__', 1n],
        ['b', Buffer.from([255])],
        ['__proto__', null],
        ['constructor', 'x'],
      ],
    ],
  ])('%s', (_, names, expected) => {
    const message = jsonMessage('not json', { headers });
    const { out } = run(step('rename', names), [message]);
    expect(out[0]?.headers).toEqual(expected);
    expect(out[0]?.body).toBe(message.body);
    expect(message.headers).toBe(headers);
  });

  test.each<[string, Record<string, string>, string, string]>([
    ['a part of the body', { 'body.a': 'body.b' }, '{"a":1,"c":2}', '{"c":2,"b":1}'],
    [
      'digits as they are',
      { 'body.a.n': 'body.n' },
      '{"a":{"n":[12345678901234567890,1.50,1e400]}}',
      '{"a":{},"n":[12345678901234567890,1.50,1e400]}',
    ],
    ['a place further down', { 'body.a': 'body.a.old' }, '{"a":{"x":1}}', '{"a":{"old":{"x":1}}}'],
    ['a place further up', { 'body.a.b': 'body.a' }, '{"a":{"b":7,"c":8}}', '{"a":7}'],
    ['two parts each the name of the other', { 'body.a': 'body.b', 'body.b': 'body.a' }, '{"a":1,"b":2}', '{"b":1,"a":2}'],
    ['null, which is a value', { 'body.a': 'body.b' }, '{"a":null,"b":1}', '{"b":null}'],
    ['hostile names', { 'body.__proto__': 'body.constructor' }, '{"__proto__":{"x":1}}', '{"constructor":{"x":1}}'],
  ])('%s', (_, names, before, after) => {
    const { out, failed } = run(step('rename', names), [jsonMessage(before)]);
    expect(failed).toEqual([]);
    expect(out[0]?.body?.toString()).toBe(after);
  });
});

test('rename lets a message pass as it is when nothing of it is there', () => {
  const message = jsonMessage({ a: 1 });
  expect(run(step('rename', { 'body.x.y': 'body.z', 'header.h': 'header.i' }), [message]).out[0]).toBe(message);
});

test('rename fails where there is no such place', async () => {
  expect(await failure('- rename: { body.a.0: body.b }', jsonMessage({ a: [1, 2] }))).toMatch(
    /^STEP_FAILED rename: body.a.0 is an element/,
  );
  expect(await failure('- rename: { body.a: body.b.c }', jsonMessage({ a: 1, b: 2 }))).toMatch(/body.b is neither a map nor a list/);
  expect(await failure('- rename: { body.a: body.b }', jsonMessage('{'))).toMatch(/not JSON/);
});

test.each([
  ['{ header.a: body.a }', /name of its own kind/],
  ['{ key: header.key }', /name of its own kind/],
  ['{ header.a: region }', /no part of a message/],
  ['{ header.a: header.c, header.b: header.c }', /"header.c" stands here twice/],
  ['{ body.a: body.x, body.a.b: body.y }', /body.a.b is a part of another/],
])('rename: %s is refused', async (value, sentence) => {
  expect(await problemsOf(`- rename: ${value}`)).toEqual([expect.stringMatching(sentence)]);
});
