/**
 * How the last life of each route ended: `lives/<route>.json` in the data directory. Beside them a lock of their own, so that a process that
 * needs the directory for nothing else is not in the way of one that has its buffers there.
 */
import type { Log } from '../connector.ts';
import { describeError } from '../errors.ts';
import { readJson, saveJson } from './durable-file.ts';
import { realFiles } from './fs.ts';
import { type DirectoryLock, lockDirectory } from './lock.ts';

export interface LifeRecord {
  /** The route runs. Found at a start: it was not stopped, its process has ended under it. */
  readonly isRunning: boolean;
  /** In the order of the pumps. */
  readonly pumps: readonly PumpRecord[];
}

/** What a pump that takes few messages at a time says of them. */
export interface PumpRecord {
  /** The ids of the messages that are being handled; written before they are. */
  readonly underWay?: readonly string[] | undefined;
  /** By id, how often in a row a message was found under way when the process had ended. */
  readonly suspects?: Readonly<Record<string, number>>;
}

/** The memory of one route. */
export interface Life {
  /** What the life before has left; undefined when there was none. */
  readonly last: LifeRecord | undefined;
  /** Resolves once it would survive a power cut. One at a time. Throws what the file system throws. */
  save(record: LifeRecord): Promise<void>;
}

export class Lives {
  readonly #directory: string;
  readonly #log: Log;
  #lock: DirectoryLock | undefined;
  #claimed: Promise<boolean> | undefined;

  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  /** Makes the directory the first time. Undefined, and one warning in all, where nothing can be kept: no route stops for that. */
  async open(route: string): Promise<Life | undefined> {
    this.#claimed ??= this.#claim();
    if (!(await this.#claimed)) return undefined;
    const path = `${this.#directory}/${route}.json`;
    return { last: lastIn(path), save: (record) => saveJson(path, record) };
  }

  /** Gives the directory back. Safe to call twice. */
  async release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }

  async #claim(): Promise<boolean> {
    try {
      await realFiles.makeDirectory(this.#directory);
      this.#lock = await lockDirectory(this.#directory);
      return true;
    } catch (error) {
      const text = 'a message that ends the process will not be found out: nothing can be kept in';
      this.#log.warn({}, `${text} ${this.#directory} (${describeError(error)}); choose another data directory with --data`);
      return false;
    }
  }
}

function lastIn(path: string): LifeRecord | undefined {
  try {
    const last = readJson<LifeRecord>(path);
    return last && { isRunning: last.isRunning, pumps: last.pumps.map(whole) };
  } catch {
    return { isRunning: true, pumps: [] }; // there was a life, and it cannot be said that it ended well
  }
}

function whole({ underWay = [], suspects = {} }: PumpRecord): PumpRecord {
  return { underWay: [...underWay], suspects: { ...suspects } };
}
