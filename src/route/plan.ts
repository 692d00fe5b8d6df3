/** What a compiled route tells the engine to do. */
import { isDeadDisk } from '../config/dead-disk.ts';
import type { ErrorRuleModel, RouteModel } from '../config/model.ts';
import type { Log, SinkEnd, SourceEnd } from '../connector.ts';
import type { BufferPlan, DeadStore, PumpPlan, QuarantinePlan, RoutePlan, SinkPlan, TapPlan } from '../engine/plan.ts';
import { type CopyIds, copyIds, inbound, keepMeant, outbound, takeMeant } from '../envelope.ts';
import type { MqferryError } from '../errors.ts';
import { attachError } from '../expr/index.ts';
import { Message } from '../message.ts';
import { type AnyStep, aroundBuffer } from '../steps/index.ts';
import type { CompiledSink } from './ends.ts';
import { remedies } from './remedies.ts';
import { type CompileSteps, type Sharing, shareBehind } from './share.ts';
import type { CompiledTap } from './taps.ts';

/** An open buffer: its near side is written, its far side read. */
export interface OpenBuffer extends BufferPlan {
  readonly near: SinkEnd;
  readonly far: SourceEnd;
}

/** Of a route, made and not connected. */
interface Pieces {
  readonly model: RouteModel;
  readonly source: SourceEnd;
  readonly sinks: readonly CompiledSink[];
  readonly deadLetters: readonly CompiledSink[];
  readonly deadStore: DeadStore | undefined;
  readonly taps: readonly CompiledTap[];
  readonly shared: Sharing;
  readonly compileSteps: CompileSteps;
  readonly log: Log;
}

/** Without a buffer one pump, with one two. */
export function planOf(pieces: Pieces, buffer: OpenBuffer | undefined, quarantine: QuarantinePlan | undefined): RoutePlan {
  const { model, source, shared, compileSteps, log } = pieces;
  const places = buffer ? [source.can.stableIds, buffer.far.can.stableIds] : [source.can.stableIds];
  const sinks = pieces.sinks.map((sink, i) => sinkPlan(sink, model, places, i));
  const deadLetters = pieces.deadLetters.map((sink) => deadLetterPlan(sink, model, places));
  const receive = inbound(model.source.trusted ?? false, source.can.carries);
  const common = {
    name: model.name,
    order: model.order,
    window: model.window,
    retry: (model.onError.at(-1) as ErrorRuleModel).retry,
    deadLetters,
    ...(pieces.deadStore && { deadStore: pieces.deadStore }),
    taps: pieces.taps.map((tap, i) => tapPlan(tap, model, places, i)),
    remedy: remedies(model, deadLetters),
    attachError: (letter: Message, { code, message }: MqferryError, attempts: number) => attachError(letter, { code, message, attempts }),
    ...(quarantine && { quarantine }),
    log,
  } as const;
  if (!buffer) {
    const last = shareAfter(compileSteps(model.steps), model.steps.length > 0, shared);
    return { ...common, pumps: [{ name: model.name, source, inbound: receive, ...last, sinks }] };
  }
  const near: SinkPlan = { name: 'buffer', end: buffer.near, outbound: keepMeant };
  const { before, behind } = aroundBuffer(model.steps);
  const steps = compileSteps(before);
  const toBuffer = shareBehind(steps, { share: (messages) => [messages] });
  const last = shareAfter(compileSteps(behind), behind.length > 0, shared);
  return {
    ...common,
    pumps: [
      { name: model.name, source, inbound: receive, share: toBuffer, isStraight: before.length === 0, sinks: [near] },
      { name: 'buffer', source: buffer.far, inbound: takeMeant, ...last, sinks, enteredAt: () => 'buffer' },
    ],
    buffer,
  };
}

function shareAfter(steps: AnyStep, hasSteps: boolean, shared: Sharing): Pick<PumpPlan, 'share' | 'isStraight'> {
  if (!hasSteps) return shared;
  return { share: shareBehind(steps, shared), isStraight: false };
}

type Places = readonly (readonly string[])[];

/** Its ids are not those of the route's sinks: a copy is a message of its own, also where both end in one place. */
function tapPlan({ step, ...tap }: CompiledTap, route: RouteModel, places: Places, index: number): TapPlan {
  const { maxMessages, maxBytes } = step.value as { maxMessages: number; maxBytes: number };
  const prefix = `${route.name}.tap${index + 1}`;
  return { step, sink: plainPlan(tap, prefix, route, places), limit: { messages: maxMessages, bytes: maxBytes } };
}

/** Of several sinks, each but the first has a number in its ids: what a `switch` or a recipient list makes of one message for two sinks are two messages. */
function sinkPlan(sink: CompiledSink, route: RouteModel, places: Places, index: number): SinkPlan {
  return plainPlan(sink, index === 0 ? route.name : `${route.name}.${index + 1}`, route, places);
}

function plainPlan({ name, end, model }: CompiledSink, prefix: string, route: RouteModel, places: Places): SinkPlan {
  const copyId = copyIdsOf(prefix, route, places);
  return {
    name,
    end,
    outbound: translated(outbound(end.can.carries, model.onUnmappable ?? 'envelope', { maxHops: route.maxHops, copyId })),
    breaker: model.breaker,
  };
}

/**
 * Counts hops and sets no limit: what has gone too far ends here, and must not stop the route. A letter on disk has not left the route: no hop.
 */
function deadLetterPlan({ name, end, model }: CompiledSink, route: RouteModel, places: Places): SinkPlan {
  const copyId = copyIdsOf(route.name, route, places);
  const hops = isDeadDisk(model) ? {} : { maxHops: Number.POSITIVE_INFINITY };
  return {
    name,
    end,
    outbound: translated(outbound(end.can.carries, model.onUnmappable ?? 'envelope', { ...hops, copyId })),
    breaker: model.breaker,
  };
}

/** A topic or key made of a property must not miss it because the target has no slot for it: the settings of a sink see the message as it was. */
function translated(translate: SinkPlan['outbound']): SinkPlan['outbound'] {
  return (message) => {
    const own = translate(message);
    return own instanceof Message && own !== message ? own.standFor(message) : own;
  };
}

function copyIdsOf(prefix: string, { mqfId }: RouteModel, places: Places): CopyIds {
  return copyIds(prefix, mqfId ? places.filter((names) => names.length > 0) : []);
}
