/** The steps a config may name. */
import { base64 } from './base64.ts';
import { cloudEvents } from './cloud-events.ts';
import { compress } from './compress.ts';
import { decode } from './decode.ts';
import { decompress } from './decompress.ts';
import { drop } from './drop.ts';
import { encode } from './encode.ts';
import { enrich } from './enrich.ts';
import { envelope } from './envelope.ts';
import { expire } from './expire.ts';
import { filter } from './filter.ts';
import { js } from './js.ts';
import { limitSize } from './limit-size.ts';
import { log } from './log.ts';
import { map } from './map.ts';
import { remove } from './remove.ts';
import { rename } from './rename.ts';
import { sample } from './sample.ts';
import { set } from './set.ts';
import { split } from './split.ts';
import type { StepKind } from './step.ts';
import { tap } from './tap.ts';
import { throttle } from './throttle.ts';
import { unwrap } from './unwrap.ts';
import { validate } from './validate.ts';

export const stepKinds: Readonly<Record<string, StepKind>> = {
  filter,
  set,
  remove,
  rename,
  map,
  split,
  decode,
  encode,
  base64,
  compress,
  decompress,
  enrich,
  validate,
  cloudEvents,
  envelope,
  unwrap,
  js,
  expire,
  limitSize,
  sample,
  throttle,
  drop,
  log,
  tap,
};

/**
 * Steps before and behind a buffer: the first step that makes many of one, or waits, stands behind it, and so do those after it. The buffer holds
 * the whole, so that the parts have one fate and the books count what was read; and it takes in what comes while a step waits.
 */
export function aroundBuffer<S extends { readonly name: string }>(
  steps: readonly S[],
): { readonly before: readonly S[]; readonly behind: readonly S[] } {
  const first = steps.findIndex(({ name }) => stepKinds[name]?.behindBuffer);
  return first < 0 ? { before: steps, behind: [] } : { before: steps.slice(0, first), behind: steps.slice(first) };
}

export { type AnyStep, chain, type StepContext, type StepKind } from './step.ts';
