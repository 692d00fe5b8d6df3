import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HeaderValue, Message, type MessageInit } from '../../src/message.ts';
import { jsonMessage } from '../expr/messages.ts';
import { expr, run, set, step } from './run.ts';

const changed = (values: Parameters<typeof set>[0], message: Message): Message => {
  const { out, failed } = run(set(values), [message]);
  if (failed[0]) throw failed[0][1];
  return out[0] as Message;
};
const base = jsonMessage(
  { a: { b: 1, c: [1, { d: 2 }] }, t: 'x' },
  {
    headers: [
      ['h', '1'],
      ['g', '2'],
      ['h', '3'],
    ],
    key: Buffer.from('k'),
    id: 'i',
  },
);

describe('set gives a message', () => {
  test.each<[string, Record<string, string | number | boolean | null>, Partial<MessageInit>]>([
    ['a key of text', { key: '${{ body.t }}' }, { key: Buffer.from('x') }],
    ['a key of a number', { key: '${{ body.a.b }}' }, { key: Buffer.from('1') }],
    ['a key of bytes', { key: '${{ b"\\xff" }}' }, { key: Buffer.from([255]) }],
    ['no key', { key: null }, { key: null }],
    [
      'properties',
      { id: 'new-${{ id }}', type: 't', contentType: 'text/plain', group: 'g' },
      { id: 'new-i', type: 't', contentType: 'text/plain', group: 'g' },
    ],
    ['no property', { id: null }, { id: undefined }],
    ['a property that an expression makes null', { id: '${{ group }}' }, { id: undefined }],
    ['times', { timestamp: '${{ fromEpochMillis(5) }}', expiresAt: '2026-01-01T00:00:00Z' }, { timestamp: 5, expiresAt: 1767225600000 }],
    ['priority and persistence', { priority: '7', persistent: true }, { priority: 7, persistent: true }],
    ['a correlation id of bytes', { correlationId: '${{ b"\\xff" }}' }, { correlationId: Buffer.from([255]) }],
  ])('%s', (_, values, expected) => {
    expect(changed(values, base)).toMatchObject(expected);
  });

  test('all values of the message as it was before, in one copy', () => {
    const after = changed({ id: '${{ type }}', type: '${{ id }}' }, base.change({ type: 't' }));
    expect([after.id, after.type]).toEqual(['t', 'i']);
    expect(after.received).toBe(base);
    expect(base.id).toBe('i');
  });

  test.each<[string, Record<string, string | number | null>, readonly (readonly [string, HeaderValue])[]]>([
    [
      'in the place of the first',
      { 'header.h': 'x' },
      [
        ['h', 'x'],
        ['g', '2'],
      ],
    ],
    [
      'at the end',
      { 'header.new': '${{ body.a.b }}' },
      [
        ['h', '1'],
        ['g', '2'],
        ['h', '3'],
        ['new', 1],
      ],
    ],
    [
      'whatever its name is',
      { 'header.a.b-c d': '1', 'header.__proto__': '2' },
      [
        ['h', '1'],
        ['g', '2'],
        ['h', '3'],
        ['a.b-c d', '1'],
        ['__proto__', '2'],
      ],
    ],
    ['no more', { 'header.h': null, 'header.nothing': null }, [['g', '2']]],
    [
      'as a table',
      { 'header.g': '${{ {"a": [1, true]} }}' },
      [
        ['h', '1'],
        ['g', new Map([['a', [1, true]]])],
        ['h', '3'],
      ],
    ],
  ])('a header %s', (_, values, headers) => {
    expect(changed(values, base).headers).toEqual(headers);
    expect(base.headers).toHaveLength(3);
  });

  test.each<[string, Record<string, string | number | boolean | null>, unknown]>([
    ['a part of the body', { 'body.a.b': '${{ body.t }}' }, { a: { b: 'x', c: [1, { d: 2 }] }, t: 'x' }],
    ['maps on the way', { 'body.x.y.z': 1 }, { a: { b: 1, c: [1, { d: 2 }] }, t: 'x', x: { y: { z: 1 } } }],
    ['an element of a list', { 'body.a.c.1.d': 3, 'body.a.c.0': 'z' }, { a: { b: 1, c: ['z', { d: 3 }] }, t: 'x' }],
    ['one more element', { 'body.a.c.2': 3 }, { a: { b: 1, c: [1, { d: 2 }, 3] }, t: 'x' }],
    ['a part less', { 'body.a': null, 'body.nothing.here': null }, { t: 'x' }],
    ['an element less', { 'body.a.c.0': null }, { a: { b: 1, c: [{ d: 2 }] }, t: 'x' }],
  ])('%s', (_, values, expected) => {
    const before = base.body?.toString();
    const after = changed(values, base);
    expect(after.json()).toEqual(expected);
    expect(JSON.parse(after.body?.toString() ?? '')).toEqual(expected);
    expect(JSON.stringify(base.json())).toBe(before);
  });

  test.each([['__proto__'], ['constructor'], ['prototype'], ['toString']])('an own %s in its body, and nothing else one', (name) => {
    const after = changed({ [`body.${name}.polluted`]: 'yes', [`body.a.${name}`]: 'x' }, base);
    const body = JSON.parse(after.body?.toString() ?? '') as Record<string, Record<string, unknown>>;
    expect(Object.getOwnPropertyDescriptor(body, name)?.value).toEqual({ polluted: 'yes' });
    expect(Object.getOwnPropertyDescriptor(body['a'], name)?.value).toBe('x');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(changed({ [`body.${name}`]: null, [`body.a.${name}`]: null }, after).json()).toEqual(base.json());
  });

  test('a new body: text, bytes, JSON, a tombstone', () => {
    expect(changed({ body: 'é' }, base).body).toEqual(Buffer.from('é'));
    expect(changed({ body: '${{ b"\\xff" }}' }, base).body).toEqual(Buffer.from([255]));
    expect(changed({ body: '${{ body.a.c }}' }, base)).toMatchObject({ contentType: 'application/json', body: Buffer.from('[1,{"d":2}]') });
    expect(changed({ contentType: 'mine', body: '${{ body.a.c }}' }, base).contentType).toBe('mine');
    expect(changed({ body: '${{ body.a.c }}', contentType: 'mine' }, base).contentType).toBe('mine');
    expect(changed({ body: null }, base).body).toBeNull();
  });

  test('the numbers of its body with all their digits', () => {
    const text = '{"id":9007199254740993,"d":0.12345678901234567890,"e":1E400,"t":1.0,"a":[12345678901234567890]}';
    const after = changed({ 'body.x': 1 }, changed({ 'body.y': '${{ body.id }}' }, jsonMessage(text)));
    expect(after.body?.toString()).toBe(`${text.slice(0, -1)},"y":9007199254740993,"x":1}`);
  });
});

