import type { BufferModel, EndModel, ErrorRuleModel, Problem, RouteModel, StepModel } from '../config/model.ts';
import type { EndContext, Log, Queue, QueueLimits, SinkEnd, SourceEnd } from '../connector.ts';
import type { BufferPlan, PumpPlan, RoutePlan, SinkPlan } from '../engine/plan.ts';
import { type CopyIds, copyIds, inbound, outbound } from '../envelope.ts';
import { MqferryError } from '../errors.ts';
import { attachError } from '../expr/index.ts';
import type { Message } from '../message.ts';
import { aroundBuffer, chain, type Step, type StepContext, stepKinds } from '../steps/index.ts';
import { keeps, keepsOrder, labelOf, type RouteLabel } from './label.ts';
import { deadEndsOf, remedies } from './remedies.ts';
import { type CompileSteps, type Sharing, sharing } from './share.ts';

/** An open buffer: its near side is written, its far side read. */
export interface OpenBuffer extends BufferPlan {
  readonly near: SinkEnd;
  readonly far: SourceEnd;
}

/** What a route needs of the process it runs in. */
export interface Surroundings {
  log(route: string): Log;
  /** Stable over restarts; `end` is `source`, `sink`, `sink2` ... */
  clientId(route: string, end: string): string;
  /** `prefetch`: acked positions that may be missing on disk, which a crash repeats. */
  openBuffer(route: string, model: BufferModel, log: Log, prefetch: number): Promise<OpenBuffer>;
  /** The durable queue of this name, one for all routes; opens nothing. Throws CONFIG_INVALID for a name that no queue can have. */
  queue(name: string, limits: QueueLimits): Queue;
  readonly signal: AbortSignal;
  /** Steps may run code that the config names. */
  readonly allowScripts: boolean;
}

/** A sink of a compiled route. */
export interface CompiledSink {
  readonly name: string;
  readonly model: EndModel;
  readonly end: SinkEnd;
}

/** A route whose parts are made but not connected. */
export interface CompiledRoute {
  readonly name: string;
  readonly model: RouteModel;
  readonly label: RouteLabel;
  readonly source: { readonly name: string; readonly model: EndModel; readonly end: SourceEnd };
  readonly sinks: readonly CompiledSink[];
  /** In the order of the entries of `onError`. */
  readonly deadLetters: readonly CompiledSink[];
  /** What the config asks for and the route cannot keep. */
  readonly problems: readonly Problem[];
  /** Opens the buffer, if there is one, and says how to run the route. */
  plan(): Promise<RoutePlan>;
}

const same = (message: Message) => message;

/** Makes the ends and the steps, and computes what the route keeps. Connects to nothing. */
export function compileRoute(model: RouteModel, around: Surroundings): CompiledRoute {
  const log = around.log(model.name);
  const context = (end: string): EndContext => ({
    route: model.name,
    window: model.window,
    log,
    get clientId() {
      return around.clientId(model.name, end); // only an end that has a session asks: then the data directory is made
    },
    signal: around.signal,
    queue: (name, limits) => around.queue(name, limits),
  });
  const compileSteps = (steps: readonly StepModel[]): Step => compileChain(steps, { log, allowScripts: around.allowScripts });
  const shared = sharing(model.sink, compileSteps);
  const source = { name: `source ${nameOf(model.source)}`, model: model.source, end: makeSource(model.source, context('source')) };
  const sinks = shared.ends.map((end, i) => makeSink(end, sinkName(shared.ends, i), context(i === 0 ? 'sink' : `sink${i + 1}`)));
  const deadEnds = deadEndsOf(model);
  const deadLetters = deadEnds.map((end, i) => makeSink(end, deadName(deadEnds, i), context(i === 0 ? 'dead' : `dead${i + 1}`)));
  const label = labelOf({
    source: { name: source.name, can: source.end.can },
    sinks: sinks.map(({ name, end }) => ({ name, can: end.can })),
    buffer: model.buffer,
    order: model.order,
    mqfId: model.mqfId,
  });
  return {
    name: model.name,
    model,
    label,
    source,
    sinks,
    deadLetters,
    problems: broken(model, label),
    plan: async () => planOf({ model, source: source.end, sinks, deadLetters, shared, compileSteps, around, log }),
  };
}

interface Pieces {
  readonly model: RouteModel;
  readonly source: SourceEnd;
  readonly sinks: readonly CompiledSink[];
  readonly deadLetters: readonly CompiledSink[];
  readonly shared: Sharing;
  readonly compileSteps: CompileSteps;
  readonly around: Surroundings;
  readonly log: Log;
}

