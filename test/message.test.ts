import { describe, expect, test } from 'vitest';
import { Message } from '../src/message.ts';

const json = (value: unknown) =>
  new Message({ body: Buffer.from(JSON.stringify(value)), key: Buffer.from('k'), id: 'a', headers: [['h', 1]] });

describe('change', () => {
  test('makes a copy that knows what was received, and leaves the message as it was', () => {
    const message = json({ a: 1 });
    const changed = message.change({ id: 'b' }).change({ headers: [] });
    expect([message.id, message.headers.length]).toEqual(['a', 1]);
    expect([changed.id, changed.headers.length, String(changed.key)]).toEqual(['b', 0, 'k']);
    expect(changed.received).toBe(message);
    expect(changed.body).toBe(message.body);
  });

  test('of the JSON writes the bytes only when they are asked for', () => {
    const changed = json({ a: 1 })
      .change({ json: { a: 2 } })
      .change({ id: 'c' });
    expect(changed.json()).toEqual({ a: 2 });
    expect(String(changed.body)).toBe('{"a":2}');
  });

  test('of the body forgets the JSON', () => {
    const message = json({ a: 1 });
    message.json();
    expect(message.change({ body: Buffer.from('[]') }).json()).toEqual([]);
    expect(message.change({ body: null }).body).toBeNull();
  });

  test('can be made the received one', () => {
    const changed = json({ a: 1 }).change({ json: { a: 2 } });
    const own = changed.asReceived();
    expect(own.received).toBe(own);
    expect(String(own.body)).toBe('{"a":2}');
  });
});

test('a tombstone is not empty', () => {
  expect(new Message({ body: null }).body).toBeNull();
  expect(new Message({ body: null }).json()).toBeNull();
  expect(new Message({ body: Buffer.alloc(0) }).body).toHaveLength(0);
});

test('a body that is not JSON says so each time', () => {
  const message = new Message({ body: Buffer.from('{') });
  expect(() => message.json()).toThrow(SyntaxError);
  expect(() => message.json()).toThrow(SyntaxError);
});
