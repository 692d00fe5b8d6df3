import { expect, test } from 'vitest';
import { Inbox } from '../src/inbox.ts';

const never = new AbortController().signal;
const roomy = { messages: 100, bytes: 100 };
const numbers = (...items: number[]) => {
  const inbox = new Inbox<number>((item) => item);
  for (const item of items) inbox.push(item);
  return inbox;
};

test('gives what is waiting, in order, at most the room and at least one', async () => {
  const inbox = numbers(1, 2, 3, 500, 4);
  expect(await inbox.take({ messages: 2, bytes: 100 }, never)).toEqual([1, 2]);
  expect(await inbox.take({ messages: 9, bytes: 2 }, never)).toEqual([3]);
  expect(await inbox.take({ messages: 1, bytes: 1 }, never)).toEqual([500]);
  expect(await inbox.take(roomy, never)).toEqual([4]);
  expect(inbox.length).toBe(0);
});

test('waits for the next item', async () => {
  const inbox = numbers();
  const taken = inbox.take(roomy, never);
  inbox.push(7);
  expect(await taken).toEqual([7]);
});

test('ends a waiting take with null on abort, and can be taken from again', async () => {
  const inbox = numbers();
  const stop = new AbortController();
  const taken = inbox.take(roomy, stop.signal);
  stop.abort();
  expect(await taken).toBeNull();
  inbox.push(1);
  expect(await inbox.take(roomy, never)).toEqual([1]);
});

test('hands out what is left when it ended, then null; after an error only the error', async () => {
  const inbox = numbers(1);
  inbox.end();
  inbox.push(2);
  expect(await inbox.take(roomy, never)).toEqual([1]);
  expect(await inbox.take(roomy, never)).toBeNull();
  const broken = numbers(1);
  broken.end(new Error('gone'));
  await expect(broken.take(roomy, never)).rejects.toThrow('gone');
});
