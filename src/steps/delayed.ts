/** What keeps each message until its time. */
import type { Keeper, Kept, Release, StageTime } from '../buffer/stage/keeper.ts';
import type { Message } from '../message.ts';
import { DueHeap } from './due-heap.ts';

export interface Way {
  note(message: Message): string;
  dueOf(kept: Kept): number;
  nowOf(time: StageTime): number;
}

/** Each message leaves alone, as it came. */
export function delayed({ note, dueOf, nowOf }: Way): Keeper {
  const waiting = new DueHeap();
  return {
    decides: false,
    note,
    add: (kept) => waiting.push(dueOf(kept), kept.id),
    take(time): Release | undefined {
      const id = waiting.takeDue(nowOf(time));
      return id === undefined ? undefined : { members: [id], why: '' };
    },
    waitMs: (time) => (waiting.nextMs === undefined ? undefined : waiting.nextMs - nowOf(time)),
    make: ([message]) => message as Message,
    failed: ([message]) => message as Message,
  };
}
