import type { Claims } from '../buffer/claims/claims.ts';
import type { KeyLimits, Keys } from '../buffer/keys/keys.ts';
import type { Life } from '../buffer/lives.ts';
import type { Keeper } from '../buffer/stage/keeper.ts';
import type { OpenStage, StageOptions } from '../buffer/stage/stage.ts';
import type { Clock } from '../clock.ts';
import type { BufferModel } from '../config/model.ts';
import type { Log, Queue, QueueLimits, Table } from '../connector.ts';
import type { DeadStore } from '../engine/plan.ts';
import type { CallLine } from './calls.ts';
import type { OpenStore } from './plan.ts';
import type { Watch } from './steps.ts';

/** What a route needs of the process it runs in. */
export interface Surroundings {
  log(route: string): Log;
  /** Stable over restarts; `end` is `source`, `sink`, `sink2` ... */
  clientId(route: string, end: string): string;
  /** `prefetch`: acked positions that may be missing on disk, which a crash repeats. */
  openBuffer(route: string, model: BufferModel, log: Log, prefetch: number): Promise<Opened>;
  /** `stage`: its name in the route. */
  openStage(route: string, stage: string, keeper: Keeper, options: StageOptions, log: Log, prefetch: number): Promise<OpenStage>;
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
  /** The calls of this name, the same for all routes; opens nothing. */
  calls(name: string): CallLine;
  readonly signal: AbortSignal;
  /** What steps and expressions go by. */
  readonly clock: Clock;
  /** Steps may run code that the config names. */
  readonly allowScripts: boolean;
  readonly watch?: Watch | undefined;
}

/** What has been opened between two pumps. */
export type Opened = Omit<OpenStore, 'kind' | 'name'>;
