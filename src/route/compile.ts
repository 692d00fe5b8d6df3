import type { Life } from '../buffer/lives.ts';
import type { Clock } from '../clock.ts';
import { isDeadDisk } from '../config/dead-disk.ts';
import type { BufferModel, EndModel, Problem, RouteModel, StepModel } from '../config/model.ts';
import type { EndContext, Log, Queue, QueueLimits, SourceEnd, Table } from '../connector.ts';
import type { DeadStore, RoutePlan } from '../engine/plan.ts';
import type { AnyStep } from '../steps/index.ts';
import { type CompiledSink, deadName, makeSink, makeSource, nameOf, sinkName, tapName } from './ends.ts';
import { keeps, keepsOrder, labelOf, type RouteLabel } from './label.ts';
import { type OpenBuffer, planOf } from './plan.ts';
import { deadEndsOf } from './remedies.ts';
import { sharing } from './share.ts';
import { compileChain, type Watch } from './steps.ts';
import { type CompiledTap, tapsOf } from './taps.ts';

/** What a route needs of the process it runs in. */
export interface Surroundings {
  log(route: string): Log;
  /** Stable over restarts; `end` is `source`, `sink`, `sink2` ... */
  clientId(route: string, end: string): string;
  /** `prefetch`: acked positions that may be missing on disk, which a crash repeats. */
  openBuffer(route: string, model: BufferModel, log: Log, prefetch: number): Promise<OpenBuffer>;
  /** The durable queue of this name, one for all routes; opens nothing. Throws CONFIG_INVALID for a name that no queue can have. */
  queue(name: string, limits: QueueLimits): Queue;
  /** The dead letters of this route, one log for all who ask; opens nothing. */
  deadLetters(route: string, limits: QueueLimits): Queue & DeadStore;
  /** How the last life of the route ended; undefined where nothing can be kept. Absent: no route looks for a message that ends the process. */
  openLife?(route: string): Promise<Life | undefined>;
  /** The table of this name, one for all routes. */
  table(name: string): Table;
  readonly signal: AbortSignal;
  /** What steps and expressions go by. */
  readonly clock: Clock;
  /** Steps may run code that the config names. */
  readonly allowScripts: boolean;
  readonly watch?: Watch;
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
  readonly taps: readonly CompiledTap[];
  /** What the config asks for and the route cannot keep. */
  readonly problems: readonly Problem[];
  /** Opens the buffer, if there is one, and says how to run the route. */
  plan(): Promise<RoutePlan>;
}

/** Makes the ends and the steps, and computes what the route keeps. Connects to nothing. */
export function compileRoute(model: RouteModel, around: Surroundings): CompiledRoute {
  const log = around.log(model.name);
  const table = (name: string) => around.table(name);
  const context = (end: string): EndContext => ({
    route: model.name,
    window: model.window,
    log,
    get clientId() {
      return around.clientId(model.name, end); // only an end that has a session asks: then the data directory is made
    },
    signal: around.signal,
    queue: (name, limits) => around.queue(name, limits),
    deadLetters: (limits) => around.deadLetters(model.name, limits),
    table,
  });
  const { clock, allowScripts, watch } = around;
  const compileSteps = (steps: readonly StepModel[]): AnyStep => compileChain(steps, { log, clock, table, allowScripts }, watch);
  const shared = sharing(model.sink, compileSteps);
  const source = { name: `source ${nameOf(model.source)}`, model: model.source, end: makeSource(model.source, context('source')) };
  const sinks = shared.ends.map((end, i) => makeSink(end, sinkName(shared.ends, i), context(i === 0 ? 'sink' : `sink${i + 1}`)));
  const deadEnds = deadEndsOf(model);
  const deadLetters = deadEnds.map((end, i) => makeSink(end, deadName(deadEnds, i), context(i === 0 ? 'dead' : `dead${i + 1}`)));
  const tapSteps = tapsOf(model);
  const tapEnds = tapSteps.map(({ sink }) => sink.end);
  const taps = tapSteps.map((step, i) => ({
    step,
    ...makeSink(step.sink.end, tapName(tapEnds, i), context(i === 0 ? 'tap' : `tap${i + 1}`)),
  }));
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
    taps,
    problems: [...broken(model, label), ...[...sinks, ...deadLetters, ...taps].flatMap(idleBreaker)],
    plan: async () => {
      const buffer = model.buffer && (await around.openBuffer(model.name, model.buffer, log, model.window.messages));
      const deadStore = deadEnds.some(isDeadDisk) ? around.deadLetters(model.name, {}) : undefined;
      const { openLife } = around;
      const quarantine = model.quarantine && openLife && { ...model.quarantine, open: () => openLife(model.name) };
      return planOf({ model, source: source.end, sinks, deadLetters, deadStore, taps, shared, compileSteps, log }, buffer, quarantine);
    },
  };
}

/** A breaker for a sink that never refuses for now. */
function idleBreaker({ name, model, end }: CompiledSink): Problem[] {
  if (!model.breaker || end.can.keepsOrder === 'none') return [];
  const message = `the breaker of ${name} would never open: to keep order it hangs up instead of refusing for now`;
  return [{ ...model.at, rule: 'breaker', message, severity: 'error', hint: 'leave it out: a link that is lost has a back-off already' }];
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
