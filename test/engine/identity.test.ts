import { describe, expect, test } from 'vitest';
import { identityOf } from '../../src/engine/identity.ts';
import { type HeaderValue, Message, type MessageInit } from '../../src/message.ts';

const plain: MessageInit = {
  body: Buffer.from('{"n":1}'),
  key: Buffer.from('k'),
  headers: [['a', 'b']],
  id: 'x',
  origin: { topic: 't', redelivered: false },
};
const idOf = (more: Partial<MessageInit> = {}, stableIds: readonly string[] = []) =>
  identityOf(new Message({ ...plain, ...more }), stableIds);

describe('a message is known by', () => {
  test('its place where the source names one that is the same in each copy, and by nothing else', () => {
    const origin = { topicId: 'abc', partition: 3, offset: 17 };
    const names = ['topicId', 'partition', 'offset'];
    expect(idOf({ origin }, names)).toBe('abc/3/17');
    expect(idOf({ origin, body: Buffer.from('other') }, names)).toBe('abc/3/17');
    expect(idOf({ origin: { ...origin, offset: 18 } }, names)).not.toBe('abc/3/17');
  });

  test('what it is, when part of its place is missing', () => {
    expect(idOf({ origin: { topic: 't', topicId: null } }, ['topicId'])).toBe(idOf());
    expect(idOf()).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each<[string, Partial<MessageInit>]>([
    ['body', { body: Buffer.from('{"n":2}') }],
    ['key', { key: null }],
    ['headers', { headers: [['a', 'c']] }],
    ['type of a header', { headers: [['a', Buffer.from('b')]] }],
    ['id', { id: 'y' }],
    ['correlation id', { correlationId: 'c' }],
    ['content type', { contentType: 'text/plain' }],
    ['topic', { origin: { topic: 'u' } }],
  ])('its %s', (_, more) => {
    expect(idOf(more)).not.toBe(idOf());
  });

  test.each<[string, Partial<MessageInit>]>([
    ['how it was handed over', { origin: { topic: 't', redelivered: true, messageId: 'of this session' } }],
    [
      'how often',
      {
        headers: [
          ['a', 'b'],
          ['x-delivery-count', 3],
        ],
      },
    ],
    ['when', { timestamp: 5, expiresAt: 9 }],
    ['the session it came by', { lane: 'session 2' }],
  ])('not by %s', (_, more) => {
    expect(idOf(more)).toBe(idOf());
  });
});

test('one that nothing can write has an identity, too', () => {
  let deep: HeaderValue = 'x';
  for (let i = 0; i < 300; i++) deep = [deep];
  const strange = { headers: [['a', deep] as const] };
  expect(idOf(strange)).toBe(idOf(strange));
  expect(idOf(strange)).not.toBe(idOf({ ...strange, body: Buffer.from('other') }));
});
