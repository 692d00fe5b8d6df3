/** Reads by an own loop on the library's `fetch()`: own positions, one request per broker at a time, and errors that end nothing by themselves. */
import { Consumer } from '@platformatic/kafka';
import { type MqferryError, notConnected } from '../../../src/connector.ts';
import { failure, isFailure } from '../failures.ts';
import { Gaps } from '../gaps.ts';
import type { Chunk, ClientOptions, Position, Reader, ReaderHooks, ReaderOptions } from '../port.ts';
import { readBatches } from '../records.ts';
import { readChunk } from './fetched.ts';
import { committedAt, type Held, locate, newlyHeld, offsetAt, topicIdText } from './held.ts';
import { type CommittedOffset, Membership, type Share } from './membership.ts';
import { baseOptions, closeAll } from './platformaticClient.ts';
import { type FetchAnswer, type FetchedPartition, fetchBytes } from './platformaticWire.ts';
import { TopicWatch } from './topicWatch.ts';

/** What one answer may grow to when it is unpacked; the rest is fetched again. */
const unpackedMax = 64 * 1024 * 1024;
const waitMs = 500;
const pauseMs = 250;
/** A change of leader in good order takes 1 to 5 s; after that the link counts as lost. */
const patienceMs = 6000;

export async function openPlatformaticReader(client: ClientOptions, options: ReaderOptions, hooks: ReaderHooks): Promise<Reader> {
  const reader = new PlatformaticReader(client, options, hooks);
  try {
    await reader.open();
  } catch (error) {
    await reader.close();
    throw failure(`cannot read from Kafka at ${client.brokers.join(', ')}`, error);
  }
  return reader;
}

class PlatformaticReader implements Reader {
  readonly #options: ReaderOptions;
  readonly #hooks: ReaderHooks;
  readonly #group: Membership;
  /** Fetches on connections of its own: a broker answers one connection in order, and a long poll would hold up heartbeats. */
  readonly #client: Consumer;
  readonly #topics: TopicWatch;
  readonly #gaps: Gaps;
  #held = new Map<string, Held>();
  #ready: Chunk[] = [];
  #busy = new Map<number, Promise<void>>();
  #pausedUntil = new Map<number, number>();
  #stale = true;
  #locating: Promise<void> | undefined;
  #failure: MqferryError | undefined;
  #closed = false;

