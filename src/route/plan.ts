/** What a compiled route tells the engine to do. */
import { isDeadDisk } from '../config/dead-disk.ts';
import type { ErrorRuleModel, RouteModel, StepModel } from '../config/model.ts';
import type { Log, SinkEnd, SourceEnd } from '../connector.ts';
import type { DeadStore, PumpPlan, QuarantinePlan, RoutePlan, SinkPlan, StorePlan, TapPlan } from '../engine/plan.ts';
import { type CopyIds, copyIds, inbound, keepMeant, outbound, takeMeant } from '../envelope.ts';
import type { MqferryError } from '../errors.ts';
import { attachError } from '../expr/index.ts';
import { Message } from '../message.ts';
import type { Around } from '../steps/around.ts';
import type { AnyStep } from '../steps/index.ts';
import type { CompiledSink } from './ends.ts';
import { remedies } from './remedies.ts';
import { sectionsOf } from './sections.ts';
import { type CompileSteps, type Sharing, shareBehind } from './share.ts';
import type { CompiledTap } from './taps.ts';

/** What stands between two pumps, opened: its near side is written, its far side read. */
export interface OpenStore extends StorePlan {
  readonly near: SinkEnd;
  readonly far: SourceEnd;
}

/** The steps of a route that stand around what is behind them, opened. */
export type NamedArounds = ReadonlyMap<StepModel, Around & { readonly name: string }>;

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

/** What the plan of a route keeps things in. */
interface Opened {
  /** Between a pump and the next. */
  readonly stores: readonly OpenStore[];
  /** By pump: for what is tried again later. None where nothing is. */
  readonly laters: readonly OpenStore[];
  readonly arounds: NamedArounds;
}

/** A pump for each section of the route. */
export function planOf(pieces: Pieces, opened: Opened, quarantine: QuarantinePlan | undefined): RoutePlan {
  const { stores, arounds } = opened;
  const { model, source, log } = pieces;
  const places = placesOf(source, stores);
  const deadLetters = pieces.deadLetters.map((sink) => deadLetterPlan(sink, model, places));
  return {
    name: model.name,
    pumps: pumpsOf(pieces, opened, places),
    stores,
    memories: [...arounds.values()],
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
  };
}

/**
 * Where copies are known by. Behind a stage by their place in it before all others: several messages in it may have come of one, and one may
 * have come of several.
 */
function placesOf(source: SourceEnd, stores: readonly OpenStore[]): Places {
  const stage = stores.findLast(({ kind }) => kind === 'stage');
  const buffers = stores.filter(({ kind }) => kind === 'buffer');
  return [...(stage ? [stage.far] : []), source, ...buffers.map(({ far }) => far)].map(({ can }) => can.stableIds);
}

function pumpsOf(pieces: Pieces, { stores, laters, arounds }: Opened, places: Places): RoutePlan['pumps'] {
  const { model, source, sinks, shared, compileSteps } = pieces;
  const sinkPlans = sinks.map((sink, i) => sinkPlan(sink, model, places, i));
  const pumps = sectionsOf(model).map(({ steps }, i): PumpPlan => {
    const [before, behind] = [stores[i - 1], stores[i]];
    const own = { later: laters[i] };
    const way = before
      ? { ...own, name: before.name, source: before.far, inbound: takeMeant, enteredAt: () => before.name }
      : { ...own, name: model.name, source, inbound: inbound(model.source.trusted ?? false, source.can.carries) };
    const compiled = compileSteps(steps, arounds);
    const around = (plans: readonly SinkPlan[]) => surrounded(plans, steps, arounds);
    if (!behind) return { ...way, ...shareAfter(compiled, steps.length > 0, shared), sinks: around(sinkPlans) };
    const share = shareBehind(compiled, { share: (messages) => [messages] });
    const sink = { name: behind.name, end: behind.near, outbound: keepMeant };
    return { ...way, share, isStraight: steps.length === 0, sinks: around([sink]) };
  });
  return pumps as [PumpPlan, ...PumpPlan[]];
}

/** The sinks, with what stands around them: the step that comes last is the innermost. */
function surrounded(sinks: readonly SinkPlan[], steps: readonly StepModel[], arounds: NamedArounds): readonly SinkPlan[] {
  const own = steps.flatMap((step) => arounds.get(step) ?? []);
  if (own.length === 0) return sinks;
  return sinks.map((sink, i) => ({ ...sink, around: (end) => own.reduceRight((rest, one) => one.around(rest, i, sinks.length), end) }));
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
