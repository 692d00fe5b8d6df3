/** What a route keeps things in, opened. */

import type { CallKeeper } from '../buffer/calls/call-keeper.ts';
import { OpenCalls } from '../buffer/calls/calls.ts';
import type { Keeper } from '../buffer/stage/keeper.ts';
import type { RouteModel, StepModel } from '../config/model.ts';
import type { Log } from '../connector.ts';
import type { Message } from '../message.ts';
import type { Around, AroundSpec, Memory } from '../steps/around.ts';
import { type StepContext, stepKinds } from '../steps/index.ts';
import type { Aside, Step } from '../steps/step.ts';
import { laterKeeper, laterNames, laterOptions } from './later.ts';
import type { NamedArounds, OpenStore } from './plan.ts';
import { aroundsOf, type StageStore, sectionsOf, stagesOf } from './sections.ts';
import { aroundOf, specOf, type Watch } from './steps.ts';
import type { Opened, Surroundings } from './surroundings.ts';

/** What steps may know of the process. */
export function stepContextOf({ clock, allowScripts, table }: Surroundings, log: Log): StepContext {
  return { log, clock, allowScripts, table: (name) => table(name) };
}

/** In the order of the way. When one cannot be opened, those before it are closed again. */
export async function openStores(model: RouteModel, log: Log, around: Surroundings, context: StepContext): Promise<readonly OpenStore[]> {
  const { name, window } = model;
  const stores: OpenStore[] = [];
  try {
    for (const { into } of sectionsOf(model)) {
      if (into?.kind === 'buffer') stores.push(named('buffer', into.name, await around.openBuffer(name, into.model, log, window.messages)));
      if (into?.kind === 'stage') {
        const calls = answeredBy(into.step);
        const opened = calls ? around.calls(calls.name).stage() : openStage(model, into, log, around, context);
        stores.push(named('stage', into.name, await opened));
      }
    }
    return stores;
  } catch (error) {
    return closeAll(stores, error);
  }
}

function openStage(model: RouteModel, { name, step }: StageStore, log: Log, around: Surroundings, context: StepContext) {
  const { keeper, ...options } = specOf(step, context);
  return around.openStage(model.name, name, watched(keeper(), step, around.watch), options, log, model.window.messages);
}

/** The stage of a `reply` step is open for all who ask, from the first of them on. */
export function provideCalls(model: RouteModel, around: Surroundings): void {
  const log = around.log(model.name);
  const context = stepContextOf(around, log);
  for (const { name, step } of stagesOf(model)) {
    const calls = answeredBy(step);
    if (!calls) continue;
    around.calls(calls.name).provide(async () => {
      const { keeper, ...options } = specOf(step, context);
      const own = watched(keeper(), step, around.watch) as CallKeeper;
      return new OpenCalls(await around.openStage(model.name, name, own, options, log, model.window.messages), own, calls.maxCalls);
    });
  }
}

function answeredBy({ name, value }: StepModel): { readonly name: string; readonly maxCalls: number } | undefined {
  const calls = stepKinds[name]?.calls?.(value);
  return calls?.role === 'answers' ? calls : undefined;
}

/** By pump; when one cannot be opened, those before it are closed again. */
export async function openLaters(model: RouteModel, log: Log, around: Surroundings): Promise<readonly OpenStore[]> {
  const laters: OpenStore[] = [];
  try {
    for (const name of laterNames(model))
      laters.push(named('stage', name, await around.openStage(model.name, name, laterKeeper(), laterOptions, log, model.window.messages)));
    return laters;
  } catch (error) {
    return closeAll(laters, error);
  }
}

export async function closeAll(opened: Iterable<{ close(): Promise<void> }>, error: unknown): Promise<never> {
  for (const one of opened) await one.close();
  throw error;
}

/** When one cannot be opened, those before it are closed again. */
export async function openArounds(model: RouteModel, log: Log, around: Surroundings, context: StepContext): Promise<NamedArounds> {
  const opened = new Map<StepModel, Around & { readonly name: string }>();
  try {
    for (const { name, step } of aroundsOf(model)) {
      const memory: Memory = {
        keys: (limits) => around.openKeys(model.name, name, limits, log),
        claims: (store) => around.claims(store),
        calls: (line) => around.calls(line).calls(),
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
      return note.call(keeper, message);
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
