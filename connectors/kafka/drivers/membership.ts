/**
 * Membership of a consumer group, classic protocol, as a static member: the instance id is the client id, so a process that was killed and comes
 * back takes its place at once instead of waiting for its own session to expire.
 *
 * Offsets are committed below the library's `commit()`: that one rejoins by itself when it is refused and then commits what it no longer owns.
 */
import { Consumer, offsetCommitV8, offsetFetchV8 } from '@platformatic/kafka';
import { type MqferryError, notConnected } from '../../../src/connector.ts';
import { failure, isFailure } from '../failures.ts';
import type { ClientOptions, ReaderOptions } from '../port.ts';
import { baseOptions } from './platformaticClient.ts';

export interface Share {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface MembershipEvents {
  /** Before the group shares out anew, synchronously: a commit made here leaves before the request to join. */
  leaving(): void;
  /** `continuous`: partitions that were held before and are held now were nobody else's in between. */
  joined(shares: readonly Share[], continuous: boolean): void;
}

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The id of the topic that the offset belongs to: a topic that was deleted and created again has another. */
  readonly topicId: string | undefined;
  /** How many partitions the topic had when its reader began. */
  readonly partitions: number | undefined;
}

const marginMs = 10_000;

export class Membership {
  readonly consumer: Consumer;
  readonly #options: ReaderOptions;
  readonly #events: MembershipEvents;
  readonly #instanceId: string;
  #memberId: string | undefined;
  #generation = -1;
  #lastBeat = 0;
  #joiningSince = 0;
  #failure: MqferryError | undefined;

  constructor(client: ClientOptions, options: ReaderOptions, events: MembershipEvents) {
    this.#options = options;
    this.#events = events;
    this.#instanceId = client.clientId;
    this.consumer = new Consumer({
      ...baseOptions(client),
      groupId: options.groupId,
      groupInstanceId: client.clientId,
      autocommit: false,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: Math.max(options.rebalanceTimeoutMs, options.sessionTimeoutMs),
      heartbeatInterval: Math.max(200, Math.min(3000, Math.trunc(options.sessionTimeoutMs / 10))),
      // A request to join is answered only when all members have joined.
      requestTimeout: options.rebalanceTimeoutMs + marginMs,
      retries: 3,
      retryDelay: 250,
    });
    this.#listen();
  }

