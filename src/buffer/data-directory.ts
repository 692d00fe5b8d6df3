/** The data directory of a running mqferry: locked, made only when something needs it. */
import { resolve } from 'node:path';
import { systemClock } from '../clock.ts';
import type { BufferModel } from '../config/model.ts';
import type { Log, QueueLimits } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import { type DiskOptions, openBuffer, type RouteBuffer } from './buffer.ts';
import { ClaimLog, type Claims } from './claims/claims.ts';
import { type FileSystem, realFiles } from './fs.ts';
import { type KnownBuffer, orphanedBuffers, routeState, storedClientId } from './instance.ts';
import { KeyLog } from './keys/key-log.ts';
import type { KeyLimits, Keys } from './keys/keys.ts';
import { Lives } from './lives.ts';
import { type DirectoryLock, lockDirectory } from './lock.ts';
import { memoryBuffer } from './memory.ts';
import {
  bufferDirectory,
  bufferName,
  claimsOwner,
  deadOwner,
  keysOwner,
  kindOf,
  knownRoutes,
  lackOf,
  poolOwner,
  queueName,
  queueOwner,
  stageOwner,
} from './owners.ts';
import { poolKeeper } from './pool.ts';
import { DurableQueue } from './queue.ts';
import { Shared } from './shared.ts';
import type { Keeper } from './stage/keeper.ts';
import { type OpenStage, openStage, type StageOptions } from './stage/stage.ts';

/** What a route keeps in the data directory. */
export interface Claim {
  readonly name: string;
  readonly isBuffered: boolean;
  readonly stages?: readonly string[];
  /** Stores of bodies that it uses. */
  readonly claims?: readonly { readonly store: string; readonly maxBytes?: number }[];
}

/** Of a store of bodies whose `in` end is not in this config. */
const claimBytes = 8 * 1024 * 1024 * 1024;

export class DataDirectory {
  readonly path: string;
  readonly lives: Lives;
  readonly #log: Log;
  readonly #files: FileSystem;
  #lock: DirectoryLock | undefined;
  /** Client ids were taken from it: nobody else may use them. */
  #isUsed = false;
  readonly #queues = new Map<string, DurableQueue>();
  readonly #claims = new Map<string, Shared<ClaimLog>>();
  /** What the routes say of the size of their stores of bodies; the most of each. */
  readonly #claimBytes = new Map<string, number>();

  constructor(path: string, log: Log, files: FileSystem = realFiles) {
    this.path = resolve(path);
    this.#log = log;
    this.#files = files;
    this.lives = new Lives(`${this.path}/lives`, log);
  }

  /** Stable over restarts, unique per data directory, route and end. */
  clientId(route: string, end: string): string {
    this.#isUsed = true;
    return storedClientId(this.path, route, end);
  }

