/**
 * Bodies that are kept on disk under a claim, until what they belong to has arrived: the memory of `claimCheck`, in the log of a stage. A body is an
 * arrival whose note is its claim; that it was collected is a decision, `<until when it is kept on, on the stage's clock>:<claim>`.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Log as Logger } from '../../connector.ts';
import { MqferryError, notConnected } from '../../errors.ts';
import { Message } from '../../message.ts';
import { DueHeap } from '../../steps/due-heap.ts';
import { codeOf, type FileSystem, realFiles } from '../fs.ts';
import type { Release } from '../stage/keeper.ts';
import { StageLog } from '../stage/stage-log.ts';

/** Nobody can guess it: who has it was given it. */
export type Claim = string;

export interface ClaimStats {
  readonly bodies: number;
  readonly bytes: number;
  /** Of the oldest body that was not collected, in ms; a little too much. */
  readonly oldestMs?: number | undefined;
}

export interface Claims {
  /** Resolves with a claim for each body once all are on disk. Waits for room. Rejects with BUFFER_FAILED or NOT_CONNECTED, with TOO_LARGE for what never fits. */
  put(bodies: readonly Buffer[], signal: AbortSignal): Promise<readonly Claim[]>;
  /** Undefined when there is none, or none any more. */
  get(claim: Claim): Promise<Buffer | undefined>;
  /** What they belong to has arrived: they are kept on for so long. Resolves once that is on disk. */
  collect(claims: readonly Claim[], keepMs: number): Promise<void>;
  stats(): ClaimStats;
  close(): Promise<void>;
}

export interface ClaimContext {
  readonly log: Logger;
  readonly clock: Clock;
  readonly files?: FileSystem | undefined;
  /** For tests. */
  readonly segmentBytes?: number;
}

interface Body {
  readonly id: number;
  /** It is being collected, or was: a copy of its message does not do so again. */
  isCollected: boolean;
}

/** A body that is to go when its time is over, and the decision that says so. */
interface Leaving {
  readonly claim: Claim;
  readonly decision: number;
}

const mebibyte = 1024 * 1024;
const sweepMs = 1000;

export class ClaimLog implements Claims {
  readonly #log: StageLog;
  readonly #clock: Clock;
  readonly #bodies: Map<Claim, Body>;
  readonly #due = new DueHeap();
  /** By the id of the body. */
  readonly #leaving = new Map<number, Leaving>();
  readonly #offsetMs: number;
  readonly #bytesMax: number;
  readonly #timer: NodeJS.Timeout;

  private constructor(log: StageLog, bodies: Map<Claim, Body>, clock: Clock, lastMs: number, bytesMax: number) {
    this.#log = log;
    this.#bytesMax = bytesMax;
    this.#clock = clock;
    this.#bodies = bodies;
    // Time has gone on while nothing ran; if the wall clock says that it went back, it has stood still.
    this.#offsetMs = Math.max(clock.date(), lastMs) - clock.now();
    this.#timer = setInterval(() => this.#sweep(), sweepMs).unref();
  }

  /** Opens the log in a directory, or makes one. Throws BUFFER_FAILED when it is damaged. */
  static async open(directory: string, maxBytes: number, context: ClaimContext): Promise<ClaimLog> {
    const bodies = new Map<Claim, Body>();
    const onKept = ({ id, note }: { readonly id: number; readonly note: string }) => void bodies.set(note, { id, isCollected: false });
    try {
      const { log, found } = await StageLog.open(directory, { ...logOptions(maxBytes, context), onKept });
      const claims = new ClaimLog(log, bodies, context.clock, found.lastMs, bodyBytesMax(maxBytes));
      for (const { id, release, isDone } of found.decided) {
        if (isDone) log.done([[id]]);
        else claims.#collected(release.members[0] as number, id, release.why);
      }
      return claims;
    } catch (error) {
      if (error instanceof MqferryError) throw error;
      throw new MqferryError('BUFFER_FAILED', `cannot open the bodies in ${directory}: ${codeOf(error)}`, { cause: error });
    }
  }