  constructor(client: ClientOptions, options: ReaderOptions, hooks: ReaderHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#group = new Membership(client, options, {
      leaving: () => this.#leaving(),
      joined: (shares, continuous) => this.#joined(shares, continuous),
    });
    this.#client = new Consumer({ ...baseOptions(client), groupId: options.groupId, autocommit: false, isolationLevel: 1, retries: 0 });
    this.#client.on('error', () => {}); // every failure also rejects the call that met it
    fetchBytes(this.#client);
    this.#topics = new TopicWatch(this.#client, client, options);
    this.#gaps = new Gaps(options);
  }

  async open(): Promise<void> {
    const topics = await this.#topics.find();
    this.#client.topics.trackAll(...topics);
    await this.#group.join(topics);
    // From here on, what is written is read: also by a new group that starts at the end.
    await this.#locating;
    if (this.#failure) throw this.#failure;
  }

  async fetch(): Promise<readonly Chunk[]> {
    this.#check();
    await this.#startRequests();
    if (this.#ready.length === 0) await this.#wait();
    this.#check();
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  get isCaughtUp(): boolean {
    if (this.#ready.length > 0 || this.#failure) return false;
    return [...this.#held.values()].every(({ position, end }) => position !== undefined && end !== undefined && position >= end);
  }

  async commit(positions: readonly Position[]): Promise<boolean> {
    const offsets: CommittedOffset[] = [];
    for (const { claim, next } of positions) {
      const held = this.#held.get(claim.lane);
      if (held?.claim === claim) offsets.push(committedAt(held, next));
    }
    return offsets.length === 0 || this.#group.commit(offsets);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { claim } of this.#held.values()) claim.live = false;
    await closeAll([this.#group.consumer, this.#client, ...this.#topics.clients]);
  }

  #check(): void {
    if (this.#closed) throw notConnected('this Kafka link was closed');
    if (this.#failure) throw this.#failure;
    this.#group.check();
    const now = Date.now();
    for (const held of this.#held.values()) {
      if (held.troubleSince > 0 && now - held.troubleSince > patienceMs) throw failure(`cannot read ${held.claim.lane}`, held.trouble);
    }
  }

  // --- what is ours

  #leaving(): void {
    const positions = this.#hooks.unsettled();
    if (positions.length === 0) return;
    this.commit(positions).catch((error: unknown) => {
      // The records come again, to whoever gets the partition.
      this.#options.log.debug({ error }, 'positions could not be committed before the group shared out anew');
    });
  }

  #joined(shares: readonly Share[], continuous: boolean): void {
    const before = this.#held;
    const now = new Map<string, Held>();
    for (const { topic, partitions } of shares) {
      for (const partition of partitions) {
        const lane = `${topic}/${partition}`;
        const old = before.get(lane);
        if (continuous && old) now.set(lane, old);
        else now.set(lane, newlyHeld({ topic, partition, lane, live: true }));
      }
    }
    for (const [lane, held] of before) if (now.get(lane) !== held) held.claim.live = false;
    this.#held = now;
    this.#ready = this.#ready.filter(({ claim }) => claim.live);
    this.#hooks.settled();
    const fresh = [...now.values()].filter((held) => held.position === undefined);
    this.#locating = locate(fresh, this.#client, this.#group, this.#gaps, this.#options.from).catch((error: unknown) => {
      this.#failure ??= failure('cannot find out where to start', error);
    });
  }

  // --- reading

  async #startRequests(): Promise<void> {
    const grown = await this.#topics.changed();
    if (grown) await this.#group.join(grown).then(() => this.#client.topics.trackAll(...grown));
    let found: Awaited<ReturnType<Consumer['metadata']>>;
    try {
      found = await this.#client.metadata({ topics: this.#client.topics.current, forceUpdate: this.#stale });
      this.#stale = false;
    } catch (error) {
      for (const held of this.#held.values()) this.#noteTrouble(held, error);
      return;
    }
    const now = Date.now();
    const byLeader = new Map<number, Held[]>();
    for (const held of this.#held.values()) {
      if (held.position === undefined || held.fetching) continue;
      const leader = found.topics.get(held.claim.topic)?.partitions[held.claim.partition]?.leader ?? -1;
      if (leader < 0) this.#noteTrouble(held, notConnected('it has no leader'));
      else if (!this.#busy.has(leader) && (this.#pausedUntil.get(leader) ?? 0) <= now) pushTo(byLeader, leader, held);
    }
    for (const [leader, partitions] of byLeader) this.#request(leader, partitions);
  }

  #request(node: number, partitions: readonly Held[]): void {
    const asked = new Map<string, Held>();
    const topics = new Map<
      string,
      { partition: number; fetchOffset: bigint; partitionMaxBytes: number; currentLeaderEpoch: number; lastFetchedEpoch: number }[]
    >();
    for (const held of partitions) {
      held.fetching = true;
      asked.set(`${held.topicId}/${held.claim.partition}`, held);
      const fetchOffset = BigInt(held.position ?? 0);
      const partitionMaxBytes = this.#options.fetchBytes;
      pushTo(topics, held.topicId, {
        partition: held.claim.partition,
        fetchOffset,
        partitionMaxBytes,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
      });
    }
    const request = this.#client
      .fetch({
        node,
        maxWaitTime: waitMs,
        minBytes: 1,
        maxBytes: this.#options.fetchBytes,
        isolationLevel: readCommitted,
        topics: [...topics].map(([topicId, list]) => ({ topicId, partitions: list })),
      })
      .then(
        (response) => this.#take(response as unknown as FetchAnswer, asked),
        (error: unknown) => this.#takeFailed(error, asked, node),
      )
      .catch((error: unknown) => {
        this.#failure ??= failure('cannot read', error);
      })
      .finally(() => {
        for (const held of partitions) held.fetching = false;
        this.#busy.delete(node);
      });
    this.#busy.set(node, request);
  }

  async #take(response: FetchAnswer, asked: ReadonlyMap<string, Held>): Promise<void> {
    for (const { topicId, partitions } of response.responses) {
      for (const answer of partitions) {
        const held = asked.get(`${topicId}/${answer.partitionIndex}`);
        // Not ours any more: whoever has it now reads it.
        if (!held?.claim.live || held.position === undefined) continue;
        if (answer.errorCode !== 0) await this.#answeredError(held, answer.errorCode);
        else this.#takeRecords(held, answer);
      }
    }
  }

  #takeRecords(held: Held, { records, abortedTransactions, lastStableOffset }: FetchedPartition): void {
    held.troubleSince = 0;
    held.end = Number(lastStableOffset);
    const position = held.position as number;
    const chunk = readChunk(held.claim, position, readBatches(records, position, unpackedMax), abortedTransactions);
    if (chunk.next === position) return;
    held.position = chunk.next;
    this.#ready.push(chunk);
  }

  /** One partition's error fails the whole answer, which comes along in the error: the other partitions are fine. */
  async #takeFailed(error: unknown, asked: ReadonlyMap<string, Held>, node: number): Promise<void> {
    if (this.#closed) return;
    this.#stale = true;
    if (isFailure(error, 'FETCH_SESSION_ID_NOT_FOUND', 'INVALID_FETCH_SESSION_EPOCH', 'FETCH_SESSION_TOPIC_ID_ERROR')) return;
    const { response } = error as { response?: FetchAnswer };
    if (response && response.responses.length > 0) return this.#take(response, asked);
    this.#pausedUntil.set(node, Date.now() + pauseMs);
    for (const held of asked.values()) this.#noteTrouble(held, error);
  }

  async #answeredError(held: Held, code: number): Promise<void> {
    const { claim } = held;
    const report = failure(`cannot read ${claim.lane}`, { message: `the broker answers with error ${code}`, apiId: errorNames[code] });
    if (report.code === 'FORBIDDEN') throw report;
    if (code === outOfRange) {
      held.position = await this.#gaps.outOfRange(claim, held.position as number, (at) => offsetAt(this.#client, claim, at));
      return;
    }
    const id = await this.#topicId(claim.topic);
    if (id !== undefined && id !== held.topicId) {
      held.position = await this.#gaps.recreated(claim, held.position as number, (at) => offsetAt(this.#client, claim, at));
      held.topicId = id;
      claim.topicId = topicIdText(id);
      return;
    }
    this.#noteTrouble(held, report);
  }

  async #topicId(topic: string): Promise<string | undefined> {
    try {
      return (await this.#client.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)?.id;
    } catch {
      return undefined; // not known now; the trouble that made us ask is noted
    }
  }

  #noteTrouble(held: Held, error: unknown): void {
    if (held.troubleSince === 0) held.troubleSince = Date.now();
    held.trouble = error;
    this.#stale = true;
  }

  /** Until an answer is there, but not for long: the group may have news. */
  async #wait(): Promise<void> {
    if (this.#busy.size > 0) return void (await Promise.race(this.#busy.values()));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// The library's own filter for read_committed keeps one range per producer and delivers aborted records whose marker is not in the same answer
// (2.12.1). It compares with === 1; `true` is written as 1 and passes it by, so that ours in fetched.ts sees every batch.
const readCommitted = true as unknown as number;

const outOfRange = 1;
const errorNames: Readonly<Record<number, string>> = {
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  6: 'NOT_LEADER_OR_FOLLOWER',
  29: 'TOPIC_AUTHORIZATION_FAILED',
};

function pushTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