async function planOf(pieces: Pieces): Promise<RoutePlan> {
  const { model, source, shared, compileSteps, around, log } = pieces;
  const buffer = model.buffer && (await around.openBuffer(model.name, model.buffer, log, model.window.messages));
  const places = buffer ? [source.can.stableIds, buffer.far.can.stableIds] : [source.can.stableIds];
  const sinks = pieces.sinks.map((sink, i) => sinkPlan(sink, model, places, i));
  const deadLetters = pieces.deadLetters.map((sink) => deadLetterPlan(sink, model, places));
  const receive = inbound(model.source.trusted ?? false);
  const common = {
    name: model.name,
    order: model.order,
    window: model.window,
    retry: (model.onError.at(-1) as ErrorRuleModel).retry,
    deadLetters,
    remedy: remedies(model, deadLetters),
    attachError: (letter: Message, { code, message }: MqferryError, attempts: number) => attachError(letter, { code, message, attempts }),
    log,
  } as const;
  if (!buffer) {
    const last = shareAfter(compileSteps(model.steps), model.steps.length > 0, shared);
    return { ...common, pumps: [{ name: model.name, source, inbound: receive, ...last, sinks }] };
  }
  const near: SinkPlan = { name: 'buffer', end: buffer.near, outbound: same };
  const { before, behind } = aroundBuffer(model.steps);
  const steps = compileSteps(before);
  const toBuffer: PumpPlan['share'] = (messages, aside) => [steps(messages, aside)];
  const last = shareAfter(compileSteps(behind), behind.length > 0, shared);
  return {
    ...common,
    pumps: [
      { name: model.name, source, inbound: receive, share: toBuffer, isStraight: before.length === 0, sinks: [near] },
      { name: 'buffer', source: buffer.far, inbound: same, ...last, sinks },
    ],
    buffer,
  };
}

function shareAfter(steps: Step, hasSteps: boolean, shared: Sharing): Pick<PumpPlan, 'share' | 'isStraight'> {
  if (!hasSteps) return shared;
  return { share: (messages, aside) => shared.share(steps(messages, aside), aside), isStraight: false };
}

type Places = readonly (readonly string[])[];

/** Of several sinks, each but the first has a number in its ids: what a `switch` makes of one message for two sinks are two messages. */
function sinkPlan({ name, end, model }: CompiledSink, route: RouteModel, places: Places, index: number): SinkPlan {
  const copyId = copyIdsOf(index === 0 ? route.name : `${route.name}.${index + 1}`, route, places);
  return { name, end, outbound: outbound(end.can.carries, model.onUnmappable ?? 'envelope', { maxHops: route.maxHops, copyId }) };
}

/** Counts hops and sets no limit: what has gone too far ends here, and must not stop the route. */
function deadLetterPlan({ name, end, model }: CompiledSink, route: RouteModel, places: Places): SinkPlan {
  const copyId = copyIdsOf(route.name, route, places);
  return {
    name,
    end,
    outbound: outbound(end.can.carries, model.onUnmappable ?? 'envelope', { maxHops: Number.POSITIVE_INFINITY, copyId }),
  };
}

function copyIdsOf(prefix: string, { mqfId }: RouteModel, places: Places): CopyIds {
  return copyIds(prefix, mqfId ? places.filter((names) => names.length > 0) : []);
}

function compileChain(steps: readonly StepModel[], context: StepContext): Step {
  return chain(
    steps.map((model) => {
      const { name, value, onError } = model;
      const kind = stepKinds[name];
      if (!kind) throw new Error(`step ${name} passed the check and is not there`);
      const step = kind.compile(value, context);
      return onError ? signed(step, model) : step;
    }),
  );
}

/** The step, which says of what it fails that it was the one. */
function signed(step: Step, model: StepModel): Step {
  return (messages, aside) => {
    const drop = (message: Message) => aside.drop(message);
    return step(messages, { drop, fail: (message, error) => aside.fail(message, error, model) });
  };
}

function makeSource(model: EndModel, context: EndContext): SourceEnd {
  const { source } = model.connector;
  if (!source) throw new Error(`${model.connector.name} passed the check as a source and is none`);
  return placed(model, () => source.create(model.config as Parameters<typeof source.create>[0], context));
}

function makeSink(model: EndModel, name: string, context: EndContext): CompiledSink {
  const { sink } = model.connector;
  if (!sink) throw new Error(`${model.connector.name} passed the check as a sink and is none`);
  return { name, model, end: placed(model, () => sink.create(model.config as Parameters<typeof sink.create>[0], context)) };
}

/** What only a connector can say about its settings, such as keys that exclude each other, with its place in the file. */
export class BadEnd extends Error {
  readonly problem: Problem;
  constructor(model: EndModel, cause: MqferryError) {
    super(cause.message, { cause });
    this.problem = { ...model.at, rule: 'bad-end', message: cause.message, severity: 'error' };
  }
}

function placed<T>(model: EndModel, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof MqferryError && error.code === 'CONFIG_INVALID') throw new BadEnd(model, error);
    throw error;
  }
}

/** `rabbitmq shop`: the connector, and the connection when it has a name. */
export function nameOf({ connector, connectionName }: EndModel): string {
  return connectionName === undefined ? connector.name : `${connector.name} ${connectionName}`;
}

function deadName(ends: readonly EndModel[], index: number): string {
  const name = nameOf(ends[index] as EndModel);
  return ends.length === 1 ? `dead letter ${name}` : `dead letter ${index + 1} ${name}`;
}

function sinkName(ends: readonly EndModel[], index: number): string {
  const name = nameOf(ends[index] as EndModel);
  return ends.length === 1 ? `sink ${name}` : `sink ${index + 1} ${name}`;
}

function broken(model: RouteModel, label: RouteLabel): Problem[] {
  const problems: Problem[] = [];
  const why = label.weaknesses.join('; ');
  const blame = (rule: string, message: string) =>
    problems.push({ ...model.at, rule, message, severity: 'error', ...(why !== '' && { hint: why }) });
  if (model.guarantee && !keeps(label.delivery, model.guarantee))
    blame('guarantee', `route ${model.name} asks for ${model.guarantee} and can keep ${label.delivery}`);
  if (model.order && !keepsOrder(label.order, model.order))
    blame('order', `route ${model.name} asks for order ${model.order} and can keep ${label.order}`);
  return problems;
}