  async put(bodies: readonly Buffer[], signal: AbortSignal): Promise<readonly Claim[]> {
    const claims = bodies.map(() => randomBytes(16).toString('base64url'));
    const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
    // What never fits would wait for room for ever.
    if (bytes > this.#bytesMax)
      throw new MqferryError('TOO_LARGE', `a body of ${bytes} bytes is more than the ${this.#bytesMax} that fit into the store`);
    await this.#room(bytes, signal);
    const at = this.#now;
    const arriving = bodies.map((body, i) => ({ message: new Message({ body }), note: claims[i] as Claim, at }));
    const [refused] = await this.#log.append(arriving, this);
    if (refused) throw refused.error;
    return claims;
  }

  async get(claim: Claim): Promise<Buffer | undefined> {
    const body = this.#bodies.get(claim);
    if (!body) return undefined;
    try {
      const [message] = await this.#log.load([body.id]);
      return message?.body ?? Buffer.alloc(0);
    } catch (error) {
      if (!this.#bodies.has(claim)) return undefined; // its time was over while it was read
      throw error;
    }
  }

  async collect(claims: readonly Claim[], keepMs: number): Promise<void> {
    const until = Math.floor(this.#now + keepMs);
    const releases = claims.flatMap((claim): Release[] => {
      const body = this.#bodies.get(claim);
      if (!body || body.isCollected) return [];
      body.isCollected = true;
      return [{ members: [body.id], why: `${until}:${claim}` }];
    });
    if (releases.length === 0) return;
    const decisions = await this.#log.decide(releases);
    for (const [i, { members, why }] of releases.entries()) this.#collected(members[0] as number, decisions[i] as number, why);
    this.#sweep();
  }

  get failed(): MqferryError | undefined {
    return this.#log.failed;
  }

  stats(): ClaimStats {
    const { oldestMs } = this.#log;
    const age = oldestMs === undefined ? undefined : Math.max(0, this.#clock.date() - oldestMs);
    return { bodies: this.#bodies.size, bytes: this.#log.bytes, oldestMs: age };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#log.close();
  }

  get #now(): number {
    return this.#offsetMs + this.#clock.now();
  }

  #collected(id: number, decision: number, why: string): void {
    const colon = why.indexOf(':');
    const claim = why.slice(colon + 1);
    this.#bodies.set(claim, { id, isCollected: true });
    this.#leaving.set(id, { claim, decision });
    this.#due.push(Number(why.slice(0, colon)), id);
  }

  /** Gives up what was collected and has been kept on for long enough. */
  #sweep(): void {
    if (this.#log.failed || this.#log.isClosed) return;
    for (let id = this.#due.takeDue(this.#now); id !== undefined; id = this.#due.takeDue(this.#now)) {
      const { claim, decision } = this.#leaving.get(id) as Leaving;
      this.#leaving.delete(id);
      this.#bodies.delete(claim);
      this.#log.done([[decision, id]]);
    }
  }

  async #room(bytes: number, signal: AbortSignal): Promise<void> {
    while (!this.#log.hasRoom(bytes) && !this.#log.isEmpty) {
      if (this.#log.failed) throw this.#log.failed;
      if (this.#log.isClosed || signal.aborted) throw notConnected('the bodies are closed');
      await this.#log.change(signal);
    }
  }
}

/** What fits beside a file that cannot go yet, and what is left free. */
function bodyBytesMax(maxBytes: number): number {
  return Math.min(64 * mebibyte, Math.floor(maxBytes / 2)) - 512;
}

function logOptions(
  maxBytes: number,
  { log, files = realFiles, segmentBytes = Math.min(32 * mebibyte, Math.max(16 * 1024, Math.floor(maxBytes / 32))) }: ClaimContext,
): Omit<Parameters<typeof StageLog.open>[1], 'onKept'> {
  return {
    files,
    logger: log,
    maxBytes,
    segmentBytes,
    frameBytes: Math.min(mebibyte, segmentBytes),
    recordBytesMax: bodyBytesMax(maxBytes) + 256,
    cacheBytes: 16 * mebibyte,
    unsavedMax: 1000,
    saveDelayMs: 10,
    isAtomic: true,
    diskRetryMs: 500,
    closeTimeoutMs: 5000,
  };
}
