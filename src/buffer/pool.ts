/** What a queue of many readers hands out next: of those with the highest priority, the one that came first. */

import type { Message } from '../message.ts';
import { DueHeap } from '../steps/due-heap.ts';
import type { Keeper } from './stage/keeper.ts';

export function poolKeeper(): Keeper {
  const waiting = new DueHeap();
  return {
    decides: false,
    note: ({ priority }) => String(priority ?? 0),
    add: ({ id, note }) => waiting.push(-Number(note), id),
    take() {
      const id = waiting.takeDue(Number.POSITIVE_INFINITY);
      return id === undefined ? undefined : { members: [id], why: '' };
    },
    waitMs: () => (waiting.nextMs === undefined ? undefined : 0),
    make: ([message]) => message as Message,
    failed: ([message]) => message as Message,
  };
}
