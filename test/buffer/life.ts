/**
 * One life of a buffer on a simulated disk: producers write, a consumer reads and acks, and several times everything stops at a random
 * operation. After each start the buffer is compared with what it had confirmed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type DiskOptions, openBuffer, type RouteBuffer } from '../../src/buffer/buffer.ts';
import { Cipher } from '../../src/buffer/cipher.ts';
import type { Batch, Log, Sink, Source } from '../../src/connector.ts';
import { MqferryError } from '../../src/errors.ts';
import { Message } from '../../src/message.ts';
import { moving } from './moving.ts';
import { randomOf, type Sabotage, SimFs } from './sim-fs.ts';

export const silent: Log = { error() {}, warn() {}, info() {}, debug() {} };
const directory = '/buffer';
const cipher = Cipher.of('01'.repeat(32));
const batchMax = 5;

export interface LifeOptions {
  readonly seed: number;
  readonly sync?: DiskOptions['sync'];
  /** What ends a cycle. */
  readonly ends?: 'kill' | 'power' | 'either';
  /** A sync that fails, a disk that is full for a while. */
  readonly faults?: boolean;
  readonly sabotage?: Sabotage;
  readonly isEncrypted?: boolean;
  readonly cycles?: number;
}

export interface Outcome {
  readonly confirmed: number;
  readonly crashes: number;
}

/** Throws an error that says what was broken. */
export async function live(options: LifeOptions): Promise<Outcome> {
  const life = new Life(options);
  for (let cycle = 0; cycle < (options.cycles ?? 4); cycle++) await life.cycle();
  return { confirmed: life.confirmed, crashes: life.crashes };
}

