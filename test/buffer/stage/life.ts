/**
 * The lives of one stage on a simulated disk: messages come, leave and are acked until everything stops at some operation of the disk, again and
 * again. From outside it is known what was confirmed, what left with whom, and what was acked.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Keeper } from '../../../src/buffer/stage/keeper.ts';
import { type OpenStage, openStage } from '../../../src/buffer/stage/stage.ts';
import type { Clock } from '../../../src/clock.ts';
import type { Batch, Sink } from '../../../src/connector.ts';
import { MqferryError } from '../../../src/errors.ts';
import { Message } from '../../../src/message.ts';
import { silent } from '../life.ts';
import { moving } from '../moving.ts';
import { randomOf, type Sabotage, SimFs } from '../sim-fs.ts';

export interface StageLifeOptions {
  readonly seed: number;
  /** Makes what is under test, fresh for each life. */
  readonly keeper: (random: () => number) => Keeper;
  readonly sabotage?: Sabotage;
  /** A disk that is full for a while, a sync that fails. */
  readonly faults?: boolean;
  readonly cycles?: number;
  /** Default 1. */
  readonly readers?: number;
  /** How long a message waits at least, in ms. */
  readonly waits?: ((message: Message) => number) | undefined;
  /** A message leaves for the first time. Throws what is wrong with that. */
  readonly look?: (message: Message) => void;
}

export interface StageOutcome {
  readonly confirmed: number;
  readonly acked: number;
  readonly copies: number;
}

const directory = '/stage';
export const unsavedMax = 12;
/** Of one message, at most. */
const bodyMax = 700;
const reliefMs = 1000;

/** Throws an error that says what was broken. */
export async function liveStage(options: StageLifeOptions): Promise<StageOutcome> {
  const life = new StageLife(options);
  for (let cycle = 0; cycle < (options.cycles ?? 5); cycle++) await life.cycle(cycle === (options.cycles ?? 5) - 1);
  return life.outcome;
}

class StageLife {
  readonly #random: () => number;
  readonly #options: StageLifeOptions;
  #files: SimFs;
  #signal = new AbortController().signal;
  #next = 1;
  /** Confirmed by the near side. */
  readonly #confirmed = new Set<number>();
  readonly #acked = new Set<number>();
  /** With whom a message left, as it is said of each message. */
  readonly #company = new Map<number, string>();
  #copies = 0;
  /** Of those that came in this life, when. */
  #cameAt = new Map<number, number>();
  /** Of each reader, what it has not acked. */
  readonly #held = new Set<Set<number>>();
  #broken: Error | undefined;
  /** Time that passes, and what the wall clock makes of it. */
  #ticks = 0;
  #wallMs = 1_000_000;

  constructor(options: StageLifeOptions) {
    this.#options = options;
    this.#random = randomOf(options.seed * 7919 + 31);
    this.#files = new SimFs(this.#random, options.sabotage);
  }

