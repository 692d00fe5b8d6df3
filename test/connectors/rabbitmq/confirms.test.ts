import { describe, expect, test } from 'vitest';
import { Confirms } from '../../../connectors/rabbitmq/confirms.ts';
import { type Message, MqferryError, type Refusal } from '../../../src/connector.ts';
import { errorOf, message } from './ends.ts';

const unroutable = new MqferryError('UNROUTABLE', 'no queue');

function write(confirms: Confirms, names: readonly string[]) {
  const begun = confirms.begin(0);
  for (const name of names) confirms.published(message(name), 'k', begun.write);
  confirms.seal(begun.write);
  const state: { refused?: string[] } = {};
  const done = begun.promise.then((refusals) => {
    state.refused = refusals.map(nameOf);
  });
  return { state, done, promise: begun.promise };
}

const nameOf = ({ message: { body } }: Refusal | { message: Message }) => String(body);
const turn = () => new Promise(setImmediate);

describe('a write', () => {
  test('ends with its last confirm, whatever the order', async () => {
    const confirms = new Confirms();
    const first = write(confirms, ['a', 'b', 'c']);
    const second = write(confirms, ['d']);
    confirms.settle(4, false, false);
    await second.done;
    confirms.settle(3, false, false);
    confirms.settle(1, false, false);
    await turn();
    expect(first.state.refused).toBeUndefined();
    confirms.settle(2, false, false);
    await first.done;
    expect([first.state.refused, second.state.refused, confirms.count]).toEqual([[], [], 0]);
  });

  test('is confirmed by one ack for many, over several writes and after single ones', async () => {
    const confirms = new Confirms();
    const writes = [write(confirms, ['a', 'b']), write(confirms, ['c']), write(confirms, ['d', 'e'])];
    confirms.settle(2, false, false);
    confirms.settle(4, true, false);
    confirms.settle(4, true, false);
    await Promise.all([writes[0]!.done, writes[1]!.done]);
    expect(confirms.count).toBe(1);
    expect(writes[2]!.state.refused).toBeUndefined();
    confirms.settle(5, true, false);
    await writes[2]!.done;
  });

  test('keeps its numbers over many thousands', async () => {
    const confirms = new Confirms();
    const open = write(confirms, ['first']);
    for (let i = 0; i < 10_000; i++) {
      const { done } = write(confirms, ['x']);
      confirms.settle(i + 2, false, false);
      await done;
    }
    confirms.settle(1, false, false);
    await open.done;
    const late = write(confirms, ['y']);
    confirms.settle(10_002, true, false);
    await late.done;
    expect(confirms.count).toBe(0);
  });

  test('of nothing ends at once', async () => {
    await write(new Confirms(), []).done;
  });

  test('returns what was nacked, and only that', async () => {
    const confirms = new Confirms();
    const some = write(confirms, ['a', 'b', 'c']);
    confirms.settle(2, false, true);
    confirms.settle(3, true, false);
    await some.done;
    expect(some.state.refused).toEqual(['b']);
  });

  test('fails with the link when it has not ended, once', async () => {
    const confirms = new Confirms();
    const ended = write(confirms, ['a']);
    const open = write(confirms, ['b', 'c']);
    confirms.settle(2, true, false);
    confirms.fail(new Error('cut'));
    await ended.done;
    open.done.catch(() => {});
    expect((await errorOf(open.promise)).message).toBe('cut');
    confirms.settle(3, true, false);
  });

  test('confirms of numbers never given are ignored', async () => {
    const confirms = new Confirms();
    const one = write(confirms, ['a']);
    confirms.settle(7, false, false);
    confirms.settle(0, false, false);
    await turn();
    expect(one.state.refused).toBeUndefined();
    confirms.settle(9, true, false);
    await one.done;
  });
});

describe('a return', () => {
  const named = (name: string) => (entry: { message: Message }) => nameOf(entry) === name;

  test('belongs to the first that looks like it and has not been returned', async () => {
    const confirms = new Confirms();
    const some = write(confirms, ['x', 'y', 'x', 'y']);
    expect(confirms.returned(unroutable, named('y'))).toBe(true);
    expect(confirms.returned(unroutable, named('y'))).toBe(true);
    expect(confirms.returned(unroutable, named('y'))).toBe(false);
    confirms.settle(4, true, false);
    await some.done;
    expect(some.state.refused).toEqual(['y', 'y']);
  });

  test('is never looked for among those that were confirmed before', async () => {
    const confirms = new Confirms();
    const first = write(confirms, ['x']);
    confirms.settle(1, true, false);
    await first.done;
    const second = write(confirms, ['x']);
    expect(confirms.returned(unroutable, named('x'))).toBe(true);
    confirms.settle(2, false, false);
    await second.done;
    expect([first.state.refused, second.state.refused]).toEqual([[], ['x']]);
  });

  test('is still found after earlier ones and their numbers were forgotten', async () => {
    const confirms = new Confirms();
    for (let i = 1; i <= 3; i++) {
      const some = write(confirms, ['x', 'y']);
      expect(confirms.returned(unroutable, named('x'))).toBe(true);
      expect(confirms.returned(unroutable, named('y'))).toBe(true);
      confirms.settle(2 * i, true, false);
      await some.done;
      expect(some.state.refused).toEqual(['x', 'y']);
    }
  });

  test('counts once, even when the broker nacks it too', async () => {
    const confirms = new Confirms();
    const some = write(confirms, ['x']);
    confirms.returned(unroutable, named('x'));
    confirms.settle(1, false, true);
    await some.done;
    expect(some.state.refused).toEqual(['x']);
  });
});
