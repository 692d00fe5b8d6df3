import { isDeadDisk } from '../config/dead-disk.ts';
import type { RouteModel, StepModel } from '../config/model.ts';
import type { EndContext } from '../connector.ts';
import type { RoutePlan } from '../engine/plan.ts';
import { type AnyStep, stepKinds } from '../steps/index.ts';
import { type CompiledSink, type Ends, makeEnds } from './ends.ts';
import type { Fault } from './fault.ts';
import { keeps, keepsOrder, labelOf, type RouteLabel } from './label.ts';
import { planOf } from './plan.ts';
import { deadEndsOf, keepsForLater } from './remedies.ts';
import { sectionsOf, stagesOf } from './sections.ts';
import { endsOf, sharing, stepsOf } from './share.ts';
import { type Arounds, compileChain, specOf } from './steps.ts';
import { closeAll, openArounds, openLaters, openStores, provideCalls, stepContextOf } from './stores.ts';
import type { Surroundings } from './surroundings.ts';
import { tapsOf } from './taps.ts';

/** A route whose parts are made but not connected. */
export interface CompiledRoute extends Ends {
  readonly name: string;
  readonly model: RouteModel;
  readonly label: RouteLabel;
  /** What the config asks for and the route cannot keep. */
  readonly faults: readonly Fault[];
  /** Opens the buffer, if there is one, and says how to run the route. */
  plan(): Promise<RoutePlan>;
}

/** Makes the ends and the steps, and computes what the route keeps. Connects to nothing. Throws BadEnds. */
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
  const { watch } = around;
  const stepContext = stepContextOf(around, log);
  const compileSteps = (steps: readonly StepModel[], arounds?: Arounds): AnyStep => compileChain(steps, stepContext, watch, arounds);
  const shared = sharing(model.sink, compileSteps);
  const deadEnds = deadEndsOf(model);
  const { source, sinks, deadLetters, taps } = makeEnds(model.source, shared.ends, deadEnds, tapsOf(model), context);
  provideCalls(model, around);
  const label = labelOf({
    source: { name: source.name, can: source.end.can },
    sinks: sinks.map(({ name, end }) => ({ name, can: end.can })),
    buffer: model.buffer,
    stages: stagesOf(model).map(({ name, step }) => ({ name, orderLimit: specOf(step, stepContext).orderLimit })),
    triesLater: keepsForLater(model),
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
    faults: [...broken(model, label), ...misplaced(model), ...divided(model), ...[...sinks, ...deadLetters, ...taps].flatMap(idleBreaker)],
    plan: async () => {
      const stores = await openStores(model, log, around, stepContext);
      const laters = await openLaters(model, log, around).catch((error) => closeAll(stores, error));
      const arounds = await openArounds(model, log, around, stepContext).catch((error) => closeAll([...stores, ...laters], error));
      const deadStore = deadEnds.some(isDeadDisk) ? around.deadLetters(model.name, {}) : undefined;
      const { openLife } = around;
      const quarantine = model.quarantine && openLife && { ...model.quarantine, open: () => openLife(model.name) };
      const pieces = { model, source: source.end, sinks, deadLetters, deadStore, taps, shared, compileSteps, log };
      return planOf(pieces, { stores, laters, arounds }, quarantine);
    },
  };
}

/**
 * A stage divides the route itself: it can stand nowhere else, and nothing in it fails that could be told apart from its sink. What stands around the
 * sinks stands around all of them.
 */
function misplaced({ steps, sink }: RouteModel): Fault[] {
  const isStage = ({ name }: StepModel) => stepKinds[name]?.stage !== undefined;
  const inBranches = stepsOf(sink).flatMap(({ name, at }): Fault[] => {
    const { stage, around } = stepKinds[name] ?? {};
    const why = stage ? 'keeps messages beyond their ack' : 'must know what becomes of its messages at all sinks';
    const message = `${name} ${why}, so it cannot stand in a branch of the sink`;
    const hint = 'put it into `steps`, or join two routes by a `local` queue';
    return stage || around ? [{ at, rule: 'stage', message, hint }] : [];
  });
  const withRules = steps
    .filter((step) => isStage(step) && step.onError !== undefined)
    .map(({ name, at }) => ({ at, rule: 'stage', message: `${name} has no onError of its own`, hint: 'write it at the route' }));
  return [...inBranches, ...withRules];
}

/** What must not be counted as arrived before all of it has. */
function divided(model: RouteModel): Fault[] {
  return sectionsOf(model).flatMap(({ steps, into }) =>
    steps.flatMap(({ name, value, at }, i): Fault[] => {
      if (!stepKinds[name]?.needsOneWay?.(value)) return [];
      const splits = steps.slice(i + 1).some((step) => step.name === 'split');
      if (!splits && (into !== undefined || endsOf(model.sink).length === 1)) return [];
      const message = `${name} cannot tell when a message has arrived that goes several ways behind it`;
      const hint = 'write into a `local` queue on disk behind it, and divide in the route that reads the queue';
      return [{ at, rule: 'stage', message, hint }];
    }),
  );
}

/** A breaker for a sink that never refuses for now. */
function idleBreaker({ name, model, end }: CompiledSink): Fault[] {
  if (!model.breaker || end.can.keepsOrder === 'none') return [];
  const message = `the breaker of ${name} would never open: to keep order it hangs up instead of refusing for now`;
  const hint = 'leave it out: a link that is lost has a back-off already';
  return [{ at: model.places.get('breaker') ?? model.at, rule: 'breaker', message, hint }];
}

function broken({ name, at, places, guarantee, order }: RouteModel, label: RouteLabel): Fault[] {
  const faults: Fault[] = [];
  const blame = (rule: 'guarantee' | 'order', message: string, why: readonly string[]) =>
    faults.push({
      at: places.get(rule) ?? at,
      rule,
      message,
      hint: [...why.slice(0, 2), `\`mqferry explain ${name}\` says more`].join('; '),
    });
  if (guarantee && !keeps(label.delivery, guarantee))
    blame('guarantee', `route ${name} asks for ${guarantee} and can keep ${label.delivery}`, label.deliveryLimits);
  if (order && !keepsOrder(label.order, order))
    blame('order', `route ${name} asks for order ${order} and can keep ${label.order}`, label.orderLimits);
  return faults;
}
