/**
 * A stage: a step that keeps messages beyond their ack. Its near side is a durable sink, its far side a source; (near.ts, far.ts), between them a log (stage-log.ts)
 * and a keeper, which says what leaves and when. Timers and groups are in memory only: they come out of the log at each start.
 */
import type { Clock } from '../../clock.ts';
import type { Log as Logger, SinkEnd, Source, SourceEnd } from '../../connector.ts';
import { Either } from '../../either.ts';
import { MqferryError } from '../../errors.ts';
import { type BufferStats, farCan, nearCan } from '../buffer.ts';
import { frameHeaderBytes } from '../frame.ts';
import { codeOf, type FileSystem, realFiles } from '../fs.ts';
import { FarSource } from './far.ts';
import type { Keeper, Kept, Release, Remembers, StageTime } from './keeper.ts';
import { NearSink } from './near.ts';
import type { Decided } from './recovery.ts';
import { StageLog, type StageLogOptions } from './stage-log.ts';
import type { StageStore } from './store.ts';

export interface StageOptions {
  /** All its files together. */
  readonly maxBytes: number;
  /** Messages that are kept, at most. */
  readonly maxMessages: number;
  /** Its far side may be open several times: each message goes to one of the readers. */
  readonly hasManyReaders?: true;
}

export interface StageContext {
  readonly log: Logger;
  readonly clock: Clock;
  /** Done ids that may be missing on disk; a crash repeats them. Default 1000. */
  readonly prefetch?: number | undefined;
  readonly files?: FileSystem | undefined;
  /** For tests. */
  readonly tuning?: Partial<StageLogOptions>;
}

export interface StageStats extends BufferStats {
  readonly groups?: number | undefined;
}

/** What a stage has to say of its messages, since it was opened: `recovered + arrived = merged + left + waiting`. */
export interface StageBooks {
  readonly recovered: number;
  readonly arrived: number;
  /** Went into another one: of several that became one, all but one; or into nothing, as a copy does. */
  readonly merged: number;
  /** Were handed out, the first time; of several that became one, that one. */
  readonly left: number;
  /** Have not been handed out. */
  readonly waiting: number;
}

/** A stage that is open. */
export interface OpenStage {
  /** Carried by its messages as `origin.bufferId`. */
  readonly id: string;
  readonly near: SinkEnd;
  readonly far: SourceEnd;
  readonly books: StageBooks;
  /** Why nothing is put into it or taken from it any more: it must be opened anew. */
  readonly failed: MqferryError | undefined;
  stats(): StageStats;
  /** For a route that comes and goes while the stage stays open: with books that begin now. Closing it does nothing. */
  lent(): OpenStage;
  close(): Promise<void>;
}

const mebibyte = 1024 * 1024;
/** The wall clock may be set while something waits for a time of day: it is looked at this often. */
const lookAgainMs = 30_000;

/** Opens the stage in a directory of its own, or makes one. Throws BUFFER_FAILED when it is damaged. */
export async function openStage(directory: string, keeper: Keeper, options: StageOptions, context: StageContext): Promise<OpenStage> {
  const { log: logger, files = realFiles, clock } = context;
  let stage: Stage | undefined;
  let recovered = 0;
  const onKept = (kept: Kept) => {
    if (stage) return stage.kept(kept);
    recovered++;
    keeper.add(kept);
  };
  try {
    const { log, found } = await StageLog.open(directory, {
      ...logOptions(options, context, files),
      isAtomic: keeper.decides,
      logger,
      onKept,
    });
    stage = new Stage(log, keeper, options, clock, found.lastMs);
    stage.restore(recovered, found.decided);
    return stage;
  } catch (error) {
    if (error instanceof MqferryError) throw error;
    throw new MqferryError('BUFFER_FAILED', `cannot open the stage in ${directory}: ${codeOf(error)}`, { cause: error });
  }
}