  /** Opens the buffer of a route. Throws BUFFER_FAILED when it is damaged. */
  async openBuffer(route: string, model: BufferModel, log: Log, prefetch?: number): Promise<RouteBuffer> {
    if (model.kind === 'memory') return memoryBuffer(model);
    await this.own();
    const context = { log, files: this.#files, ...(prefetch !== undefined && { prefetch }) };
    return openBuffer(bufferDirectory(this.path, route), model, context);
  }

  /** Opens a stage of a route. Throws BUFFER_FAILED when it is damaged. */
  async openStage(route: string, stage: string, keeper: Keeper, options: StageOptions, log: Log, prefetch?: number): Promise<OpenStage> {
    await this.own();
    const directory = bufferDirectory(this.path, stageOwner(route, stage));
    return openStage(directory, keeper, options, { log, prefetch, files: this.#files, clock: systemClock });
  }

  /** The bodies of this name, the same for all who ask. Throws BUFFER_FAILED when they are damaged. */
  async claims(store: string): Promise<Claims> {
    await this.own();
    const owner = claimsOwner(queueName(store));
    const maxBytes = this.#claimBytes.get(owner) ?? claimBytes;
    const claims = this.#claims.get(owner) ?? new Shared<ClaimLog>();
    this.#claims.set(owner, claims);
    return claims.get(() =>
      ClaimLog.open(bufferDirectory(this.path, owner), maxBytes, { log: this.#log, files: this.#files, clock: systemClock }),
    );
  }

  /** Opens what a step of a route knows messages by. Throws BUFFER_FAILED when it is damaged. */
  async openKeys(route: string, step: string, limits: KeyLimits, log: Log): Promise<Keys> {
    await this.own();
    return KeyLog.open(bufferDirectory(this.path, keysOwner(route, step)), limits, { log, files: this.#files, clock: systemClock });
  }

  /** The queue of this name, the same for all who ask. Opens nothing. Throws CONFIG_INVALID for a name that no queue can have. */
  queue(name: string, limits: QueueLimits): DurableQueue {
    const owner = limits.readers === 'many' ? poolOwner : queueOwner;
    return this.#shared(owner(queueName(name)), limits, { queue: name });
  }

  /** The dead letters of this route, the same for all who ask. Opens nothing. */
  deadLetters(route: string, limits: QueueLimits): DurableQueue {
    return this.#shared(deadOwner(route), limits, { route });
  }

  /** Something in it was asked for, so it must be owned before anything is opened. */
  get isNeeded(): boolean {
    return this.#isUsed || this.#queues.size > 0;
  }

  /** Locks the directory, which is made. Throws DATA_LOCKED. Safe to call twice. */
  async own(): Promise<void> {
    if (this.#lock) return;
    await realFiles.makeDirectory(this.path);
    this.#lock = await lockDirectory(this.path);
  }

  /**
   * Locks the directory if these routes need it, and sees to it that nothing in it is forgotten. Throws DATA_LOCKED, or CONFIG_INVALID when
   * a buffer or stage with messages belongs to none of the routes, or a queue with messages was asked for by none.
   */
  async claim(routes: readonly Claim[]): Promise<void> {
    const stages = routes.flatMap(({ name, stages = [] }) => stages.map((stage) => stageOwner(name, stage)));
    const claims = routes.flatMap(({ claims = [] }) => claims.map(({ store, maxBytes = 0 }) => this.#limitClaims(store, maxBytes)));
    const owners = [...routes.filter((route) => route.isBuffered).map((route) => route.name), ...stages, ...claims, ...this.#queues.keys()];
    if (this.isNeeded || owners.length > 0) await this.own();
    const orphans = await orphanedBuffers(this.path, owners, this.#files);
    if (orphans.length > 0) throw new MqferryError('CONFIG_INVALID', orphans.map(orphanText).join('\n'));
    for (const known of knownRoutes(this.path)) {
      if (routes.some((route) => route.name === known)) continue;
      const sessions = Object.entries(routeState(this.path, known).clientIds).map(([end, id]) => `${end} ${id}`);
      if (sessions.length > 0)
        this.#log.warn({ route: known }, `route ${known} is gone, but brokers may keep messages for its sessions (${sessions.join(', ')})`);
    }
  }

  #limitClaims(store: string, maxBytes: number): string {
    const owner = claimsOwner(store);
    if (maxBytes > 0) this.#claimBytes.set(owner, Math.max(maxBytes, this.#claimBytes.get(owner) ?? 0));
    return owner;
  }

  /** Closes the queues and gives the directory back. Safe to call twice. */
  async release(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    for (const claims of this.#claims.values()) await claims.close();
    this.#claims.clear();
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
    await this.lives.release();
  }

  #shared(owner: string, limits: QueueLimits, about: object): DurableQueue {
    const queue = this.#queues.get(owner) ?? this.#makeQueue(owner, withFields(this.#log, about));
    this.#queues.set(owner, queue);
    queue.limit(limits);
    return queue;
  }

  #makeQueue(owner: string, log: Log): DurableQueue {
    const directory = bufferDirectory(this.path, owner);
    const files = this.#files;
    const onFull = () => {
      if (kindOf(owner) === 'dead') log.warn(queue.stats() ?? {}, fullText(owner));
    };
    const openPool = ({ maxBytes, maxMessages = Number.POSITIVE_INFINITY }: DiskOptions, prefetch: number) =>
      openStage(directory, poolKeeper(), { maxBytes, maxMessages, hasManyReaders: true }, { log, prefetch, files, clock: systemClock });
    const queue = new DurableQueue(bufferName(owner), (options, prefetch) =>
      kindOf(owner) === 'pool' ? openPool(options, prefetch) : openBuffer(directory, options, { log, prefetch, files, onFull }),
    );
    return queue;
  }
}

/** Unlike a buffer, dead letters make no room by themselves. */
function fullText(owner: string): string {
  return (
    `${bufferName(owner)} have filled their place on disk: the route waits, and nothing is lost; ` +
    'stop mqferry and `mqferry dlq replay` or `purge` them, or write a greater `maxBytes` or `maxMessages` at `deadLetter: { disk: … }`'
  );
}

/** A log whose lines say what they are about. */
function withFields(log: Log, about: object): Log {
  return {
    error: (fields, text) => log.error({ ...about, ...fields }, text),
    warn: (fields, text) => log.warn({ ...about, ...fields }, text),
    info: (fields, text) => log.info({ ...about, ...fields }, text),
    debug: (fields, text) => log.debug({ ...about, ...fields }, text),
  };
}

function orphanText({ owner, messages }: KnownBuffer): string {
  const [lack, other] = lackOf(owner);
  return (
    `${bufferName(owner)} ${kindOf(owner) === 'dead' ? 'are' : 'holds'} ${messages} messages, but ${lack} ` +
    `run \`mqferry buffer adopt ${owner} ${other}\` to give them to another, or \`mqferry buffer drop ${owner}\` to delete them`
  );
}
