import type { Claims } from '../buffer/claims/claims.ts';
import type { KeyLimits, Keys } from '../buffer/keys/keys.ts';
import type { Life } from '../buffer/lives.ts';
import type { Keeper } from '../buffer/stage/keeper.ts';
import type { StageOptions } from '../buffer/stage/stage.ts';
import type { Clock } from '../clock.ts';
import { isDeadDisk } from '../config/dead-disk.ts';
import type { BufferModel, RouteModel, StepModel } from '../config/model.ts';
import type { EndContext, Log, Queue, QueueLimits, Table } from '../connector.ts';
import type { DeadStore, RoutePlan } from '../engine/plan.ts';
import type { Message } from '../message.ts';
import type { Around, AroundSpec, Memory } from '../steps/around.ts';
import { type AnyStep, type StepContext, stepKinds } from '../steps/index.ts';
import type { Aside, Step } from '../steps/step.ts';
import { type CompiledSink, type Ends, makeEnds } from './ends.ts';
import type { Fault } from './fault.ts';
import { keeps, keepsOrder, labelOf, type RouteLabel } from './label.ts';
import { laterKeeper, laterNames, laterOptions } from './later.ts';
import { type NamedArounds, type OpenStore, planOf } from './plan.ts';
import { deadEndsOf, keepsForLater } from './remedies.ts';
import { aroundsOf, sectionsOf, stagesOf } from './sections.ts';
import { endsOf, sharing, stepsOf } from './share.ts';
import { type Arounds, aroundOf, compileChain, specOf, type Watch } from './steps.ts';
import { tapsOf } from './taps.ts';

/** What a route needs of the process it runs in. */
export interface Surroundings {
  log(route: string): Log;
  /** Stable over restarts; `end` is `source`, `sink`, `sink2` ... */
  clientId(route: string, end: string): string;
  /** `prefetch`: acked positions that may be missing on disk, which a crash repeats. */
  openBuffer(route: string, model: BufferModel, log: Log, prefetch: number): Promise<Opened>;
  /** `stage`: its name in the route. */
  openStage(route: string, stage: string, keeper: Keeper, options: StageOptions, log: Log, prefetch: number): Promise<Opened>;
  /** What a step of a route knows messages by; `step`: its name in the route. */
  openKeys(route: string, step: string, limits: KeyLimits, log: Log): Promise<Keys>;
  /** The bodies of this name, one store for all routes, open until the process ends. */
  claims(store: string): Promise<Claims>;
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

/** What has been opened between two pumps. */
export type Opened = Omit<OpenStore, 'kind' | 'name'>;

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
  const { clock, allowScripts, watch } = around;
  const stepContext = { log, clock, table, allowScripts };
  const compileSteps = (steps: readonly StepModel[], arounds?: Arounds): AnyStep => compileChain(steps, stepContext, watch, arounds);
  const shared = sharing(model.sink, compileSteps);
  const deadEnds = deadEndsOf(model);
  const { source, sinks, deadLetters, taps } = makeEnds(model.source, shared.ends, deadEnds, tapsOf(model), context);
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

/** In the order of the way. When one cannot be opened, those before it are closed again. */
async function openStores(model: RouteModel, log: Log, around: Surroundings, context: StepContext): Promise<readonly OpenStore[]> {
  const { name, window } = model;
  const stores: OpenStore[] = [];
  try {
    for (const { into } of sectionsOf(model)) {
      if (into?.kind === 'buffer') stores.push(named('buffer', into.name, await around.openBuffer(name, into.model, log, window.messages)));
      if (into?.kind === 'stage') {
        const { keeper, ...options } = specOf(into.step, context);
        const seen = watched(keeper(), into.step, around.watch);
        stores.push(named('stage', into.name, await around.openStage(name, into.name, seen, options, log, window.messages)));
      }
    }
    return stores;
  } catch (error) {
    return closeAll(stores, error);
  }
}

/** By pump; when one cannot be opened, those before it are closed again. */
async function openLaters(model: RouteModel, log: Log, around: Surroundings): Promise<readonly OpenStore[]> {
  const laters: OpenStore[] = [];
  try {
    for (const name of laterNames(model))
      laters.push(named('stage', name, await around.openStage(model.name, name, laterKeeper(), laterOptions, log, model.window.messages)));
    return laters;
  } catch (error) {
    return closeAll(laters, error);
  }
}

async function closeAll(opened: Iterable<{ close(): Promise<void> }>, error: unknown): Promise<never> {
  for (const one of opened) await one.close();
  throw error;
}

/** When one cannot be opened, those before it are closed again. */
async function openArounds(model: RouteModel, log: Log, around: Surroundings, context: StepContext): Promise<NamedArounds> {
  const opened = new Map<StepModel, Around & { readonly name: string }>();
  try {
    for (const { name, step } of aroundsOf(model)) {
      const memory: Memory = {
        keys: (limits) => around.openKeys(model.name, name, limits, log),
        claims: (store) => around.claims(store),
      };
      const spec = aroundOf(step, context) as AroundSpec;
      opened.set(step, Object.assign(await spec.open(memory), { name }));
    }
    return opened;
  } catch (error) {
    return closeAll(opened.values(), error);
  }
}

/** Lets somebody look at what comes to a stage, as to a step. */
function watched(keeper: Keeper, step: StepModel, watch: Watch | undefined): Keeper {
  if (!watch) return keeper;
  const look = watch(step, (messages) => messages) as Step;
  const { note } = keeper;
  return Object.assign(keeper, {
    note(message: Message) {
      look([message], unheard);
      return note(message);
    },
  });
}

const unheard: Aside = { fail() {}, drop() {}, tap() {} };

function named(kind: OpenStore['kind'], name: string, opened: Opened): OpenStore {
  return {
    kind,
    name,
    near: opened.near,
    far: opened.far,
    get books() {
      return opened.books;
    },
    stats: () => opened.stats(),
    close: () => opened.close(),
  };
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
