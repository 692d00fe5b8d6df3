import { describe, expect, test } from 'vitest';
import { Message, type MessageInit } from '../../src/message.ts';
import { Groups, type Limits } from '../../src/steps/groups.ts';
import { problemsOf } from './route.ts';
import { throughStage } from './stage.ts';

const make = (body: unknown, init: Partial<MessageInit> = {}) => new Message({ body: Buffer.from(JSON.stringify(body)), ...init });
const shown = (message: Message) => [message.json(), message.header('aggregate-count'), message.header('aggregate-why')];

describe('a group is complete', () => {
  test('by its count, each key for itself; the rest by time', async () => {
    const given = [1, 2, 3, 4, 5, 6, 7].map((n) => make({ n, k: n % 2 }));
    const { out, at } = await throughStage("- aggregate: { by: '${{ body.k }}', count: 3, after: 1m }", given);
    expect(out.map(shown)).toEqual([
      [[1, 3, 5].map((n) => ({ n, k: 1 })), 3, 'count'],
      [[2, 4, 6].map((n) => ({ n, k: 0 })), 3, 'count'],
      [[{ n: 7, k: 1 }], 1, 'time'],
    ]);
    expect(at).toEqual([0, 0, 60_000]);
  });

  test('with a message of which `when` is true', async () => {
    const { out } = await throughStage(
      '- aggregate: { when: body.last, after: 1h }',
      [1, 2, 3].map((n) => make({ n, last: n === 2 })),
    );
    expect(out.map((message) => [message.header('aggregate-count'), message.header('aggregate-why')])).toEqual([
      [2, 'when'],
      [1, 'time'],
    ]);
  });

  test('by as many as its messages say', async () => {
    const given = [3, 1, 1, 3, 3].map((count, i) =>
      make(i, {
        headers: [
          ['order', count],
          ['count', count],
        ],
      }),
    );
    const { out } = await throughStage(
      "- aggregate: { by: '${{ string(header.order) }}', count: '${{ header.count }}', after: 1h }",
      given,
    );
    expect(out.map(shown)).toEqual([
      [[1], 1, 'count'],
      [[2], 1, 'count'],
      [[0, 3, 4], 3, 'count'],
    ]);
    const { failed } = await throughStage("- aggregate: { count: '${{ body }}', after: 1h }", [make('many'), make(0), make(1.5)]);
    expect(failed.map(([, { message }]) => message)).toEqual(Array(3).fill('aggregate: `count` must be a whole number from 1 to 1000000'));
  });

  const groupsOf = (limits: Partial<Limits>) =>
    new Groups({ bytes: 1000, afterMs: undefined, quietMs: undefined, maxGroups: 10, ...limits });
  const member = (id: number, at = 0, more: object = {}) => ({ id, key: '', at, bytes: 10, count: 0, isLast: false, ...more });

  test('before its bodies take more than they may', () => {
    const groups = groupsOf({ bytes: 25 });
    for (const id of [1, 2, 3]) groups.add(member(id));
    groups.add(member(4, 0, { bytes: 100 }));
    expect([groups.take(0), groups.take(0), groups.open]).toEqual([{ members: [1, 2], why: 'bytes' }, { members: [3], why: 'bytes' }, 1]);
  });

  test('so long after its first, or after its last message, and not when it was complete before', () => {
    const groups = groupsOf({ afterMs: 100, quietMs: 40 });
    groups.add(member(1, 0));
    groups.add(member(2, 30));
    expect([groups.take(39), groups.waitMs(39)]).toEqual([undefined, 1]);
    expect([groups.take(40), groups.waitMs(40)]).toEqual([undefined, 30]);
    groups.add(member(3, 65));
    expect(groups.take(99)).toBeUndefined();
    expect(groups.take(100)).toEqual({ members: [1, 2, 3], why: 'time' });
    groups.add(member(4, 101));
    expect(groups.take(141)).toEqual({ members: [4], why: 'quiet' });
    for (const id of [5, 6, 7, 8]) groups.add(member(id, 150, { count: 4 }));
    expect(groups.take(150)).toEqual({ members: [5, 6, 7, 8], why: 'count' });
    groups.add(member(9, 180));
    expect(groups.take(200)).toBeUndefined(); // the timer of the group before it
    expect(groups.take(220)).toEqual({ members: [9], why: 'quiet' });
  });

  test('when there are too many others', () => {
    const groups = groupsOf({ maxGroups: 2 });
    for (const [i, key] of ['a', 'b', 'a', 'c'].entries()) groups.add(member(i + 1, i, { key }));
    expect([groups.take(9), groups.take(9), groups.open]).toEqual([{ members: [1, 3], why: 'groups' }, undefined, 2]);
  });
});

