import { expect, test } from 'vitest';
import { RecentMessages } from '../../../src/buffer/stage/recent-messages.ts';
import { Message } from '../../../src/message.ts';

const message = (bytes: number) => new Message({ body: Buffer.alloc(bytes) });
const size = message(100).bytes;

function holds(recent: RecentMessages, ids: number): number[] {
  return Array.from({ length: ids }, (_, id) => id).filter((id) => recent.get(id) !== undefined);
}

test('holds those that came last, at least half of what it may and never more', () => {
  const recent = new RecentMessages(10 * size);
  for (let id = 0; id < 1000; id++) {
    recent.add(id, message(100));
    const held = holds(recent, id + 1);
    expect(held).toEqual(Array.from({ length: held.length }, (_, i) => id - held.length + 1 + i));
    expect(held.length).toBeLessThanOrEqual(10);
    expect(held.length).toBeGreaterThanOrEqual(Math.min(id + 1, 5));
  }
});

test('forgets what has left, in either generation, and never holds what is too large', () => {
  const recent = new RecentMessages(4 * size);
  for (let id = 0; id < 4; id++) recent.add(id, message(100));
  recent.forget(0);
  recent.forget(3);
  recent.add(4, message(1000));
  expect(holds(recent, 5)).not.toContain(4);
  expect(holds(recent, 4).every((id) => id === 1 || id === 2)).toBe(true);
});
