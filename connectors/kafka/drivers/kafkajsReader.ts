/** Reads by kafkajs' `eachBatch`: each batch waits there, with heartbeats, until it is fetched, so that reading stays a pull. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { type Message, MqferryError, notConnected } from '../../../src/connector.ts';
import { failure, isFailure } from '../failures.ts';
import { Gaps } from '../gaps.ts';
import { fromRecord } from '../message.ts';
import type { Chunk, Claim, ClientOptions, Position, Reader, ReaderHooks, ReaderOptions } from '../port.ts';
import { kafkaOf, limited } from './kafkajsClient.ts';

interface Offer {
  readonly chunk: Chunk;
  taken: boolean;
}

const waitMs = 500;
const joinMarginMs = 20_000;

export async function openKafkajsReader(client: ClientOptions, options: ReaderOptions, hooks: ReaderHooks): Promise<Reader> {
  const reader = new KafkajsReader(client, options, hooks);
  try {
    await reader.open();
  } catch (error) {
    await reader.close();
    throw failure(`cannot read from Kafka at ${client.brokers.join(', ')}`, error);
  }
  return reader;
}

class KafkajsReader implements Reader {
  readonly #options: ReaderOptions;
  readonly #hooks: ReaderHooks;
  readonly #gaps: Gaps;
  readonly #admin: Admin;
  readonly #consumer: Consumer;
  #claims = new Map<string, Claim>();
  /** The offset that the next batch of a claim must have been asked for. */
  readonly #expected = new Map<Claim, number>();
  #offers: Offer[] = [];
  #changed = Promise.withResolvers<void>();
  #joined = Promise.withResolvers<void>();
  #lastSign = Date.now();
  #failure: MqferryError | undefined;
  #closed = false;

  constructor(client: ClientOptions, options: ReaderOptions, hooks: ReaderHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#gaps = new Gaps(options);
    const kafka = kafkaOf(client);
    this.#admin = kafka.admin();
    this.#consumer = kafka.consumer({
      groupId: options.groupId,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: Math.max(options.rebalanceTimeoutMs, options.sessionTimeoutMs),
      heartbeatInterval: Math.max(200, Math.min(3000, Math.trunc(options.sessionTimeoutMs / 10))),
      maxWaitTimeInMs: waitMs,
      // A partition that had no leader at the last look is left out until the next one, five minutes later unless told otherwise.
      metadataMaxAge: 5000,
      maxBytes: options.fetchBytes,
      maxBytesPerPartition: options.fetchBytes,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1000, restartOnFailure: async () => false },
    });
    this.#joined.promise.catch(() => undefined); // open() may have given up before
    this.#listen();
  }

  async open(): Promise<void> {
    await this.#admin.connect();
    const topics = await this.#topics();
    for (const topic of topics) await patiently(() => this.#prepare(topic));
    await this.#consumer.connect();
    // Out of range, kafkajs goes where this says and commits it: earliest, so that nothing is skipped before we notice.
    await this.#consumer.subscribe({ topics, fromBeginning: true });
    await this.#consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: (payload) => this.#eachBatch(payload) });
    const limitMs = this.#options.rebalanceTimeoutMs + joinMarginMs;
    const timer = setTimeout(() => this.#fail(notConnected(`the group ${this.#options.groupId} did not come to rest`)), limitMs);
    await this.#joined.promise.finally(() => clearTimeout(timer));
  }

  async fetch(): Promise<readonly Chunk[]> {
    if (this.#failure) throw this.#failure;
    if (this.#offers.length === 0) {
      const silence = Date.now() - this.#lastSign;
      if (silence > this.#options.rebalanceTimeoutMs) throw notConnected(`kafkajs has fetched nothing for ${silence} ms`);
      await this.#news();
    }
    if (this.#failure) throw this.#failure;
    const live = this.#offers.filter(({ chunk }) => chunk.claim.live);
    for (const offer of live) offer.taken = true;
    if (live.length > 0) this.#lastSign = Date.now();
    this.#offers = [];
    this.#tell();
    return live.map(({ chunk }) => chunk);
  }

  async commit(positions: readonly Position[]): Promise<boolean> {
    const offsets = positions.map(({ claim, next }) => ({ topic: claim.topic, partition: claim.partition, offset: String(next) }));
    try {
      await this.#consumer.commitOffsets(offsets);
      return true;
    } catch (error) {
      if (isFailure(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS')) return false;
      throw failure(`cannot commit positions of group ${this.#options.groupId}`, error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const claim of this.#claims.values()) claim.live = false;
    this.#fail(notConnected('this Kafka link was closed'));
    await limited([this.#consumer.disconnect(), this.#admin.disconnect()]);
  }

  async #topics(): Promise<string[]> {
    const { topics = [], pattern } = this.#options;
    if (pattern === undefined) return [...topics];
    const matching = (await this.#admin.listTopics()).filter((topic) => pattern.test(topic) && !topic.startsWith('__'));
    if (matching.length === 0) throw new MqferryError('NOT_FOUND', `no topic matches ${pattern.source}`);
    return matching;
  }

  /** Before joining: positions outside the log are a gap, and a new group that starts at the end gets its positions now. */
  async #prepare(topic: string): Promise<void> {
    const { groupId, from } = this.#options;
    const log = new Map(
      (await this.#admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => [
        partition,
        { earliest: Number(low), latest: Number(high) },
      ]),
    );
    const [found] = await this.#admin.fetchOffsets({ groupId, topics: [topic] });
    const committed = (found?.partitions ?? []).map(({ partition, offset }) => ({ partition, offset: Number(offset) }));
    const isNew = committed.every(({ offset }) => offset < 0);
    const moves: { partition: number; offset: string }[] = [];
    for (const { partition, offset } of committed) {
      const range = log.get(partition);
      if (!range) continue;
      const claim: Claim = { topic, partition, lane: `${topic}/${partition}`, live: true };
      if (offset < 0 && isNew && from === 'latest') moves.push({ partition, offset: String(range.latest) });
      else if (offset >= 0 && (offset < range.earliest || offset > range.latest)) {
        moves.push({ partition, offset: String(await this.#gaps.outOfRange(claim, offset, async (at) => range[at])) });
      }
    }
    if (moves.length > 0) await this.#admin.setOffsets({ groupId, topic, partitions: moves });
  }

  #listen(): void {
    const { events } = this.#consumer;
    const sign = () => {
      this.#lastSign = Date.now();
    };
    for (const event of [events.FETCH, events.GROUP_JOIN, events.REBALANCING]) this.#consumer.on(event, sign);
    this.#consumer.on(events.REBALANCING, () => this.#leaving());
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => this.#share(payload.memberAssignment));
    this.#consumer.on(events.CRASH, ({ payload }) => this.#fail(failure('the kafkajs consumer ended', payload.error)));
    // Batches of nothing but markers and aborted records never come to eachBatch.
    this.#consumer.on(events.END_BATCH_PROCESS, ({ payload }) => {
      const claim = this.#claims.get(`${payload.topic}/${payload.partition}`);
      if (claim && payload.batchSize === 0) this.#expected.set(claim, Number(payload.lastOffset) + 1);
    });
  }

  #leaving(): void {
    const positions = this.#hooks.unsettled();
    if (positions.length === 0) return;
    this.commit(positions).catch((error: unknown) => {
      this.#options.log.debug({ error }, 'positions could not be committed before the group shared out anew');
    });
  }

  // kafkajs starts from the committed position again after each join, also where a partition stays: every claim is new.
  #share(assignment: Readonly<Record<string, readonly number[]>>): void {
    for (const claim of this.#claims.values()) claim.live = false;
    this.#claims = new Map();
    this.#expected.clear();
    this.#offers = [];
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions)
        this.#claims.set(`${topic}/${partition}`, { topic, partition, lane: `${topic}/${partition}`, live: true });
    }
    this.#hooks.settled();
    this.#joined.resolve();
    this.#tell();
  }

  async #eachBatch({ batch, resolveOffset, heartbeat, isRunning, isStale }: EachBatchPayload): Promise<void> {
    const claim = this.#claims.get(`${batch.topic}/${batch.partition}`);
    if (!claim || isStale()) return;
    await this.#checkGap(claim, Number((batch as unknown as { readonly fetchedOffset: string }).fetchedOffset));
    const last = batch.lastOffset();
    const messages = batch.messages.map((message) => toMessage(claim, message));
    const offer: Offer = { chunk: { claim, messages, next: Number(last) + 1 }, taken: false };
    this.#offers.push(offer);
    this.#tell();
    try {
      while (!offer.taken) {
        await heartbeat(); // throws when the group shares out anew: kafkajs then joins again
        if (!isRunning() || !claim.live || this.#closed) return;
        if (!offer.taken) await this.#news();
      }
    } finally {
      // Also when a heartbeat fails: what was taken must not be fetched again, and what was not will be.
      if (offer.taken && claim.live) {
        resolveOffset(last);
        this.#expected.set(claim, offer.chunk.next);
      } else this.#offers = this.#offers.filter((other) => other !== offer);
    }
    await heartbeat();
  }

  /** kafkajs resets a position that is out of range by itself; it shows in the offset it asked for. */
  async #checkGap(claim: Claim, fetched: number): Promise<void> {
    const expected = this.#expected.get(claim);
    if (expected === undefined || fetched === expected) return;
    try {
      const offsets = (await this.#admin.fetchTopicOffsets(claim.topic)).find(({ partition }) => partition === claim.partition);
      await this.#gaps.outOfRange(claim, expected, async (at) => Number(at === 'earliest' ? offsets?.low : offsets?.high));
    } catch (error) {
      const problem = failure('cannot read', error);
      this.#fail(problem);
      throw problem;
    }
  }

  #fail(error: MqferryError): void {
    this.#failure ??= error;
    this.#joined.reject(error);
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #news(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([this.#changed.promise, limit]);
    clearTimeout(timer);
  }
}

/** kafkajs does not look for the leader again when it asks for offsets; a topic just made, or just moved, needs a moment. */
async function patiently(ask: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt > 5 || !isFailure(error, 'NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION')) throw error;
      await sleep(200);
    }
  }
}

function toMessage(claim: Claim, record: KafkaMessage): Message {
  const headers: [string, Buffer | null][] = [];
  // Only bytes are headers: kafkajs keeps them in a plain object, and a name like `constructor` comes with what the object has under it.
  for (const [name, value] of Object.entries(record.headers ?? {})) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each === null || Buffer.isBuffer(each)) headers.push([name, each]);
    }
  }
  return fromRecord(claim, Number(record.offset), Number(record.timestamp), record.key, record.value, headers);
}