function logOptions(
  { maxBytes }: StageOptions,
  context: StageContext,
  files: FileSystem,
): Omit<StageLogOptions, 'onKept' | 'logger' | 'isAtomic'> {
  if (maxBytes < 256 * 1024) throw new MqferryError('CONFIG_INVALID', `a stage of ${maxBytes} bytes holds little; give it 256KiB or more`);
  const segmentBytes = Math.min(32 * mebibyte, Math.max(16 * 1024, Math.floor(maxBytes / 32)));
  return {
    files,
    maxBytes,
    segmentBytes,
    frameBytes: Math.min(mebibyte, segmentBytes),
    // What fits beside a file that cannot go yet, and what is left free.
    recordBytesMax: Math.min(64 * mebibyte, Math.floor(maxBytes / 2) - frameHeaderBytes),
    cacheBytes: 16 * mebibyte,
    unsavedMax: context.prefetch ?? 1000,
    saveDelayMs: 10,
    diskRetryMs: 500,
    closeTimeoutMs: 5000,
    ...context.tuning,
  };
}

/** What is ready to leave. `id`: of the decision, or of the only member. */
export interface Ready {
  readonly id: number;
  readonly release: Release;
  /** It was handed out in this life: it is counted as merged already. */
  wasOut: boolean;
}

