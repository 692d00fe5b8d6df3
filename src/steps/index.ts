/** The steps a config may name. */
import { base64 } from './base64.ts';
import { drop } from './drop.ts';
import { expire } from './expire.ts';
import { filter } from './filter.ts';
import { limitSize } from './limit-size.ts';
import { log } from './log.ts';
import { map } from './map.ts';
import { remove } from './remove.ts';
import { rename } from './rename.ts';
import { sample } from './sample.ts';
import { set } from './set.ts';
import type { StepKind } from './step.ts';

export const stepKinds: Readonly<Record<string, StepKind>> = {
  filter,
  set,
  remove,
  rename,
  map,
  base64,
  expire,
  limitSize,
  sample,
  drop,
  log,
};

export { chain, type Step, type StepKind } from './step.ts';
