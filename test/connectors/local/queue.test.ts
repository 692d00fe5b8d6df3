import { afterEach, describe, expect, test } from 'vitest';
import { LocalQueue, localQueue, resetLocalQueues } from '../../../connectors/local/queue.ts';
import { localSink } from '../../../connectors/local/sink.ts';
import { localSource } from '../../../connectors/local/source.ts';
import { Message } from '../../../src/connector.ts';

const never = new AbortController().signal;
const messages = (...texts: string[]) => texts.map((text) => new Message({ body: Buffer.from(text) }));
const texts = (got: readonly { readonly message: Message }[]) => got.map(({ message }) => String(message.body));

afterEach(resetLocalQueues);

describe('a full queue', () => {
  test('lets messages in one by one as others are settled, in the order of the writes', async () => {
    const queue = new LocalQueue('q');
    const done: string[] = [];
    void queue.put(messages('a', 'b', 'c'), 2, {}).then(() => done.push('first'));
    void queue.put(messages('d'), 2, {}).then(() => done.push('second'));
    expect(queue.depth).toBe(2);
    expect(texts(queue.take({ messages: 10, bytes: 1000 }))).toEqual(['a', 'b']);
    expect(queue.depth).toBe(2); // handed out is not settled
    queue.settle(1);
    await new Promise(setImmediate);
    expect(done).toEqual(['first']);
    queue.settle(1);
    await new Promise(setImmediate);
    expect(done).toEqual(['first', 'second']);
    expect(texts(queue.take({ messages: 10, bytes: 1000 }))).toEqual(['c', 'd']);
  });

  test('ends a write that waits when its sink is closed; the others go on', async () => {
    const queue = localQueue('q');
    const sink = localSink('q', 1);
    const other = localSink('q', 2);
    await sink.write(messages('a'));
    const waiting = sink.write(messages('b'));
    const next = other.write(messages('c'));
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'NOT_CONNECTED' }), sink.close()]);
    await next;
    expect(texts(queue.take({ messages: 10, bytes: 1000 }))).toEqual(['a', 'c']);
  });
});

describe('two readers', () => {
  test('share a queue; what one leaves unacked comes to the other at its old place', async () => {
    await localSink('q', 100).write(messages('a', 'b', 'c', 'd'));
    const one = localSource('q');
    const two = localSource('q');
    const first = await one.read({ messages: 2, bytes: 1000 }, never);
    const second = await two.read({ messages: 1, bytes: 1000 }, never);
    expect(second?.messages.map((message) => String(message.body))).toEqual(['c']);
    await one.close();
    first?.ack(); // void
    const rest = await two.read({ messages: 10, bytes: 1000 }, never);
    expect(rest?.messages.map((message) => String(message.body))).toEqual(['a', 'b', 'd']);
  });
});

test('a message that goes through is a message in its own right', async () => {
  const original = new Message({
    body: Buffer.from('a'),
    lane: 'theirs',
    origin: { topic: 't' },
    fault: new Error('x'),
    id: '1',
    headers: [['h', 5]],
  });
  await localSink('q', 1).write([original.change({ priority: 3 })]);
  const got = (await localSource('q').read({ messages: 1, bytes: 1 }, never))?.messages[0] as Message;
  expect(got).toMatchObject({
    id: '1',
    priority: 3,
    headers: [['h', 5]],
    lane: 'q',
    origin: { queue: 'q', position: 1 },
    fault: undefined,
  });
  expect(got.received).toBe(got);
});