/** An open stage, as its two ends share it. */
export class Stage implements OpenStage {
  readonly near: SinkEnd;
  readonly far: SourceEnd = { can: farCan('always'), open: async () => this.#openFar() };
  readonly store: StageStore;
  readonly keeper: Keeper;
  #arrived = 0;
  #merged = 0;
  #left = 0;
  /** Of the messages, those that have been handed out. */
  #out = 0;
  readonly #options: StageOptions;
  readonly #clock: Clock;
  /** The stage's clock at the monotonic 0. */
  readonly #offsetMs: number;
  /** Decided, and not handed out, in order. */
  readonly ready: Ready[] = [];
  /** Messages that have come and are not done. */
  #messages = 0;
  #recovered = 0;
  readonly #fars = new Set<FarSource>();
  /** By key, the decision that is remembered of it, the one that is not used for longest first. */
  readonly #remembered = new Map<string, number>();

  constructor(store: StageStore, keeper: Keeper, options: StageOptions, clock: Clock, lastMs: number) {
    this.store = store;
    this.keeper = keeper;
    this.#options = options;
    const maxWrite = { messages: options.maxMessages, bytes: Number.POSITIVE_INFINITY };
    this.near = { can: { ...nearCan('always'), maxWrite }, open: async () => new NearSink(this) };
    this.#clock = clock;
    // Time has gone on while nothing ran; if the wall clock says that it went back, it has stood still.
    this.#offsetMs = Math.max(clock.date(), lastMs) - clock.now();
  }

  get id(): string {
    return this.store.id;
  }

  get failed(): MqferryError | undefined {
    return this.store.failed;
  }

  get time(): StageTime {
    return { stage: this.#offsetMs + this.#clock.now(), date: this.#clock.date() };
  }

  stats(): StageStats {
    const { keeper } = this;
    const oldestMs = keeper.remembers ? keeper.oldestAt : this.store.oldestMs;
    return {
      messages: this.#messages,
      bytes: this.store.bytes,
      limitBytes: this.#options.maxBytes,
      oldestMs: oldestMs === undefined ? undefined : Math.max(0, this.#clock.date() - oldestMs),
      recovered: this.#recovered,
      full: !this.isEmpty && !this.hasRoom(1, 0),
      ...(keeper.groups !== undefined && { groups: keeper.groups }),
    };
  }

  get isEmpty(): boolean {
    return this.#messages === 0 && this.store.isEmpty;
  }

  hasRoom(messages: number, bytes: number): boolean {
    return this.#messages + messages <= this.#options.maxMessages && this.store.hasRoom(bytes);
  }

  kept(kept: Kept): void {
    this.#messages++;
    this.#arrived++;
    this.keeper.add(kept);
  }

  restore(kept: number, decided: readonly Decided[]): void {
    this.#messages = kept;
    const { remembers } = this.keeper;
    for (const { id, release, isDone } of decided) {
      remembers?.recall(release.why);
      if (isDone) {
        if (remembers) this.#remembered.set(remembers.keyOf(release.why), id);
        else this.store.done([[id]]);
        continue;
      }
      this.ready.push({ id, release, wasOut: false });
      this.#messages += release.members.length;
    }
    this.#recovered = this.#messages;
  }

  get books(): StageBooks {
    const waiting = this.#messages - this.#out;
    return { recovered: this.#recovered, arrived: this.#arrived, merged: this.#merged, left: this.#left, waiting };
  }

  /** It leaves, the first time or again. */
  leaves(one: Ready): void {
    if (one.wasOut) return;
    one.wasOut = true;
    this.#left++;
    this.#merged += one.release.members.length - 1;
    this.#out += one.release.members.length;
  }

  /** Nothing of it leaves. */
  goes(one: Ready): void {
    this.#merged += one.release.members.length;
    this.#out += one.release.members.length;
    this.done([one]);
  }

  /** The same stage for a route that ends before it is closed: with books that begin now. */
  lent(): OpenStage {
    const before = this.books;
    const again = this.ready.filter(({ wasOut }) => wasOut).length;
    const stage = this;
    return {
      id: this.id,
      near: this.near,
      far: this.far,
      get books() {
        const { arrived, merged, left, waiting } = stage.books;
        return {
          recovered: before.waiting + again,
          arrived: arrived - before.arrived,
          merged: merged - before.merged,
          left: left - before.left + again,
          waiting,
        };
      },
      stats: () => this.stats(),
      get failed() {
        return stage.failed;
      },
      close: async () => undefined,
      lent: () => this.lent(),
    };
  }

  done(ended: readonly Ready[]): void {
    this.store.done(ended.map((one) => this.#givenUp(one)));
  }

  /** What need not be kept when this one has ended. */
  #givenUp({ id, release }: Ready): readonly number[] {
    this.#messages -= release.members.length;
    this.#out -= release.members.length;
    const { decides, remembers } = this.keeper;
    if (remembers) return [...release.members, ...this.#remember(remembers, id, release.why)];
    return decides ? [id, ...release.members] : release.members;
  }

  /** The decision stays; returns those that need not be remembered any more. */
  #remember({ keyOf, maxKeys, forget }: Remembers, id: number, why: string): number[] {
    const key = keyOf(why);
    const given: number[] = [];
    const before = this.#remembered.get(key);
    if (before !== undefined) given.push(before);
    this.#remembered.delete(key);
    this.#remembered.set(key, id);
    // A few at once: to find the oldest of a Map, V8 walks over the places of all that were deleted before it.
    if (this.#remembered.size <= maxKeys + Math.floor(maxKeys / 16)) return given;
    for (const [oldest, decision] of this.#remembered) {
      if (this.#remembered.size <= maxKeys) break;
      this.#remembered.delete(oldest);
      forget(oldest);
      given.push(decision);
    }
    return given;
  }

  /** Resolves after so long, or when there is something new to look at. */
  async rest(ms: number | undefined, signal: AbortSignal): Promise<void> {
    const stop = new Either(signal);
    const waits = [this.store.change(stop.signal)];
    if (ms !== undefined) waits.push(this.#clock.sleep(Math.min(Math.max(ms, 0), lookAgainMs), stop.signal));
    await Promise.race(waits);
    stop.drop();
    stop.abort();
  }

  async close(): Promise<void> {
    for (const far of this.#fars) await far.close();
    await this.store.close();
  }

  /** One reader at a time, where there are not many: opening the next one ends the one before. */
  async #openFar(): Promise<Source> {
    if (this.store.failed) throw this.store.failed;
    if (!this.#options.hasManyReaders) for (const far of this.#fars) await far.close();
    const far = new FarSource(this, () => this.#fars.delete(far));
    this.#fars.add(far);
    return far;
  }
}
