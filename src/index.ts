/** mqferry as a library: compile routes, and run them from code. */
import { connectors as builtIn } from '../connectors/index.ts';
import { Cipher } from './buffer/cipher.ts';
import { type Claim, DataDirectory } from './buffer/data-directory.ts';
import { encryptedFiles, realFiles } from './buffer/fs.ts';
import { queueName } from './buffer/owners.ts';
import { DurableQueue } from './buffer/queue.ts';
import { systemClock, type Time } from './clock.ts';
import { renderProblems } from './config/diagnostics.ts';
import { type ConfigInputs, loadConfig } from './config/load.ts';
import type { ConfigModel, Problem, Registry, RouteModel } from './config/model.ts';
import type { AnyConnector, Log } from './connector.ts';
import { Engine } from './engine/engine.ts';
import { MqferryError } from './errors.ts';
import { bodyShape, compileExpression, compileTemplate, compileValue } from './expr/index.ts';
import { disagreements } from './route/agree.ts';
import { CallLines, loneCalls } from './route/calls.ts';
import { type CompiledRoute, compileRoute } from './route/compile.ts';
import { BadEnds } from './route/ends.ts';
import type { Fault } from './route/fault.ts';
import { laterNames } from './route/later.ts';
import { stagesOf } from './route/sections.ts';
import type { Surroundings } from './route/surroundings.ts';
import { unfedTables } from './route/tables.ts';
import { type StepKind, stepKinds } from './steps/index.ts';
import { Tables } from './table.ts';

export type { RouteBooks } from './engine/books.ts';
export type { RouteView } from './engine/engine.ts';
export { errorCodes, MqferryError } from './errors.ts';
export { Message } from './message.ts';
export type { ScriptChanges, ScriptMessage } from './steps/script-message.ts';
export type { CompiledRoute, ConfigInputs, Engine, Problem };

export interface LoadRoutes {
  /** Files, folders and globs (`{ paths }`), or YAML texts (`{ texts: [{ name, text }] }`). */
  readonly routes: ConfigInputs;
  /** Beside the built-in ones, by name. */
  readonly connectors?: Readonly<Record<string, AnyConnector>>;
  /** For `${NAME}` in the config. Nothing by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What `${file:…}` reads, by the path as the config has it, in place of any file. */
  readonly files?: Readonly<Record<string, string>>;
  /** Lets `js` steps load and run the files that the config names. Default false. */
  readonly allowScripts?: boolean;
}

export interface EngineOptions extends LoadRoutes {
  /** Made when a buffer, a session or `quarantine` needs it. Default `./mqferry-data`. */
  readonly dataDir?: string;
  /** What the data directory keeps is written encrypted (AES-256-GCM), with the first of these keys; all of them are read with. 32 bytes each, in Base64 or hex, apart by blanks, commas or lines. */
  readonly dataKeys?: string | undefined;
  /** Look for messages that end the process, over the lives of the routes. Default: when a `dataDir` is given. */
  readonly quarantine?: boolean;
  readonly log?: Log;
}

/** Routes that are ready to run. */
export interface Mqferry {
  readonly engine: Engine;
  readonly routes: readonly CompiledRoute[];
  readonly warnings: readonly Problem[];
  start(): Promise<void>;
  /** Drains and closes everything; false when the deadline was hit. */
  stop(deadlineMs?: number, now?: AbortSignal): Promise<boolean>;
}

const drainMs = 25_000;
const silent: Log = { error() {}, warn() {}, info() {}, debug() {} };

/** A step is compiled when it is checked, so that what only compiling finds has its place in the file. */
function checkedSteps(allowScripts: boolean): Registry['steps'] {
  const check = (kind: StepKind) => (value: unknown) => void kind.compile(value, { ...offline, log: silent, allowScripts });
  return Object.fromEntries(Object.entries(stepKinds).map(([name, kind]) => [name, { ...kind, check: check(kind) }]));
}

/** What a config may name: the built-in connectors and those given, and all steps. */
export function registryOf(extra: Readonly<Record<string, AnyConnector>> = {}, allowScripts = false, time: Time = systemClock): Registry {
  const given = Object.fromEntries(Object.entries(extra).map(([name, connector]) => [name, async () => connector]));
  return {
    connectors: { ...builtIn, ...given },
    steps: checkedSteps(allowScripts),
    compile: {
      template: (text, shown, about, encode) => compileTemplate(text, shown, { ...about, time }, encode),
      expression: (text, slot, shown, about) => compileExpression(text, slot, shown, { ...about, time }),
      value: (text, shown, about) => compileValue(text, shown, { ...about, time }),
      bodyShape,
    },
  };
}

