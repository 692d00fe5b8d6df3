/** Where messages of a route wait that are to be tried again later: beside each of its pumps, on disk. */
import type { Keeper } from '../buffer/stage/keeper.ts';
import type { StageOptions } from '../buffer/stage/stage.ts';
import type { RouteModel } from '../config/model.ts';
import { waitOf } from '../engine/later.ts';
import type { Message } from '../message.ts';
import { DueHeap } from '../steps/due-heap.ts';
import { keepsForLater } from './remedies.ts';
import { sectionsOf } from './sections.ts';

export const laterOptions: StageOptions = { maxBytes: 1024 * 1024 * 1024, maxMessages: 10_000_000 };

/** By pump, their names, which are also those of their directories: that of the first is `retry`, the others say what they stand behind. */
export function laterNames(model: RouteModel): readonly string[] {
  if (!keepsForLater(model)) return [];
  const sections = sectionsOf(model);
  return sections.map((_, i) => (i === 0 ? 'retry' : `retry-${sections[i - 1]?.into?.name}`));
}

/** Each leaves when its time is over. */
export function laterKeeper(): Keeper {
  const waiting = new DueHeap();
  return {
    decides: false,
    note: (message) => String(waitOf(message)),
    add: ({ id, note, at }) => waiting.push(at + Number(note), id),
    take({ stage }) {
      const id = waiting.takeDue(stage);
      return id === undefined ? undefined : { members: [id], why: '' };
    },
    waitMs: ({ stage }) => (waiting.nextMs === undefined ? undefined : waiting.nextMs - stage),
    make: ([message]) => message as Message,
    failed: ([message]) => message as Message,
  };
}