  get outcome(): StageOutcome {
    return { confirmed: this.#confirmed.size, acked: this.#acked.size, copies: this.#copies };
  }

  /** The last one is left in peace until all has left: nothing may be missing. */
  async cycle(isLast: boolean): Promise<void> {
    const files = this.#files;
    this.#signal = new AbortController().signal;
    this.#cameAt = new Map();
    this.#held.clear();
    if (this.#random() < 0.2) this.#setClock();
    if (!isLast && this.#random() < 0.15) files.crashIn = 1 + this.#below(8);
    const stage = await Promise.race([this.#open(), files.crash]);
    if (stage && !files.isDead) {
      if (isLast) await this.#moving(files, this.#empty(stage));
      else await this.#run(stage);
    }
    files.stop();
    await nextTurn();
    if (this.#broken) throw this.#broken;
    this.#files = this.#random() < 0.4 ? files.kill() : files.powerCut();
  }

  #setClock(): void {
    this.#wallMs += (this.#below(2000) - 1000) * 1000;
  }

  async #open(): Promise<OpenStage> {
    const { keeper } = this.#options;
    const tuning = {
      segmentBytes: 4000,
      frameBytes: 2500,
      recordBytesMax: 2000,
      cacheBytes: [0, 3000, 100_000][this.#below(3)] as number,
      unsavedMax,
      saveDelayMs: 2,
      diskRetryMs: 1,
    };
    const context = { log: silent, clock: this.#clock(), files: this.#files, tuning };
    const many = (this.#options.readers ?? 1) > 1 && { hasManyReaders: true as const };
    return openStage(directory, keeper(this.#random), { maxBytes: 256 * 1024, maxMessages: 150, ...many }, context);
  }

  /** Works until the crash. */
  async #run(stage: OpenStage): Promise<void> {
    const files = this.#files;
    files.crashIn = 5 + this.#below(250);
    if (this.#options.faults && this.#random() < 0.3) files.failSyncIn = 1 + this.#below(40);
    if (this.#options.faults && this.#random() < 0.3) files.capacity = 30_000 + this.#below(30_000);
    // Full for a while: what waits for room, as a decision does, must go on once there is some. No life takes so long that does not wait for it.
    const relief = setTimeout(() => (files.capacity = Number.POSITIVE_INFINITY), reliefMs);
    const near = await stage.near.open(this.#signal);
    const readers = Array.from({ length: this.#options.readers ?? 1 }, () => this.#consume(stage));
    const parts = [this.#produce(near), this.#produce(near), ...readers];
    for (const part of parts) part.catch((error: unknown) => this.#judge(error, files));
    await this.#moving(files, Promise.all(parts.map((part) => part.catch(() => undefined)))).finally(() => clearTimeout(relief));
  }

  async #produce(near: Sink): Promise<void> {
    const files = this.#files;
    while (!files.isDead) {
      const messages = Array.from({ length: 1 + this.#below(6) }, () => this.#message());
      for (const message of messages) this.#cameAt.set(numberOf(message), this.#ticks);
      const refusals = await near.write(messages);
      if (files.isDead) return;
      if (refusals.length > 0) throw new Error(`refused: ${refusals[0]?.error.message}`);
      for (const message of messages) this.#confirmed.add(numberOf(message));
      while (this.#random() < 0.4) await nextTurn();
    }
  }

  async #consume(stage: OpenStage): Promise<void> {
    const files = this.#files;
    let far = await stage.far.open(this.#signal);
    let batches: Batch[] = [];
    const held = new Set<number>();
    this.#held.add(held);
    while (!files.isDead) {
      const batch = (await far.read({ messages: 1 + this.#below(8), bytes: 4000 }, this.#signal)) as Batch;
      if (files.isDead) return;
      for (const message of batch.messages) {
        this.#leaves(message);
        for (const number of membersOf(message)) this.#hold(number, held);
      }
      batches.push(batch);
      while (batches.length > this.#below(4)) {
        const first = batches.shift() as Batch;
        this.#ack(first);
        for (const number of first.messages.flatMap(membersOf)) held.delete(number);
      }
      this.#balance(stage);
      if (this.#random() < 0.05) this.#setClock();
      if (this.#random() < 0.05) {
        held.clear();
        await far.close();
        batches = [];
        far = await stage.far.open(this.#signal);
      }
    }
  }

  /** Takes all that is there, with nothing new; each message that was confirmed must have left. */
  async #empty(stage: OpenStage): Promise<void> {
    const far = await stage.far.open(this.#signal);
    while (stage.stats().messages > 0) {
      const batch = (await far.read({ messages: 20, bytes: 1e9 }, this.#signal)) as Batch;
      for (const message of batch.messages) this.#leaves(message);
      this.#ack(batch);
    }
    this.#balance(stage);
    await far.close();
    await stage.close();
    const missing = [...this.#confirmed].filter((number) => !this.#acked.has(number));
    if (missing.length > 0) throw new Error(`confirmed and never left: ${missing.slice(0, 5)}`);
  }

  #hold(number: number, held: Set<number>): void {
    if ([...this.#held].some((other) => other.has(number)))
      throw new Error(`message ${number} was handed out, and not acked, and left again`);
    held.add(number);
  }

  #balance({ books: { recovered, arrived, merged, left, waiting } }: OpenStage): void {
    if (recovered + arrived !== merged + left + waiting)
      throw new Error(`the books do not balance: ${JSON.stringify({ recovered, arrived, merged, left, waiting })}`);
  }

  #ack(batch: Batch): void {
    batch.ack();
    for (const message of batch.messages) for (const number of membersOf(message)) this.#acked.add(number);
  }

  #leaves(message: Message): void {
    const members = membersOf(message);
    if (message.fault) throw message.fault;
    for (const number of members) {
      if (number >= this.#next) throw new Error(`message ${number} was never written`);
      const before = this.#company.get(number);
      if (before !== undefined && before !== members.join())
        throw new Error(`message ${number} left with ${before}, now with ${members.join()}`);
      if (before !== undefined) this.#copies++;
      else this.#leavesFirst(message, number);
      this.#company.set(number, members.join());
    }
  }

  #leavesFirst(message: Message, number: number): void {
    this.#options.look?.(message);
    const cameAt = this.#cameAt.get(number);
    const waits = this.#options.waits?.(message) ?? 0;
    if (cameAt !== undefined && this.#ticks - cameAt < waits)
      throw new Error(`message ${number} left after ${this.#ticks - cameAt} ms, and was to wait ${waits}`);
  }

  #message(): Message {
    const number = this.#next++;
    const group = this.#below(4);
    // In their order but for some: those have another one's place.
    const place = this.#random() < 0.2 ? this.#below(number + 5) : number;
    const headers: [string, number][] = [
      ['group', group],
      ['place', place],
      ['wait', this.#random() < 0.1 ? this.#below(900) : this.#below(30)],
    ];
    return new Message({ id: String(number), body: Buffer.alloc(this.#below(bodyMax), `${number}.`), headers });
  }

  /** A failed sync ends the stage, and must do so for everybody; anything else is a fault of the stage. */
  #judge(error: unknown, files: SimFs): void {
    const isExpected = error instanceof MqferryError && error.code === 'BUFFER_FAILED' && files.failSyncIn <= 0;
    if (!isExpected) this.#broken ??= error as Error;
    files.stop();
  }

  /** Time passes where somebody waits for it. */
  #clock(): Clock {
    const ms = () => this.#ticks;
    return {
      now: ms,
      date: () => this.#wallMs + this.#ticks,
      random: this.#random,
      sleep: async (forMs, signal) => {
        const until = this.#ticks + forMs;
        while (this.#ticks < until && !signal?.aborted) {
          await nextTurn();
          // Another one who waits may have taken it past `until`: it never goes back.
          this.#ticks += 1 + Math.max(0, Math.floor((until - this.#ticks) / 8));
        }
      },
    };
  }

  #moving(files: SimFs, work: Promise<unknown>): Promise<void> {
    const progress = () => `${files.operations} operations, ${this.#next - 1} written, ${this.#company.size} left, ${this.#copies} copies`;
    return moving(files.crash, work, progress);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

function numberOf(message: Message): number {
  return Number(message.id);
}

/** The messages that this one was made of: itself, or what its body says. */
function membersOf(message: Message): number[] {
  return message.type === 'group' ? (message.json() as number[]) : [numberOf(message)];
}
