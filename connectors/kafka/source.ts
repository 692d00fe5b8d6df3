/** The reading end: hands out what the group's share of the partitions holds, and commits what has ended, in order, partition by partition. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BadSetting,
  type Batch,
  checkTls,
  type EndContext,
  type Log,
  type Message,
  notConnected,
  type Room,
  type Source,
  type SourceCan,
  type SourceEnd,
  tlsNotes,
} from '../../src/connector.ts';
import { carries } from './carries.ts';
import { Commits, type Span } from './commits.ts';
import type { SourceConfig } from './config.ts';
import { clientOptions, loadDriver } from './connection.ts';
import type { Chunk, Position, Reader, ReaderHooks, ReaderOptions } from './port.ts';

const commitPatienceMs = 10_000;
const closeTimeoutMs = 3000;

function sourceCan(config: SourceConfig): SourceCan {
  return {
    settles: 'inOrder',
    redelivers: 'inOrder',
    // An offset alone names a record only within its topic, and kafkajs does not know the ids of topics.
    stableIds: config.connection.driver === 'kafkajs' ? [] : ['topicId', 'partition', 'offset'],
    carries: carries(config.connection.driver),
    notes: [
      'Records that retention removes before they are read are lost; mqferry notices and stops (onGap).',
      'A group that commits nothing for longer than offsets.retention.minutes (7 days) is forgotten by Kafka and starts again as `from` says.',
      'A header name that is not UTF-8 is read with replacement characters.',
      ...(config.connection.driver === 'kafkajs'
        ? [
            'driver kafkajs: headers of different names may change their order, a header named like a property of every object (`__proto__`) is lost; ' +
              'after a crash the partitions stand still for sessionTimeout; a topic created again while mqferry was down is noticed only when the position lies outside it.',
          ]
        : []),
      ...tlsNotes(config.connection.tls),
    ],
  };
}

export function kafkaSource(config: SourceConfig, context: EndContext): SourceEnd {
  const options = readerOptions(config, context.log);
  checkTls(config.connection.tls);
  const prefetch = config.prefetch ?? context.window.messages;
  return {
    can: sourceCan(config),
    async open(signal) {
      const driver = await loadDriver(config.connection.driver);
      const client = clientOptions(config.connection, context);
      const source = new KafkaSource(prefetch, config.fetchBytes, context.log);
      await source.start((hooks) => driver.openReader(client, options, hooks), signal);
      return source;
    },
  };
}

/** Throws CONFIG_INVALID when the topics are not given in one way, or the pattern is not one. */
function readerOptions(config: SourceConfig, log: Log): ReaderOptions {
  const { topics, pattern } = config;
  const isNamed = topics !== undefined && topics.length > 0;
  if (isNamed && pattern !== undefined) throw new BadSetting('pattern', '`topics` and `pattern` exclude each other: keep one of them');
  if (!isNamed && pattern === undefined) throw new BadSetting('topics', 'a kafka source needs `topics` or `pattern`');
  return {
    groupId: config.groupId,
    topics,
    pattern: pattern === undefined ? undefined : wholeName(pattern),
    from: config.from,
    onGap: config.onGap,
    sessionTimeoutMs: config.sessionTimeout,
    rebalanceTimeoutMs: config.rebalanceTimeout,
    fetchBytes: config.fetchBytes,
    log,
  };
}

function wholeName(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch (cause) {
    // V8 says the whole pattern before it says why.
    throw new BadSetting('pattern', `pattern is not a regular expression: ${(cause as Error).message.split(': ').at(-1)}`);
  }
}

