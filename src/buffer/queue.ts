/** A queue on disk that joins routes: the log of a buffer, shared by all ends that name it. */
import type { Queue, QueueLimits, Sink, SinkEnd, Source, SourceEnd } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import { type BufferStats, type DiskOptions, farCan, nearCan, type RouteBuffer } from './buffer.ts';

/** What it is open as: a buffer or, of many readers, a stage. */
export type QueueLog = Pick<RouteBuffer, 'near' | 'far' | 'failed' | 'stats' | 'close'>;

/** What a queue may hold on disk when none of its ends says it. */
const maxBytesDefault = 1024 * 1024 * 1024;

/** Opens the log of a queue; `prefetch`: acked positions that may be missing on disk. */
type OpenLog = (options: DiskOptions, prefetch: number) => Promise<QueueLog>;

/** From the first link to the last one closed. */
interface Life {
  readonly log: Promise<QueueLog>;
  links: number;
}

/**
 * - *at rest*: nobody uses it, nothing is open. The first link leads to a life.
 * - *alive*: some links, one log. The last link that closes, or one that closes after the log has failed, ends the life.
 * - *ending*: the log is being closed, its cursor saved. A link that comes now waits, and begins the next life, through recovery.
 */
export class DurableQueue implements Queue {
  readonly near: SinkEnd;
  readonly far: SourceEnd;
  readonly #name: string;
  readonly #openLog: OpenLog;
  #limits: QueueLimits = {};
  #life: Life | undefined;
  /** Resolves once the life before is over. */
  #ended: Promise<void> = Promise.resolve();
  #isRead = false;
  /** The log that was opened last; it can still be asked when it is closed. */
  #log: QueueLog | undefined;

  /** Opens nothing. `name`: what errors call it, `the queue alarms`. */
  constructor(name: string, openLog: OpenLog) {
    this.#name = name;
    this.#openLog = openLog;
    this.near = { can: nearCan('always'), open: () => this.#openNear() };
    this.far = { can: farCan('always'), open: () => this.#openFar() };
  }

  /** Takes over what one more end says of its limits. */
  limit(limits: QueueLimits): void {
    this.#limits = { ...this.#limits, ...limits };
  }

  /** What it holds, or held when its log was closed. Undefined until the log has been open. Cheap. */
  stats(): BufferStats | undefined {
    return this.#log?.stats();
  }

  /** Ends its life, whoever still uses it. Safe to call twice. */
  async close(): Promise<void> {
    this.#end(this.#life);
    await this.#ended;
  }

  async #openNear(): Promise<Sink> {
    const { link, close } = await this.#link((log) => log.near.open(never));
    return { write: (messages) => link.write(messages), close };
  }

  // Of a buffer: a second reader would end the first one's link, and the first the second's, for ever.
  async #openFar(): Promise<Source> {
    if (this.#isRead && this.#limits.readers !== 'many')
      throw new MqferryError('CONFIG_INVALID', `${this.#name} is being read: one route reads it at a time`);
    this.#isRead = true;
    const free = () => {
      this.#isRead = false;
    };
    try {
      const { link, close } = await this.#link((log) => log.far.open(never));
      return { read: (room, signal) => link.read(room, signal), close: () => close().finally(free) };
    } catch (error) {
      free();
      throw error;
    }
  }

  async #link<L extends { close(): Promise<void> }>(open: (log: QueueLog) => Promise<L>): Promise<{ link: L; close(): Promise<void> }> {
    this.#life ??= this.#begin();
    const life = this.#life;
    life.links++;
    try {
      const log = await life.log;
      const link = await open(log);
      let closing: Promise<void> | undefined;
      const closeLink = () => link.close().finally(() => this.#leave(life, log.failed !== undefined));
      return { link, close: () => (closing ??= closeLink()) };
    } catch (error) {
      await this.#leave(life, false);
      throw error;
    }
  }

  #begin(): Life {
    const { maxBytes = maxBytesDefault, maxMessages, prefetch = 1000 } = this.#limits;
    const options: DiskOptions = { maxBytes, maxMessages, sync: 'always', everyMs: 0 };
    const log = this.#ended.then(() => this.#openLog(options, prefetch));
    const opened = (own: QueueLog) => {
      this.#log = own;
      return own;
    };
    return { log: log.then(opened), links: 0 };
  }

  /** With a failed log nothing can be done any more: who comes next gets a new one, even while others have not noticed yet. */
  async #leave(life: Life, hasFailed: boolean): Promise<void> {
    if (--life.links > 0 && !hasFailed) return;
    this.#end(life);
    await this.#ended;
  }

  #end(life: Life | undefined): void {
    if (!life || this.#life !== life) return;
    this.#life = undefined;
    this.#ended = life.log.then(
      // An error of the disk has been told to all who wrote or read; who comes next opens it anew, through recovery.
      (log) => log.close().catch(() => undefined),
      () => undefined, // it was never open; those who wanted it have been told
    );
  }
}

const never = new AbortController().signal;
