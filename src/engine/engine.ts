import { type Clock, systemClock } from '../clock.ts';
import type { Log } from '../connector.ts';
import { describeError } from '../errors.ts';
import type { RouteBooks } from './books.ts';
import type { RoutePlan } from './plan.ts';
import { keptOf, RouteRun, type RouteState } from './route-run.ts';
import { Turns } from './turns.ts';

/** A route as the engine keeps it: how to make a plan of it, and its present life. */
export interface RouteHandle {
  readonly name: string;
  /** Makes a fresh plan: opens the buffer and the stages, makes the ends. Called at every start. */
  plan(): Promise<RoutePlan>;
}

/** What can be asked about a route at any moment. */
export interface RouteView {
  readonly name: string;
  readonly state: RouteState | 'starting';
  readonly reason: string | undefined;
  readonly run: RouteRun | undefined;
  readonly books: RouteBooks | undefined;
}

/** Many routes. One route's trouble never touches another. */
export class Engine {
  readonly #handles: ReadonlyMap<string, RouteHandle>;
  readonly #runs = new Map<string, RouteRun>();
  readonly #startErrors = new Map<string, string>();
  /** Starts under way: who asks for the same gets the same. */
  readonly #starts = new Map<string, Promise<boolean>>();
  readonly #turns = new Turns();
  readonly #clock: Clock;
  readonly #log: Log;
  #stopping: Promise<boolean> | undefined;

  constructor(handles: readonly RouteHandle[], log: Log, clock: Clock = systemClock) {
    this.#handles = new Map(handles.map((handle) => [handle.name, handle]));
    this.#log = log;
    this.#clock = clock;
  }

  get routes(): readonly RouteView[] {
    return [...this.#handles.keys()].map((name) => this.view(name) as RouteView);
  }

  view(name: string): RouteView | undefined {
    if (!this.#handles.has(name)) return undefined;
    const run = this.#runs.get(name);
    const startError = this.#startErrors.get(name);
    const state = run?.state ?? (startError === undefined ? 'starting' : 'failed');
    return { name, state, reason: run?.reason ?? startError, run, books: run?.books };
  }

  /** Starts all routes. A route that cannot start has failed; the others run. */
  async start(): Promise<void> {
    await Promise.all([...this.#handles.keys()].map((name) => this.startRoute(name)));
  }

  /** Starts a route that is not running. False when it is, or cannot be started. */
  startRoute(name: string): Promise<boolean> {
    const handle = this.#handles.get(name);
    const old = this.#runs.get(name);
    if (!handle || this.#stopping || (old && !isEnded(old))) return Promise.resolve(false);
    const starting = this.#starts.get(name) ?? this.#startOne(handle, old).finally(() => this.#starts.delete(name));
    this.#starts.set(name, starting);
    return starting;
  }

  async #startOne(handle: RouteHandle, old: RouteRun | undefined): Promise<boolean> {
    const { name } = handle;
    await old?.stop(0);
    try {
      const plan = await handle.plan();
      if (this.#stopping) {
        for (const kept of keptOf(plan)) await kept.close();
        return false;
      }
      this.#startErrors.delete(name);
      const run = new RouteRun(plan, this.#clock, () => {}, this.#turns);
      this.#runs.set(name, run);
      run.start();
      return true;
    } catch (error) {
      this.#runs.delete(name);
      this.#startErrors.set(name, describeError(error));
      this.#log.error({ route: name }, `route ${name} cannot start: ${describeError(error)}`);
      return false;
    }
  }

  /** Stops one route: drains, closes. */
  async stopRoute(name: string, deadlineMs: number): Promise<boolean> {
    return (await this.#runs.get(name)?.stop(deadlineMs)) ?? false;
  }

  /** Drains and closes all routes. False when the deadline was hit. `now` ends the draining at once. */
  stop(deadlineMs: number, now?: AbortSignal): Promise<boolean> {
    this.#stopping ??= this.#stopAll(deadlineMs, now);
    return this.#stopping;
  }

  async #stopAll(deadlineMs: number, now: AbortSignal | undefined): Promise<boolean> {
    await Promise.resolve(); // so that a start on its way sees that all is stopped
    await Promise.allSettled(this.#starts.values());
    const all = await Promise.all([...this.#runs.values()].map((run) => run.stop(deadlineMs, now)));
    return all.every(Boolean);
  }

  /** Every route that still runs has nothing more to do. */
  get isIdle(): boolean {
    return this.#alive.every(({ run }) => run?.isIdle === true);
  }

  /** Every route that still runs has a source that has ended, and all of it is delivered. */
  get isFinished(): boolean {
    return this.#alive.every(({ run }) => run?.isFinished === true);
  }

  get #alive(): readonly RouteView[] {
    return this.routes.filter(({ state }) => state !== 'stopped' && state !== 'failed');
  }

  /** Messages that were read, by any pump, since the routes were started: while it stands still, nothing has come. */
  get moved(): number {
    let sum = 0;
    for (const run of this.#runs.values()) for (const pump of run.pumps) sum += pump.books.read;
    return sum;
  }

  /** No route runs any more: each has stopped or failed. */
  get isOver(): boolean {
    return this.routes.every((route) => route.state === 'stopped' || route.state === 'failed');
  }
}

function isEnded({ state }: RouteRun): boolean {
  return state === 'stopped' || state === 'failed';
}
