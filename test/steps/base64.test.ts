import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Message } from '../../src/message.ts';
import { run, step } from './run.ts';

const encode = step('base64', 'encode');
const decode = step('base64', 'decode');

test('what base64 has written it reads again, bit by bit', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const message = new Message({ body: Buffer.from(bytes), contentType: 'application/x' });
      const written = run(encode, [message]).out as Message[];
      expect(written[0]?.body?.toString()).toBe(Buffer.from(bytes).toString('base64'));
      expect(run(decode, written).out[0]).toMatchObject({ body: message.body, contentType: 'application/x' });
    }),
  );
});

test.each([
  ['YWI=', 'ab'],
  ['YWI', 'ab'],
  ['YW\r\nI=\n', 'ab'],
  ['_-8=', Buffer.from([0xff, 0xef])],
  ['', ''],
])('base64 reads %j', (text, expected) => {
  expect(run(decode, [new Message({ body: Buffer.from(text) })]).out[0]?.body).toEqual(Buffer.from(expected as string));
});

test.each(['Y', 'YWI=x', 'YW I=', 'YWI==', '====', '\xff', 'é', '{"a":1}', 'YWJj='])('base64 refuses %j', (text) => {
  const message = new Message({ body: Buffer.from(text, 'latin1') });
  const { failed } = run(decode, [message]);
  expect(failed[0]?.[0]).toBe(message);
  expect(failed[0]?.[1]).toMatchObject({ code: 'DECODE_FAILED', message: 'base64: the body is not base64' });
});

test('a tombstone stays one', () => {
  const message = new Message({ body: null });
  expect([run(encode, [message]).out[0], run(decode, [message]).out[0]]).toEqual([message, message]);
});
