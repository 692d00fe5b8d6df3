/** The steps a config may name. */
import { aggregate } from './aggregate.ts';
import { base64 } from './base64.ts';
import { claimCheck } from './claim-check.ts';
import { cloudEvents } from './cloud-events.ts';
import { compress } from './compress.ts';
import { decode } from './decode.ts';
import { decompress } from './decompress.ts';
import { dedupe } from './dedupe.ts';
import { delay } from './delay.ts';
import { drop } from './drop.ts';
import { encode } from './encode.ts';
import { enrich } from './enrich.ts';
import { envelope } from './envelope.ts';
import { expire } from './expire.ts';
import { filter } from './filter.ts';
import { join } from './join.ts';
import { js } from './js.ts';
import { limitSize } from './limit-size.ts';
import { log } from './log.ts';
import { map } from './map.ts';
import { remove } from './remove.ts';
import { rename } from './rename.ts';
import { reply } from './reply.ts';
import { request } from './request.ts';
import { resequence } from './resequence.ts';
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
  dedupe,
  claimCheck,
  delay,
  aggregate,
  join,
  resequence,
  request,
  reply,
  drop,
  log,
  tap,
};

export { type AnyStep, chain, type StepContext, type StepKind } from './step.ts';