/** Checks a config and makes its routes, connecting to nothing. All problems at once; no routes when one of them is an error. */
export async function compileRoutes(
  options: LoadRoutes,
  around?: Surroundings,
): Promise<{ routes: readonly CompiledRoute[]; model: ConfigModel | undefined; problems: readonly Problem[] }> {
  const { allowScripts = false, files } = options;
  const registry = registryOf(options.connectors, allowScripts, around?.clock);
  const loaded = await loadConfig(options.routes, registry, options.env ?? {}, files && { files });
  const { model, sound } = loaded;
  const routes: CompiledRoute[] = [];
  const faults = [...disagreements(sound), ...(model ? [...unfedTables(sound), ...loneCalls(sound)] : [])];
  for (const one of sound) {
    const route = compileOrExplain(one, model && around ? around : { ...offline, allowScripts }, faults);
    if (!route) continue;
    routes.push(route);
    faults.push(...route.faults);
  }
  const problems = [...loaded.problems, ...distinct(faults).map((one) => loaded.problemAt(one.at, one.rule, one.message, one.hint))];
  return { routes: model ? routes : [], model, problems };
}

function compileOrExplain(model: RouteModel, around: Surroundings, faults: Fault[]): CompiledRoute | undefined {
  try {
    return compileRoute(model, around);
  } catch (error) {
    if (!(error instanceof BadEnds)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}

/** A connection that several routes use is wrong once. */
function distinct(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.map((one) => [JSON.stringify([one.at, one.message]), one])).values()];
}

const cannotRun = () => Promise.reject(new MqferryError('INTERNAL', 'a route that was compiled to be looked at cannot be run'));

/** Enough to make the ends of a route without a data directory. */
const offline: Surroundings = {
  log: () => silent,
  clientId: (route, end) => `${route}-${end}`,
  openBuffer: cannotRun,
  openStage: cannotRun,
  openKeys: cannotRun,
  claims: cannotRun,
  calls: (name) => new CallLines().of(name),
  queue: (name) => new DurableQueue(queueName(name), cannotRun),
  deadLetters: (route) => new DurableQueue(route, cannotRun),
  table: (name) => new Tables().table(name),
  signal: AbortSignal.abort(),
  clock: systemClock,
  allowScripts: false,
};

function claimOf({ name, model }: CompiledRoute): Claim {
  const stages = [...stagesOf(model).map((stage) => stage.name), ...laterNames(model)];
  const claims = model.steps.flatMap(({ name: step, value }) => stepKinds[step]?.claims?.(value) ?? []);
  return { name, isBuffered: model.buffer?.kind === 'disk', stages, claims };
}

/** Compiles routes and makes an engine for them. Throws CONFIG_INVALID with every problem, or DATA_LOCKED. */
export async function createEngine(options: EngineOptions): Promise<Mqferry> {
  const log = options.log ?? silent;
  const { dataKeys } = options;
  const files = dataKeys === undefined ? realFiles : encryptedFiles(Cipher.of(dataKeys));
  const data = new DataDirectory(options.dataDir ?? 'mqferry-data', log, files);
  const tables = new Tables();
  const lines = new CallLines();
  const stopping = new AbortController();
  const { routes, problems } = await compileRoutes(options, {
    log: () => log,
    clientId: (route, end) => data.clientId(route, end),
    openBuffer: (route, model, routeLog, prefetch) => data.openBuffer(route, model, routeLog, prefetch),
    openStage: (route, stage, keeper, limits, routeLog, prefetch) => data.openStage(route, stage, keeper, limits, routeLog, prefetch),
    claims: (store) => data.claims(store),
    calls: (name) => lines.of(name),
    openKeys: (route, step, limits, routeLog) => data.openKeys(route, step, limits, routeLog),
    queue: (name, limits) => data.queue(name, limits),
    deadLetters: (route, limits) => data.deadLetters(route, limits),
    ...((options.quarantine ?? options.dataDir !== undefined) && { openLife: (route: string) => data.lives.open(route) }),
    table: (name) => tables.table(name),
    signal: stopping.signal,
    clock: systemClock,
    allowScripts: options.allowScripts ?? false,
  });
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (errors.length > 0) throw new MqferryError('CONFIG_INVALID', renderProblems(errors));
  await data.claim(routes.map(claimOf));
  const engine = new Engine(routes, log);
  return {
    engine,
    routes,
    warnings: problems,
    start: () => engine.start(),
    async stop(deadlineMs = drainMs, now) {
      const isDrained = await engine.stop(deadlineMs, now);
      stopping.abort();
      await lines.close();
      await data.release();
      return isDrained;
    },
  };
}
