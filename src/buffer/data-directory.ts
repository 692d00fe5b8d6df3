/** The data directory of a running mqferry: locked, made only when something needs it. */
import { resolve } from 'node:path';
import type { BufferModel } from '../config/model.ts';
import type { Log } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import { openBuffer, type RouteBuffer } from './buffer.ts';
import { realFiles } from './fs.ts';
import { bufferDirectory, type KnownBuffer, knownRoutes, orphanedBuffers, routeState, storedClientId } from './instance.ts';
import { type DirectoryLock, lockDirectory } from './lock.ts';
import { memoryBuffer } from './memory.ts';

export class DataDirectory {
  readonly path: string;
  readonly #log: Log;
  #lock: DirectoryLock | undefined;
  /** Client ids were taken from it: nobody else may use them. */
  #isUsed = false;

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

  /**
   * Locks the directory if these routes need it, and sees to it that nothing in it is forgotten. Throws DATA_LOCKED, or CONFIG_INVALID when
   * a buffer with messages belongs to none of the routes.
   */
  async claim(routes: readonly { readonly name: string; readonly isBuffered: boolean }[]): Promise<void> {
    if (this.#isUsed || routes.some((route) => route.isBuffered)) await this.#own();
    const buffered = routes.filter((route) => route.isBuffered).map((route) => route.name);
    const orphans = await orphanedBuffers(this.path, buffered);
    if (orphans.length > 0) throw new MqferryError('CONFIG_INVALID', orphans.map(orphanText).join('\n'));
    for (const known of knownRoutes(this.path)) {
      if (routes.some((route) => route.name === known)) continue;
      const sessions = Object.entries(routeState(this.path, known).clientIds).map(([end, id]) => `${end} ${id}`);
      if (sessions.length > 0)
        this.#log.warn({ route: known }, `route ${known} is gone, but brokers may keep messages for its sessions (${sessions.join(', ')})`);
    }
  }

  /** Gives the directory back. Safe to call twice. */
  async release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }

  async #own(): Promise<void> {
    if (this.#lock) return;
    await realFiles.makeDirectory(this.path);
    this.#lock = await lockDirectory(this.path);
  }
}

function orphanText({ route, messages }: KnownBuffer): string {
  return (
    `the buffer of route ${route} holds ${messages} messages, but there is no route ${route} with a disk buffer: ` +
    `run \`mqferry buffer adopt ${route} <new>\` to give them to another route, or \`mqferry buffer drop ${route}\` to delete them`
  );
}
