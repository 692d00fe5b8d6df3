/** Where messages of a route wait that are to be tried again later: beside each of its pumps, on disk. */
import type { Keeper } from '../buffer/stage/keeper.ts';
import type { StageOptions } from '../buffer/stage/stage.ts';
import type { RouteModel } from '../config/model.ts';
import { waitOf } from '../engine/later.ts';
import { delayed } from '../steps/delayed.ts';
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
  return delayed({ note: (message) => String(waitOf(message)), dueOf: ({ at, note }) => at + Number(note), nowOf: ({ stage }) => stage });
}
