/** The steps a config may name. */
import { drop } from './drop.ts';
import { filter } from './filter.ts';
import { log } from './log.ts';
import { map } from './map.ts';
import { remove } from './remove.ts';
import { set } from './set.ts';
import type { StepKind } from './step.ts';

export const stepKinds: Readonly<Record<string, StepKind>> = { filter, set, remove, map, drop, log };

export { chain, type Step, type StepKind } from './step.ts';
