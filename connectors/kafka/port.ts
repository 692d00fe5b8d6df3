/** What the connector needs of a Kafka client library, and no more. Two drivers implement it; both throw MqferryError only. */
import type { Log, Message, TlsOptions } from '../../src/connector.ts';
import type { Compression } from './compression.ts';

/** One address with its credentials, certificates already read. */
export interface ClientOptions {
  readonly clientId: string;
  readonly brokers: readonly string[];
  readonly tls: TlsOptions | undefined;
  readonly sasl: SaslOptions | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export interface SaslOptions {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

export interface Driver {
  openWriter(client: ClientOptions, options: WriterOptions): Promise<Writer>;
  openReader(client: ClientOptions, options: ReaderOptions, hooks: ReaderHooks): Promise<Reader>;
  openProbe(client: ClientOptions): Promise<Probe>;
}

export interface WriterOptions {
  readonly compression: Compression;
}

export type OutHeaders = readonly (readonly [name: string, value: Buffer | string | null])[];

/** A record on its way out. */
export interface OutRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In order, with repeats. A text is written as UTF-8. */
  readonly headers: OutHeaders;
  /** Whole milliseconds since the epoch; our clock when absent. */
  readonly timestamp: number | undefined;
}

export interface Writer {
  /** How many partitions a topic has, at most a few seconds old. Throws NOT_FOUND. */
  partitions(topic: string): Promise<number>;
  /**
   * Resolves once every in-sync replica has the records. All are of one partition, and there is at most one call at a time for each partition.
   * TOO_LARGE and REFUSED: at least one of the records is bad and none was stored. Anything else: outcome unknown.
   */
  send(records: readonly OutRecord[]): Promise<void>;
  close(): Promise<void>;
}

export interface ReaderOptions {
  readonly groupId: string;
  readonly topics: readonly string[] | undefined;
  readonly pattern: RegExp | undefined;
  readonly from: 'earliest' | 'latest';
  readonly onGap: 'stop' | 'earliest' | 'latest';
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly fetchBytes: number;
  readonly log: Log;
}

/** The right to read one partition. Once it is not live, its messages and acks are void; a partition that comes back gets a new claim. */
export interface Claim {
  readonly topic: string;
  readonly partition: number;
  /** What messages name as their lane: `topic/partition`. */
  readonly lane: string;
  /** No other topic has it, of this cluster or another; one that is created again has a new one. As Kafka's tools write it. Absent: not known. */
  topicId?: string | undefined;
  live: boolean;
}

/** What one fetch found in one partition. */
export interface Chunk {
  readonly claim: Claim;
  /** In order; `origin.offset` is a number. May be empty when there were only markers or aborted records. */
  readonly messages: readonly Message[];
  /** The offset after all that was looked at, markers and gaps included. */
  readonly next: number;
}

/** Everything before `next` has ended. */
export interface Position {
  readonly claim: Claim;
  readonly next: number;
}

export interface ReaderHooks {
  /** The group shares out anew. Returns what can be committed; nothing more may be handed out until `settled`. Called synchronously. */
  unsettled(): readonly Position[];
  /** The new shares are known: claims that were lost are no longer live. */
  settled(): void;
}

export interface Reader {
  /** What is there, waiting a moment if there is nothing; may be empty. Never called twice at once. */
  fetch(): Promise<readonly Chunk[]>;
  /** Whether all that the brokers have for us has been fetched, as far as they have said; absent where that is not known. */
  readonly isCaughtUp?: boolean;
  /** Resolves to false when the group would not have it (shared out anew): the records come again. Throws NOT_CONNECTED. */
  commit(positions: readonly Position[]): Promise<boolean>;
  /** Leaves the group and disconnects. Has a time limit; safe to call twice. */
  close(): Promise<void>;
}

/** For `check`: looks and changes nothing. */
export interface Probe {
  topics(): Promise<readonly string[]>;
  /** Partitions and replicas of a topic. Throws NOT_FOUND. */
  describe(topic: string): Promise<{ partitions: number; replicas: number; offline: number }>;
  /** One setting of a topic; undefined when it may not be seen. */
  setting(topic: string, name: string): Promise<string | undefined>;
  close(): Promise<void>;
}
