/**
 * Calls that wait for their replies, on disk: `request` steps write them, one `reply` step answers them. They are kept in the stage of that `reply`
 * step, beside the replies; its keeper brings the two together.
 */
import type { Sink } from '../../connector.ts';
import { MqferryError, notConnected } from '../../errors.ts';
import { Message } from '../../message.ts';
import type { OpenStage } from '../stage/stage.ts';
import { Changes } from '../waiting.ts';
import type { CallKeeper } from './call-keeper.ts';

/** Who asked, and how long they wait. */
export interface Call {
  readonly replyTo: string;
  readonly correlationId: string | Buffer | undefined;
  readonly timeoutMs: number;
}

export interface CallStats {
  /** That wait. */
  readonly calls: number;
  /** Of the files. */
  readonly bytes: number;
  /** Age of the oldest, in ms. */
  readonly oldestMs?: number | undefined;
  /** Calls that waited in vain, since the start. */
  readonly timedOut: number;
}

export interface Calls {
  /**
   * Takes as many as there is room for, from the first on; waits until there is room for one. Resolves once they are on disk, with what each is
   * known by, or the error of one that is refused. Throws BUFFER_FAILED or NOT_CONNECTED.
   */
  put(calls: readonly Call[], signal: AbortSignal): Promise<readonly (string | MqferryError)[]>;
  stats(): CallStats;
}

/** What is written of who asked may not be longer: a stranger has chosen it. */
const addressBytesMax = 4096;

export class OpenCalls implements Calls {
  readonly stage: OpenStage;
  readonly #keeper: CallKeeper;
  readonly #maxCalls: number;
  readonly #changes = new Changes();
  #near: Promise<Sink> | undefined;
  #putting = 0;

  constructor(stage: OpenStage, keeper: CallKeeper, maxCalls: number) {
    this.stage = stage;
    this.#keeper = keeper;
    this.#maxCalls = maxCalls;
    keeper.onEnded = () => this.#changes.tell();
  }

  async put(calls: readonly Call[], signal: AbortSignal): Promise<readonly (string | MqferryError)[]> {
    const room = await this.#room(signal);
    const given = calls.slice(0, room).map((call): Message | MqferryError => refusalOf(call) ?? this.#keeper.call(call, recordOf(call)));
    const fitting = given.filter((one) => one instanceof Message);
    this.#putting += fitting.length;
    try {
      const refusals = await (await this.#link()).write(fitting);
      const errors = new Map(refusals.map(({ message, error }) => [message, error]));
      return given.map((one) => (one instanceof Message ? (errors.get(one) ?? this.#keeper.nameOf(one)) : one));
    } finally {
      this.#putting -= fitting.length;
    }
  }

  stats(): CallStats {
    const { bytes, oldestMs } = this.stage.stats();
    return { calls: this.#keeper.groups, bytes, oldestMs, timedOut: this.#keeper.timedOut };
  }

  get failed(): MqferryError | undefined {
    return this.stage.failed;
  }

  async close(): Promise<void> {
    await (await this.#near)?.close();
    await this.stage.close();
  }

  #link(): Promise<Sink> {
    this.#near ??= this.stage.near.open(new AbortController().signal);
    return this.#near;
  }

  /** Replies need room, too: so calls have a limit of their own. */
  async #room(signal: AbortSignal): Promise<number> {
    for (;;) {
      const room = this.#maxCalls - this.#keeper.groups - this.#putting;
      if (room > 0) return room;
      if (signal.aborted) throw notConnected('the route is stopping');
      await this.#changes.next(signal);
    }
  }
}

function refusalOf({ replyTo, correlationId }: Call): MqferryError | undefined {
  const bytes = Buffer.byteLength(replyTo) + (correlationId === undefined ? 0 : Buffer.byteLength(correlationId));
  if (bytes <= addressBytesMax) return undefined;
  return new MqferryError('TOO_LARGE', `its replyTo and correlationId are ${bytes} bytes long together, and ${addressBytesMax} may be`);
}

/** What is kept of who asked. */
function recordOf({ replyTo, correlationId }: Call): Message {
  return new Message({ body: null, replyTo, correlationId });
}
