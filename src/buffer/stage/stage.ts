/**
 * A stage: a step that keeps messages beyond their ack. Its near side is a durable sink, its far side a source; between them a log (stage-log.ts)
 * and a keeper, which says what leaves and when. Timers and groups are in memory only: they come out of the log at each start.
 */
import type { Clock } from '../../clock.ts';
import type { Batch, Log as Logger, Refusal, Room, Sink, SinkEnd, Source, SourceEnd } from '../../connector.ts';
import { MqferryError, notConnected } from '../../errors.ts';
import type { Message } from '../../message.ts';
import type { Refused } from '../appends.ts';
import { type BufferStats, farCan, nearCan } from '../buffer.ts';
import { frameHeaderBytes } from '../frame.ts';
import { codeOf, type FileSystem, realFiles } from '../fs.ts';
import type { Entry } from './entry.ts';
import type { Keeper, Kept, Release, StageTime } from './keeper.ts';
import { type Arriving, StageLog, type StageLogOptions } from './stage-log.ts';

export interface StageOptions {
  /** All its files together. */
  readonly maxBytes: number;
  /** Messages that are kept, at most. */
  readonly maxMessages: number;
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

/** A stage that is open. */
export interface OpenStage {
  /** Carried by its messages as `origin.bufferId`. */
  readonly id: string;
  readonly near: SinkEnd;
  readonly far: SourceEnd;
  /** Since it was opened: `recovered + arrived = merged + left + waiting`. */
  readonly books: {
    readonly recovered: number;
    readonly arrived: number;
    readonly merged: number;
    readonly left: number;
    readonly waiting: number;
  };
  stats(): StageStats;
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
interface Ready {
  readonly id: number;
  readonly release: Release;
  /** It was handed out in this life: it is counted as merged already. */
  wasOut: boolean;
}

/** The memory of a stage; {@link StageLog} is the one on disk. */
export interface StageStore {
  readonly id: string;
  readonly bytes: number;
  readonly failed: MqferryError | undefined;
  readonly isClosed: boolean;
  /** Nothing is kept. */
  readonly isEmpty: boolean;
  readonly savesLag: boolean;
  readonly oldestMs: number | undefined;
  hasRoom(bytes: number): boolean;
  append(arriving: readonly Arriving[], writer: object): Promise<readonly Refused<Entry>[]>;
  cancel(writer: object): Promise<void>;
  decide(releases: readonly Release[]): Promise<readonly number[]>;
  load(ids: readonly number[]): Promise<Message[]>;
  done(ids: readonly number[]): void;
  change(signal: AbortSignal): Promise<void>;
  tell(): void;
  save(): Promise<void>;
  close(): Promise<void>;
}

export class Stage implements OpenStage {
  readonly near: SinkEnd = { can: nearCan('always'), open: async () => new NearSink(this) };
  readonly far: SourceEnd = { can: farCan('always'), open: async () => this.#openFar() };
  readonly log: StageStore;
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
  #far: FarSource | undefined;

  constructor(log: StageStore, keeper: Keeper, options: StageOptions, clock: Clock, lastMs: number) {
    this.log = log;
    this.keeper = keeper;
    this.#options = options;
    this.#clock = clock;
    // Time has gone on while nothing ran; if the wall clock says that it went back, it has stood still.
    this.#offsetMs = Math.max(clock.date(), lastMs) - clock.now();
  }

  get id(): string {
    return this.log.id;
  }

  get time(): StageTime {
    return { stage: this.#offsetMs + this.#clock.now(), date: this.#clock.date() };
  }

  stats(): StageStats {
    const { oldestMs } = this.log;
    return {
      messages: this.#messages,
      bytes: this.log.bytes,
      limitBytes: this.#options.maxBytes,
      oldestMs: oldestMs === undefined ? undefined : Math.max(0, this.#clock.date() - oldestMs),
      recovered: this.#recovered,
      full: !this.hasRoom(0, 0),
      ...(this.keeper.groups !== undefined && { groups: this.keeper.groups }),
    };
  }

  /** Also for what is being written now. A message of any size that may come fits into an empty stage. */
  hasRoom(messages: number, bytes: number): boolean {
    if (this.#messages === 0 && this.log.isEmpty) return true;
    return this.#messages + messages < this.#options.maxMessages && this.log.hasRoom(bytes);
  }

  kept(kept: Kept): void {
    this.#messages++;
    this.#arrived++;
    this.keeper.add(kept);
  }

  restore(kept: number, decided: readonly { readonly id: number; readonly release: Release }[]): void {
    this.#messages = kept;
    for (const { id, release } of decided) {
      this.ready.push({ id, release, wasOut: false });
      this.#messages += release.members.length;
    }
    this.#recovered = this.#messages;
  }

  get books(): OpenStage['books'] {
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

  done({ id, release }: Ready): void {
    this.#messages -= release.members.length;
    this.#out -= release.members.length;
    this.log.done(this.keeper.decides ? [id, ...release.members] : release.members);
  }

  /** Resolves after so long, or when there is something new to look at. */
  async rest(ms: number | undefined, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const waits = [this.log.change(both)];
    if (ms !== undefined) waits.push(this.#clock.sleep(Math.min(Math.max(ms, 0), lookAgainMs), both));
    await Promise.race(waits);
    stop.abort();
  }

  async close(): Promise<void> {
    await this.#far?.close();
    await this.log.close();
  }

  /** One reader at a time: opening the next one ends the one before. */
  async #openFar(): Promise<Source> {
    if (this.log.failed) throw this.log.failed;
    await this.#far?.close();
    this.#far = new FarSource(this);
    return this.#far;
  }
}

class NearSink implements Sink {
  readonly #stage: Stage;
  readonly #stop = new AbortController();
  /** Writes that wait for room, one behind the other. */
  #turn: Promise<unknown> | undefined;
  #pendingMessages = 0;
  #pendingBytes = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = [];
    const arriving = this.#noted(messages, refusals);
    const bytes = arriving.reduce((sum, { message }) => sum + message.bytes, 0);
    if (this.#turn || !this.#hasRoom(arriving.length, bytes)) await this.#room(arriving.length, bytes);
    if (this.#stop.signal.aborted) throw notConnected('this end of the stage is closed');
    this.#pendingMessages += arriving.length;
    this.#pendingBytes += bytes;
    try {
      for (const { item, error } of await this.#stage.log.append(arriving, this))
        refusals.push({ message: item.kind === 'arrival' ? (item.message as Message) : (messages[0] as Message), error, retry: false });
    } finally {
      this.#pendingMessages -= arriving.length;
      this.#pendingBytes -= bytes;
    }
    return refusals;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#stage.log.cancel(this);
  }

  #noted(messages: readonly Message[], refusals: Refusal[]): Arriving[] {
    const at = this.#stage.time.stage;
    const arriving: Arriving[] = [];
    for (const message of messages) {
      try {
        arriving.push({ message, note: this.#stage.keeper.note(message), at });
      } catch (error) {
        if (!(error instanceof MqferryError)) throw error;
        refusals.push({ message, error, retry: false });
      }
    }
    return arriving;
  }

  #hasRoom(messages: number, bytes: number): boolean {
    return this.#stage.hasRoom(this.#pendingMessages + messages, this.#pendingBytes + bytes);
  }

  async #room(messages: number, bytes: number): Promise<void> {
    const before = this.#turn;
    const own = (async () => {
      await before;
      while (!this.#hasRoom(messages, bytes) && !this.#stop.signal.aborted) {
        const { log } = this.#stage;
        if (log.failed) throw log.failed;
        if (log.isClosed) throw notConnected('the stage is closed');
        await log.change(this.#stop.signal);
      }
    })();
    const turn = own
      .catch(() => undefined)
      .then(() => {
        if (this.#turn === turn) this.#turn = undefined;
      });
    this.#turn = turn;
    await own;
  }
}

class FarSource implements Source {
  readonly #stage: Stage;
  /** Handed out and not acked, in order. */
  #out: { readonly ready: readonly Ready[]; isAcked: boolean }[] = [];
  #isClosed = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** What is ready by now; while something waits for its time the source has more to give. */
  get isCaughtUp(): boolean {
    return this.#stage.ready.length === 0;
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    const { log, keeper } = this.#stage;
    for (;;) {
      this.#check();
      if (signal.aborted) return null;
      if (!log.savesLag) {
        await this.#decide(room.messages);
        this.#check();
        if (this.#stage.ready.length > 0) return this.#batch(room);
      }
      // While too little of what is done is on disk, nothing leaves, whatever is due.
      await this.#stage.rest(log.savesLag ? undefined : keeper.waitMs(this.#stage.time), signal);
    }
  }

  /** What was handed out and not acked is the first to leave again. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stage.ready.unshift(...this.#out.flatMap(({ ready, isAcked }) => (isAcked ? [] : ready)));
    this.#out = [];
    this.#stage.log.tell();
    await this.#stage.log.save();
  }

  #check(): void {
    const { log } = this.#stage;
    if (this.#isClosed) throw notConnected('this end of the stage is closed');
    if (log.failed) throw log.failed;
    if (log.isClosed) throw notConnected('the stage is closed');
  }

  /** Asks the keeper for what is due, and remembers its decisions before anything of them leaves. */
  async #decide(most: number): Promise<void> {
    const { keeper, ready, log } = this.#stage;
    const due: Release[] = [];
    while (ready.length + due.length < most) {
      const release = keeper.take(this.#stage.time);
      if (!release) break;
      due.push(release);
    }
    if (due.length === 0) return;
    const ids = keeper.decides ? await log.decide(due) : due.map(({ members }) => members[0] as number);
    for (const [i, release] of due.entries()) ready.push({ id: ids[i] as number, release, wasOut: false });
  }

  async #batch(room: Room): Promise<Batch> {
    const { ready, log } = this.#stage;
    const messages: Message[] = [];
    let bytes = 0;
    for (const one of ready) {
      if (messages.length > 0 && (messages.length >= room.messages || bytes >= room.bytes)) break;
      const message = this.#made(await log.load(one.release.members), one);
      bytes += message.bytes;
      messages.push(message);
    }
    this.#check();
    const out = { ready: ready.splice(0, messages.length), isAcked: false };
    for (const one of out.ready) this.#stage.leaves(one);
    this.#out.push(out);
    return { messages, ack: () => this.#ack(out) };
  }

  /** One that cannot be made goes the way of what cannot be decoded, with all that it was to be made of. */
  #made(members: readonly Message[], { id, release }: Ready): Message {
    const { keeper } = this.#stage;
    try {
      const message = keeper.make(members, release.why);
      if (!keeper.decides) return message;
      return message.asStored({ ...message.origin, bufferId: this.#stage.id, bufferSequence: id });
    } catch (error) {
      return keeper.failed(members, error as Error).asStored({ bufferId: this.#stage.id, bufferSequence: id });
    }
  }

  #ack(out: { readonly ready: readonly Ready[]; isAcked: boolean }): void {
    if (this.#isClosed) return;
    out.isAcked = true;
    this.#out = this.#out.filter((one) => one !== out);
    for (const one of out.ready) this.#stage.done(one);
  }
}