  /** Joins, or joins again with other topics. */
  async join(topics: readonly string[]): Promise<void> {
    if (this.#memberId !== undefined) this.#leaving();
    this.#joiningSince = Date.now();
    this.consumer.topics.trackAll(...topics);
    try {
      await this.consumer.joinGroup();
    } catch (error) {
      throw failure(`cannot join the group ${this.#options.groupId}`, error);
    }
  }

  /** Throws when the place in the group is lost, or may be. */
  check(): void {
    if (this.#failure) throw this.#failure;
    const now = Date.now();
    if (this.#joiningSince > 0 && now - this.#joiningSince > this.#options.rebalanceTimeoutMs + 2 * marginMs) {
      throw notConnected(`the group ${this.#options.groupId} did not come to rest`);
    }
    if (this.#joiningSince === 0 && now - this.#lastBeat > this.#options.sessionTimeoutMs) {
      throw notConnected(`the coordinator of group ${this.#options.groupId} has not answered for ${this.#options.sessionTimeoutMs} ms`);
    }
  }

  /** What the group has committed for these partitions; those without a position are left out. */
  async committed(shares: readonly Share[]): Promise<CommittedOffset[]> {
    const topics = shares.map(({ topic, partitions }) => ({ name: topic, partitionIndexes: [...partitions] }));
    const { groupId } = this.#options;
    const connection = await this.#coordinator();
    const response = await offsetFetchV8.api.async(connection, [{ groupId, memberEpoch: -1, topics }], true);
    const found: CommittedOffset[] = [];
    for (const topic of response.groups[0]?.topics ?? []) {
      for (const { partitionIndex, committedOffset, metadata } of topic.partitions) {
        if (committedOffset < 0n) continue;
        found.push({ topic: topic.name, partition: partitionIndex, offset: Number(committedOffset), ...readNote(metadata) });
      }
    }
    return found;
  }

  /** Resolves to false when the group would not have it. Sent synchronously when the coordinator is known. */
  async commit(offsets: readonly CommittedOffset[]): Promise<boolean> {
    const topics = new Map<string, offsetCommitV8.OffsetCommitRequestTopic>();
    for (const { topic, partition, offset, ...note } of offsets) {
      let entry = topics.get(topic);
      if (!entry) topics.set(topic, (entry = { name: topic, partitions: [] }));
      const committedMetadata = `topicId=${note.topicId} partitions=${note.partitions}`;
      entry.partitions.push({ partitionIndex: partition, committedOffset: BigInt(offset), committedLeaderEpoch: -1, committedMetadata });
    }
    try {
      await this.#sendCommit([...topics.values()]);
      return true;
    } catch (error) {
      if (isFailure(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID')) return false;
      throw failure(`cannot commit positions of group ${this.#options.groupId}`, error);
    }
  }

  #sendCommit(topics: offsetCommitV8.OffsetCommitRequestTopic[]): Promise<void> {
    const { consumer } = this;
    const { coordinatorId } = consumer;
    if (coordinatorId === null) return this.#coordinator().then(() => this.#sendCommit(topics));
    return new Promise((resolve, reject) => {
      consumer.connectToBrokers([coordinatorId], (error, connections) => {
        const connection = connections?.get(coordinatorId);
        if (error || !connection) return reject(error ?? notConnected('the coordinator is not there'));
        const { groupId } = this.#options;
        const done = (failed: Error | null) => (failed ? reject(failed) : resolve());
        offsetCommitV8.api(connection, groupId, this.#generation, this.#memberId ?? '', this.#instanceId, topics, done);
      });
    });
  }

  async #coordinator() {
    const id = await this.consumer.findGroupCoordinator();
    const connection = (await this.consumer.connectToBrokers([id])).get(id);
    if (!connection) throw notConnected(`the coordinator of group ${this.#options.groupId} is not there`);
    return connection;
  }

  #listen(): void {
    const { consumer } = this;
    consumer.on('error', (error: Error) => {
      // An attempt to join again has failed, and the library sends no heartbeats any more.
      this.#failure ??= failure(`cannot join the group ${this.#options.groupId} again`, error);
    });
    consumer.on('consumer:heartbeat:end', () => {
      this.#lastBeat = Date.now();
    });
    consumer.on('consumer:group:rebalance', () => this.#leaving());
    consumer.on('consumer:group:join', ({ memberId, generationId = 0, assignments = [] }) => {
      this.#joined(memberId, generationId, assignments);
    });
  }

  #leaving(): void {
    if (this.#joiningSince > 0) return;
    this.#joiningSince = Date.now();
    this.#events.leaving();
  }

  #joined(memberId: string, generation: number, shares: readonly Share[]): void {
    const first = this.#memberId === undefined;
    if (!first && memberId !== this.#memberId) {
      // The library has joined again by itself. If another process has this client id, each would throw the other out for ever.
      this.#failure = notConnected(
        `lost the place in group ${this.#options.groupId}: silent for longer than the session time-out, or another process runs as ${this.#instanceId}`,
      );
    }
    // From one generation to the next there is none in between in which a partition could have been somebody else's.
    const continuous = !first && memberId === this.#memberId && generation - this.#generation <= 1;
    this.#memberId = memberId;
    this.#generation = generation;
    this.#lastBeat = Date.now();
    this.#joiningSince = 0;
    this.#events.joined(shares, continuous);
  }
}

/** Other tools that move the group leave no note, or one of their own. */
function readNote(note: string | null | undefined): Pick<CommittedOffset, 'topicId' | 'partitions'> {
  const [, topicId, partitions] = /^topicId=(\S+) partitions=(\d+)$/.exec(note ?? '') ?? [];
  return { topicId, partitions: partitions === undefined ? undefined : Number(partitions) };
}