describe('the message that is made of a group', () => {
  const groupOf = async (given: readonly Message[], more = '') => {
    const { out, failed } = await throughStage(`- aggregate: { count: ${given.length}${more}, after: 1s }`, given);
    return { made: out[0] as Message, failed };
  };

  test('has what all have alike: key, headers, properties', async () => {
    const same = { key: Buffer.from('k'), type: 't', lane: 'l', replyTo: 'r' };
    const { made } = await groupOf([
      make(1, {
        ...same,
        id: 'a',
        headers: [
          ['x', 1],
          ['y', 2],
          ['x', 9],
        ],
      }),
      make(2, {
        ...same,
        id: 'b',
        headers: [
          ['y', 3],
          ['x', 1],
        ],
      }),
    ]);
    expect([String(made.key), made.type, made.lane, made.replyTo, made.id]).toEqual(['k', 't', 'l', 'r', undefined]);
    expect(made.headers).toEqual([
      ['x', 1],
      ['aggregate-count', 2],
      ['aggregate-why', 'count'],
    ]);
    expect(made.contentType).toBe('application/json');
    expect(Object.keys(made.origin)).toEqual(['bufferId', 'bufferSequence']);
  });

  test('keeps the digits of its bodies', async () => {
    const bodies = ['12345678901234567890', '{"a":1.0e2}'].map((body) => new Message({ body: Buffer.from(body) }));
    expect(String((await groupOf(bodies)).made.body)).toBe('[12345678901234567890,{"a":1.0e2}]');
  });

  test('or is lines of text, of any bodies', async () => {
    const bodies = [Buffer.from('a,b'), null, Buffer.from([0xff])].map((body) => new Message({ body, contentType: 'text/csv' }));
    const { made } = await groupOf(bodies, ', into: lines');
    expect([made.body?.toString('latin1'), made.contentType]).toEqual(['a,b\n\n\xff', 'text/csv']);
  });

  test('has gone as far as the one that has gone farthest, and has no id of any', async () => {
    const hops = [undefined, 3, '5'].map((count, i) =>
      make(i, { headers: [['mqf-id', 'same'], ...(count === undefined ? [] : [['mqf-hops', count] as const])] }),
    );
    const { made } = await groupOf(hops);
    expect([made.header('mqf-hops'), made.header('mqf-id')]).toEqual([5, undefined]);
  });

  test('has no part of a message that is no JSON, which fails', async () => {
    const odd = new Message({ body: Buffer.from('{') });
    const { out, failed } = await throughStage('- aggregate: { count: 2, after: 1s }', [
      make(1),
      odd,
      new Message({ body: null }),
      make(2),
    ]);
    expect(out.map((message) => message.json())).toEqual([[1, 2]]);
    expect(failed.map(([, error]) => [error.code, error.message])).toEqual([
      ['STEP_FAILED', 'aggregate: the body is not JSON'],
      ['STEP_FAILED', 'aggregate: a tombstone has no JSON'],
    ]);
  });
});

test.each([
  ['- aggregate: {}', /nothing but its bytes completes a group/],
  ['- aggregate: { count: 0 }', /whole number from 1/],
  ['- aggregate: { count: many }', /whole number from 1/],
  ['- aggregate: { count: 2, when: body.n + 1 }', /true or false/],
  ['- aggregate: { count: 2, into: csv }', /list/],
])('%s is wrong', async (yaml, sentence) => {
  expect((await problemsOf(yaml)).join('\n')).toMatch(sentence);
});
