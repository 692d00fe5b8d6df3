/** The data directory of a running mqferry: locked, made only when something needs it. */
import { resolve } from 'node:path';
import type { BufferModel } from '../config/model.ts';
import type { Log, Queue, QueueLimits } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import { openBuffer, type RouteBuffer } from './buffer.ts';
import { realFiles } from './fs.ts';
import {
  bufferDirectory,
  bufferName,
  isQueue,
  type KnownBuffer,
  knownRoutes,
  orphanedBuffers,
  queueOwner,
  routeState,
  storedClientId,
} from './instance.ts';
import { type DirectoryLock, lockDirectory } from './lock.ts';
import { memoryBuffer } from './memory.ts';
import { DurableQueue } from './queue.ts';

export class DataDirectory {
  readonly path: string;
  readonly #log: Log;
  #lock: DirectoryLock | undefined;
  /** Client ids were taken from it: nobody else may use them. */
  #isUsed = false;
  readonly #queues = new Map<string, DurableQueue>();

  constructor(path: string, log: Log) {
    this.path = resolve(path);
    this.#log = log;
  }

  /** Stable over restarts, unique per data directory, route and end. */
  clientId(route: string, end: string): string {
    this.#isUsed = true;
    return storedClientId(this.path, route, end);
  }

  /** Opens the buffer of a route. Throws BUFFER_FAILED when it is damaged. */
  async openBuffer(route: string, model: BufferModel, log: Log, prefetch?: number): Promise<RouteBuffer> {
    if (model.kind === 'memory') return memoryBuffer(model);
    await this.#own();
    const context = prefetch === undefined ? { log } : { log, prefetch };
    return openBuffer(bufferDirectory(this.path, route), model, context);
  }

  /** The queue of this name, the same for all who ask. Opens nothing. Throws CONFIG_INVALID for a name that no queue can have. */
  queue(name: string, limits: QueueLimits): Queue {
    const owner = queueOwner(name);
    const queue = this.#queues.get(owner) ?? this.#makeQueue(name);
    this.#queues.set(owner, queue);
    queue.limit(limits);
    return queue;
  }

  /**
   * Locks the directory if these routes need it, and sees to it that nothing in it is forgotten. Throws DATA_LOCKED, or CONFIG_INVALID when
   * a buffer with messages belongs to none of the routes, or a queue with messages was asked for by none.
   */
  async claim(routes: readonly { readonly name: string; readonly isBuffered: boolean }[]): Promise<void> {
    const owners = [...routes.filter((route) => route.isBuffered).map((route) => route.name), ...this.#queues.keys()];
    if (this.#isUsed || owners.length > 0) await this.#own();
    const orphans = await orphanedBuffers(this.path, owners);
    if (orphans.length > 0) throw new MqferryError('CONFIG_INVALID', orphans.map(orphanText).join('\n'));
    for (const known of knownRoutes(this.path)) {
      if (routes.some((route) => route.name === known)) continue;
      const sessions = Object.entries(routeState(this.path, known).clientIds).map(([end, id]) => `${end} ${id}`);
      if (sessions.length > 0)
        this.#log.warn({ route: known }, `route ${known} is gone, but brokers may keep messages for its sessions (${sessions.join(', ')})`);
    }
  }

  /** Closes the queues and gives the directory back. Safe to call twice. */
  async release(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }

  #makeQueue(name: string): DurableQueue {
    const directory = bufferDirectory(this.path, queueOwner(name));
    const log = withFields(this.#log, { queue: name });
    return new DurableQueue(name, (options, prefetch) => openBuffer(directory, options, { log, prefetch }));
  }

  async #own(): Promise<void> {
    if (this.#lock) return;
    await realFiles.makeDirectory(this.path);
    this.#lock = await lockDirectory(this.path);
  }
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
  const [lack, other] = isQueue(owner)
    ? ['no route names it with `store: disk`: let one read it, or', 'queue:<new>']
    : [`there is no route ${owner} with a disk buffer:`, '<new>'];
  return (
    `${bufferName(owner)} holds ${messages} messages, but ${lack} ` +
    `run \`mqferry buffer adopt ${owner} ${other}\` to give them to another, or \`mqferry buffer drop ${owner}\` to delete them`
  );
}