describe('set fails a message', () => {
  test.each<[string, Record<string, string | number | boolean>, Message]>([
    ['for a list as key', { key: '${{ body.a.c }}' }, base],
    ['for a truth value as id', { id: '${{ dyn(true) }}' }, base],
    ['for a priority that is none', { priority: '${{ 256 }}' }, base],
    ['for a fraction as time', { timestamp: '${{ 1.5 }}' }, base],
    ['for a time before 1970', { expiresAt: '${{ -1 }}' }, base],
    ['for text that is no time', { timestamp: '${{ body.t }}' }, base],
    ['for half a surrogate pair', { id: '${{ body.s }}' }, jsonMessage('{"s": "\\ud83d"}')],
    ['for half a surrogate pair in a header', { 'header.h': '${{ body.s }}' }, jsonMessage('{"s": "\\ud83d"}')],
    ['for a path through text', { 'body.t.x': 1 }, base],
    ['for a path through null', { 'body.n.x': 1 }, jsonMessage({ n: null })],
    ['for a place far behind the end of a list', { 'body.a.c.9': 1 }, base],
    ['for a name in a list', { 'body.a.c.x': 1 }, base],
    ['for bytes in JSON', { 'body.x': '${{ raw }}' }, base],
    ['for a body that is not JSON', { 'body.x': 1 }, new Message({ body: Buffer.from('{') })],
    ['for a body that is no map', { 'body.x': 1 }, jsonMessage('3')],
    ['for a tombstone', { 'body.x': 1 }, new Message({ body: null })],
    ['for a body too deep to be written', { 'body.x': 1 }, jsonMessage(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)],
    ['for a number through which the path goes', { 'body.n.x': 1 }, jsonMessage('{"n": 9007199254740993}')],
  ])('%s', (_, values, message) => {
    const { out, failed } = run(set(values), [message, base.change({ body: Buffer.from('{"a":{"c":[]}}') })]);
    expect(failed[0]?.[0]).toBe(message);
    expect(failed[0]?.[1]).toMatchObject({ code: 'STEP_FAILED' });
    expect(out.length + failed.length).toBe(2);
  });
});