export class KafkaSource implements Source {
  readonly #fetchBytes: number;
  readonly #commits: Commits;
  #reader: Reader | undefined;
  /** Fetched and not handed out, in order; the first from #at on. */
  #chunks: Chunk[] = [];
  #at = 0;
  #waitingBytes = 0;
  #fetching = false;
  /** The group shares out anew. */
  #unsettled = false;
  #failure: unknown;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(prefetch: number, fetchBytes: number, log: Log) {
    this.#fetchBytes = fetchBytes;
    this.#commits = new Commits({
      prefetch,
      log,
      patienceMs: commitPatienceMs,
      send: async (positions) => (await this.#reader?.commit(positions)) ?? false,
      onCommitted: () => this.#wake?.(),
    });
  }

  /** Opens the reader; gives up when aborted. */
  async start(open: (hooks: ReaderHooks) => Promise<Reader>, signal: AbortSignal): Promise<void> {
    const opening = open({ unsettled: () => this.#leaving(), settled: () => this.#settled() });
    const aborted = new Promise<never>((_, reject) => {
      const abort = () => reject(notConnected('opening was given up'));
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
    try {
      this.#reader = await Promise.race([opening, aborted]);
    } catch (error) {
      opening.then((reader) => reader.close()).catch(() => undefined); // its error is the one thrown, or nobody waits for it
      throw error;
    }
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    for (;;) {
      if (signal.aborted) return null;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closed) throw notConnected('this Kafka link was closed');
      if (this.#commits.full) await this.#commits.makeRoom();
      else {
        this.#fill();
        const batch = this.#unsettled ? undefined : this.#cut(room);
        if (batch) return batch;
        await this.#news(signal);
      }
    }
  }

  get isCaughtUp(): boolean {
    return !this.#unsettled && this.#chunks.length === 0 && (this.#reader?.isCaughtUp ?? true);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake?.();
    const limit = new AbortController();
    await Promise.race([this.#commits.close(), sleep(closeTimeoutMs, undefined, { signal: limit.signal }).catch(() => undefined)]);
    limit.abort();
    await this.#reader?.close();
  }

  #cut(room: Room): Batch | undefined {
    const messages: Message[] = [];
    const spans: Span[] = [];
    let bytes = 0;
    const hasRoom = () => messages.length < room.messages && (bytes < room.bytes || messages.length === 0);
    while (this.#chunks.length > 0 && hasRoom()) {
      const { claim, messages: waiting } = this.#chunks[0] as Chunk;
      const from = this.#at;
      for (; claim.live && this.#at < waiting.length && hasRoom(); this.#at++) {
        const message = waiting[this.#at] as Message;
        bytes += message.bytes;
        messages.push(message);
      }
      if (this.#at > from) spans.push({ claim, next: offsetOf(waiting[this.#at - 1] as Message) + 1, count: this.#at - from });
      if (claim.live && this.#at < waiting.length) break;
      this.#chunks.shift();
      this.#at = 0;
    }
    this.#waitingBytes = this.#chunks.length === 0 ? 0 : Math.max(0, this.#waitingBytes - bytes);
    return messages.length === 0 ? undefined : { messages, ack: () => this.#commits.ack(spans) };
  }

  /** Keeps one fetch going while there is little to hand out. */
  #fill(): void {
    const reader = this.#reader;
    if (this.#fetching || !reader || this.#waitingBytes >= this.#fetchBytes) return;
    this.#fetching = true;
    reader
      .fetch()
      .then(
        (chunks) => this.#take(chunks),
        (error: unknown) => {
          this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#fetching = false;
        this.#wake?.();
      });
  }

  #take(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      const { claim, messages, next } = chunk;
      this.#commits.fetched({ claim, next, count: messages.length });
      if (messages.length === 0) continue;
      this.#chunks.push(chunk);
      for (const message of messages) this.#waitingBytes += message.bytes;
    }
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake);
    });
  }

  #leaving(): readonly Position[] {
    this.#unsettled = true;
    return this.#commits.positions();
  }

  #settled(): void {
    this.#unsettled = false;
    this.#commits.forgetLost();
    this.#wake?.();
  }
}

function offsetOf(message: Message): number {
  return message.origin['offset'] as number;
}