class Life {
  confirmed = 0;
  crashes = 0;
  readonly #random: () => number;
  readonly #options: LifeOptions;
  #files: SimFs;
  /** Of this cycle: what still waits on a dead machine goes with it. */
  #signal = new AbortController().signal;
  /** Numbers of messages that were confirmed and not acked before they were read again. */
  readonly #owed = new Set<number>();
  /** What each position held, once it was confirmed or read. */
  readonly #positions = new Map<number, number>();
  /** Everything up to this number was acked, and the buffer said that it had saved that. */
  #forgotten = -1;
  #ackedUpTo = -1;
  #ackedInCycle = -1;
  #next = 0;
  #broken: Error | undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
    this.#random = randomOf(options.seed * 7919 + 13);
    this.#files = this.#sealed(new SimFs(this.#random, options.sabotage));
  }

  async cycle(): Promise<void> {
    const files = this.#files;
    this.#ackedInCycle = -1;
    this.#signal = new AbortController().signal;
    if (this.#random() < 0.15) files.crashIn = 1 + this.#below(8); // in the recovery itself
    const buffer = await Promise.race([this.#open(), files.crash]);
    if (buffer) {
      await this.#moving(files, this.#check(buffer));
      if (!files.isDead) await this.#run(buffer);
    }
    this.crashes++;
    files.stop();
    if (this.#broken) throw this.#broken;
    const isKill = this.#options.ends === 'kill' || (this.#options.ends !== 'power' && this.#random() < 0.3);
    this.#files = this.#sealed(isKill ? files.kill() : files.powerCut());
    if (!isKill && this.#options.sync === 'interval') this.#forgive();
  }

  #sealed(files: SimFs): SimFs {
    return this.#options.isEncrypted ? Object.assign(files, { cipher }) : files;
  }

  #open(): Promise<RouteBuffer> {
    const sync = this.#options.sync ?? 'always';
    // Frames have up to 3000 bytes: never from memory, now from there and now from the disk, mostly from memory.
    const recentBytes = [0, 3000, 50_000][this.#below(3)] as number;
    const tuning = {
      segmentBytes: 6000,
      frameBytes: 3000,
      unsavedMax: 12,
      cursorDelayMs: 3,
      diskRetryMs: 1,
      recordBytesMax: 5000,
      recentBytes,
    };
    return openBuffer(
      directory,
      { maxBytes: this.#random() < 0.3 ? 20_000 : 64 * 1024, sync, everyMs: 2 },
      { log: silent, files: this.#files, tuning },
    );
  }

  /** Reads all that is there, and compares. */
  async #check(buffer: RouteBuffer): Promise<void> {
    const seen = new Set<number>();
    const far = await buffer.far.open(this.#signal);
    let last = -1;
    for (let left = buffer.stats().messages; left > 0; ) {
      const batch = (await far.read({ messages: 1 + this.#below(20), bytes: 1e9 }, this.#signal)) as Batch;
      for (const message of batch.messages) {
        const number = this.#verify(message);
        if (number <= last) throw new Error(`message ${number} after ${last}`);
        if (number <= this.#forgotten)
          throw new Error(`message ${number} again, though everything up to ${this.#forgotten} was saved as acked`);
        last = number;
        seen.add(number);
      }
      left -= batch.messages.length;
    }
    for (const number of this.#owed) if (!seen.has(number)) throw new Error(`message ${number} was confirmed and is gone`);
    await far.close();
  }

  /** Works until the crash. */
  async #run(buffer: RouteBuffer): Promise<void> {
    const files = this.#files;
    files.crashIn = 3 + this.#below(140);
    if (this.#options.faults && this.#random() < 0.3) files.failSyncIn = 1 + this.#below(25);
    if (this.#options.faults && this.#random() < 0.3) this.#fillDisk(files);
    const near = await buffer.near.open(this.#signal);
    const parts = [this.#produce(near), this.#produce(near), this.#comeAndGo(buffer), this.#consume(buffer)];
    for (const part of parts) part.catch((error) => this.#judge(error, files));
    const failed = Promise.all(parts.map((part) => part.catch(() => undefined)));
    await this.#moving(files, failed);
    files.stop();
    await nextTurn();
  }

  async #produce(near: Sink): Promise<void> {
    const files = this.#files;
    while (!files.isDead) {
      const messages = Array.from({ length: 1 + this.#below(batchMax) }, () => this.#message());
      const refusals = await near.write(messages);
      if (files.isDead) return;
      if (refusals.length > 0) throw new Error(`refused: ${refusals[0]?.error.message}`);
      for (const message of messages) this.#confirm(Number(message.id));
      while (this.#random() < 0.3) await nextTurn();
    }
  }

  /** Another writer, who closes at any moment and comes again: what it had not confirmed may be there or not. */
  async #comeAndGo(buffer: RouteBuffer): Promise<void> {
    const files = this.#files;
    while (!files.isDead) {
      const near = await buffer.near.open(this.#signal);
      const producing = this.#produce(near).catch((error) => {
        if (!(error instanceof MqferryError && error.code === 'NOT_CONNECTED')) throw error;
      });
      const leaving = (async () => {
        do await nextTurn();
        while (this.#random() < 0.9 && !files.isDead);
        await near.close();
      })();
      await Promise.all([producing, leaving]);
    }
  }

  async #consume(buffer: RouteBuffer): Promise<void> {
    let far = await buffer.far.open(this.#signal);
    const files = this.#files;
    const batches: Batch[] = [];
    while (!files.isDead) {
      const unacked = batches.reduce((sum, { messages }) => sum + messages.length, 0);
      // Nothing more to be had: a full buffer would wait for the acks.
      if (buffer.stats().messages === unacked) for (const batch of batches.splice(0)) this.#ack(batch);
      const batch = (await far.read({ messages: 1 + this.#below(8), bytes: 2000 }, this.#signal)) as Batch;
      if (files.isDead) return;
      for (const message of batch.messages) this.#verify(message);
      batches.push(batch);
      if (batches.length > this.#below(4)) this.#ack(batches.shift() as Batch);
      if (this.#random() < 0.05) far = await this.#reopen(buffer, far, batches);
      while (this.#random() < 0.2) await nextTurn();
    }
  }

  async #reopen(buffer: RouteBuffer, far: Source, batches: Batch[]): Promise<Source> {
    const files = this.#files;
    const acked = this.#ackedInCycle;
    await far.close();
    if (!files.isDead && files.failSyncIn > 0) this.#forgotten = Math.max(this.#forgotten, acked);
    batches.length = 0;
    return buffer.far.open(this.#signal);
  }

  #ack(batch: Batch): void {
    batch.ack();
    for (const message of batch.messages) {
      this.#owed.delete(Number(message.id));
      this.#ackedInCycle = Number(message.id);
      this.#ackedUpTo = Math.max(this.#ackedUpTo, this.#ackedInCycle);
    }
  }

  #message(): Message {
    const number = this.#next++;
    return new Message({ id: String(number), body: bodyOf(number), headers: [['n', number]] });
  }

  #confirm(number: number): void {
    this.confirmed++;
    // It may have been read and acked before the writer was told.
    if (number > this.#ackedUpTo) this.#owed.add(number);
  }

  #verify(message: Message): number {
    const number = Number(message.id);
    if (number >= this.#next) throw new Error(`message ${message.id} was never written`);
    if (!message.body?.equals(bodyOf(number)) || message.header('n') !== number)
      throw new Error(`message ${number} is not what was written`);
    const position = message.origin['bufferSequence'] as number;
    const before = this.#positions.get(position);
    if (before !== undefined && before !== number) throw new Error(`position ${position} held ${before}, now ${number}`);
    this.#positions.set(position, number);
    return number;
  }

  /** Without a sync before the confirm, a power cut may take anything, and positions are given again. */
  #forgive(): void {
    this.#owed.clear();
    this.#positions.clear();
  }

  #fillDisk(files: SimFs): void {
    files.capacity = 15_000 + this.#below(20_000);
  }

  /** A failed sync ends the buffer, and must do so for everybody; anything else is a fault of the buffer. */
  #judge(error: unknown, files: SimFs): void {
    const isExpected = error instanceof MqferryError && error.code === 'BUFFER_FAILED' && files.failSyncIn <= 0;
    if (!isExpected) this.#broken ??= error as Error;
    if (!isExpected) files.stop();
  }

  #moving(files: SimFs, work: Promise<unknown>): Promise<void> {
    return moving(files.crash, work, () => `${files.operations} operations`);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

function bodyOf(number: number): Buffer {
  return Buffer.alloc((number * 37) % 900, `${number}.`);
}