test('set does not make a body that is too deep to be written later', () => {
  for (const depth of [300, 50_000]) {
    const { failed } = run(set({ 'body.x': 1 }), [jsonMessage(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)]);
    expect(failed[0]?.[1].message).toMatch(/nested/);
  }
});

describe('a set step is refused', () => {
  test.each<[string, Record<string, string | number | null>, RegExp]>([
    ['for an unknown target', { contenttype: 'x' }, /did you mean "contentType"/],
    ['for headers.x', { 'headers.x': 'x' }, /did you mean "header.x"/],
    ['for a name without anything', { region: 'x' }, /no part of a message/],
    ['for header.', { 'header.': 'x' }, /did you mean "header.name"/],
    ['for an empty part of a path', { 'body.a..b': 'x' }, /empty part/],
    ['for body and a part of it', { body: 'x', 'body.a': 'x' }, /two steps/],
    ['for origin', { 'origin.topic': 'x' }, /no part of a message/],
    ['for a constant that can never be right', { priority: 300 }, /0 to 255/],
  ])('%s', (_, values, sentence) => {
    expect(() => set(values)).toThrow(sentence);
    expect(() => set(values)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

test('remove takes away what is there, and nothing else', () => {
  const { out } = run(step('remove', ['header.h', 'body.a.b', 'key', 'id', 'group', 'body.zip.zap']), [base]);
  expect(out[0]).toMatchObject({ headers: [['g', '2']], key: null, id: undefined });
  expect(out[0]?.json()).toEqual({ a: { c: [1, { d: 2 }] }, t: 'x' });
  expect(() => step('remove', ['header.h', 'header.h'])).toThrow(/twice/);
});

test('what is set in a body is there, what is removed is gone, and the rest is as it was', () => {
  const names = fc.constantFrom('a', 'b', '__proto__', 'constructor', 'x y', '0');
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const trees = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 3 }, leaf, fc.dictionary(names, tie('tree')), fc.array(tie('tree'), { maxLength: 3 })),
  })).tree;
  const path = fc.array(names, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.dictionary(names, trees), path, (body, parts) => {
      const target = `body.${parts.join('.')}`;
      const text = JSON.stringify(body);
      const message = jsonMessage(text);
      const result = run(set({ [target]: 'value' }), [message]);
      expect(JSON.stringify(message.json())).toBe(text);
      if (result.failed.length > 0) return;
      const after = result.out[0] as Message;
      const path = parts.map((part) => (/^\d+$/.test(part) ? part : JSON.stringify(part)));
      const read = (index: (part: string) => string) => expr(`body${path.map(index).join('')}`);
      const isThere = path.every((part) => part !== '0') ? read((part) => `[${part}]`)(new Message({ body: after.body })) : 'value';
      expect(isThere).toBe('value');
      const removed = run(step('remove', [target]), [after]).out[0] as Message;
      expect(removed.body?.toString()).not.toContain('"value"');
      expect(run(step('remove', [target]), [removed]).failed).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
