/** The writing end: every record goes to one known partition, partitions in parallel, one send at a time in each. */
import {
  BadSetting,
  checkTls,
  type EndContext,
  type Message,
  MqferryError,
  notConnected,
  type Refusal,
  type Sink,
  type SinkCan,
  type SinkEnd,
  tlsNotes,
} from '../../src/connector.ts';
import { carries } from './carries.ts';
import type { SinkConfig } from './config.ts';
import { clientOptions, loadDriver } from './connection.ts';
import { namedTopicFault, toHeaders, topicFault, toTimestamp } from './message.ts';
import { partitionOf } from './partitioner.ts';
import { PartitionQueue, PendingWrite, type QueuedRecord } from './partitionQueue.ts';
import type { Writer } from './port.ts';

/** Most records of one batch. kafkajs needs quadratic time for large ones. */
const batchMessages = 1000;
const partitionsMaxAgeMs = 5000;
const closeTimeoutMs = 5000;

function sinkCan(config: SinkConfig): SinkCan {
  return {
    keepsOrder: 'key',
    writes: 'many',
    maxWrite: { messages: batchMessages, bytes: 4 * 1024 * 1024 },
    confirms: 'stored',
    routed: true,
    carries: carries(config.connection.driver),
    notes: [
      'What is confirmed is held by every in-sync replica: with min.insync.replicas of 1 or one replica, losing one broker can lose it.',
      'Records without a key take turns over the partitions, one write at a time: they have no order among themselves.',
      ...(config.connection.driver === 'kafkajs'
        ? ['driver kafkajs: a header without a value (null) is written empty, and headers of different names may change their order.']
        : []),
      ...tlsNotes(config.connection.tls),
    ],
  };
}

/** Throws CONFIG_INVALID for a topic that no broker has, or a certificate that is not there. */
export function kafkaSink(config: SinkConfig, context: EndContext): SinkEnd {
  checkTls(config.connection.tls);
  const { constant } = config.topic;
  const fault = constant === undefined ? undefined : topicFault(constant);
  if (fault) throw new BadSetting('topic', fault);
  return {
    can: sinkCan(config),
    async open() {
      const driver = await loadDriver(config.connection.driver);
      const writer = await driver.openWriter(clientOptions(config.connection, context), { compression: config.compression });
      const sink = new KafkaSink(writer, config);
      try {
        await sink.learn(config.topic.constant);
      } catch (error) {
        await sink.close();
        throw error;
      }
      return sink;
    },
  };
}

interface KnownTopic {
  readonly name: string;
  partitions: number;
  asked: number;
  readonly queues: PartitionQueue[];
  /** Counts writes, for records without a key. */
  turn: number;
}

export class KafkaSink implements Sink {
  readonly #writer: Writer;
  readonly #config: SinkConfig;
  readonly #topics = new Map<string, KnownTopic>();
  readonly #pending = new Set<PendingWrite>();
  readonly #watch: NodeJS.Timeout;
  /** Set once the link is lost or closed; nothing is sent after that. */
  #ended: MqferryError | undefined;
  /** Writes wait behind this while a topic is being looked up, so that they stay in call order. */
  #lookup: Promise<void> | undefined;

  constructor(writer: Writer, config: SinkConfig) {
    this.#writer = writer;
    this.#config = config;
    this.#watch = setInterval(() => this.#tick(), 1000);
    this.#watch.unref();
  }

  write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    if (this.#ended) return Promise.reject(this.#ended);
    const unknown = this.#unknownTopics(messages);
    const write = new PendingWrite(messages.length);
    this.#pending.add(write);
    const forget = () => this.#pending.delete(write);
    write.done.then(forget, forget);
    if (this.#lookup === undefined && unknown.length === 0) this.#enqueue(messages, write);
    else this.#enqueueLater(messages, write, unknown);
    return write.done;
  }

  /** Looks a topic up, so that writes to it need not wait. Throws NOT_FOUND. */
  async learn(topic: string | undefined): Promise<void> {
    if (topic === undefined) return;
    const fault = topicFault(topic);
    if (fault !== undefined) throw new MqferryError('NOT_FOUND', fault);
    const partitions = await this.#writer.partitions(topic);
    const known = this.#topics.get(topic);
    if (known) Object.assign(known, { partitions, asked: Date.now() });
    else this.#topics.set(topic, { name: topic, partitions, asked: Date.now(), queues: [], turn: Math.trunc(Math.random() * partitions) });
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, closeTimeoutMs);
    });
    await Promise.race([Promise.allSettled([...this.#pending].map((write) => write.done)), limit]);
    clearTimeout(timer);
    this.#lose(notConnected('this Kafka link was closed'));
    await this.#writer.close();
  }

  #unknownTopics(messages: readonly Message[]): string[] {
    const { topic } = this.#config;
    if (topic.constant !== undefined) return this.#topics.has(topic.constant) ? [] : [topic.constant];
    const unknown = new Set<string>();
    for (const message of messages) {
      try {
        const name = topic(message);
        if (!this.#topics.has(name) && namedTopicFault(name) === undefined) unknown.add(name);
      } catch (error) {
        if (!(error instanceof MqferryError)) throw error; // else the message is refused when it is enqueued
      }
    }
    return [...unknown];
  }

  #enqueueLater(messages: readonly Message[], write: PendingWrite, topics: readonly string[]): void {
    const before = this.#lookup ?? Promise.resolve();
    const lookup = before
      .then(async () => {
        for (const topic of topics) await this.#learnIfThere(topic);
        if (this.#ended === undefined) this.#enqueue(messages, write);
      })
      .catch((error: unknown) => this.#lose(error))
      .finally(() => {
        if (this.#lookup === lookup) this.#lookup = undefined;
      });
    this.#lookup = lookup;
  }

  // A topic that is not there concerns only its own messages: they are refused when they are enqueued.
  async #learnIfThere(topic: string): Promise<void> {
    try {
      await this.learn(topic);
    } catch (error) {
      if (!(error instanceof MqferryError && error.code === 'NOT_FOUND')) throw error;
    }
  }

  #enqueue(messages: readonly Message[], write: PendingWrite): void {
    const touched = new Set<PartitionQueue>();
    const turned = new Set<KnownTopic>();
    for (const message of messages) {
      try {
        const topic = this.#topicOf(message);
        const record = this.#record(message, write, topic, turned);
        const queue = (topic.queues[record.partition] ??= this.#newQueue());
        queue.push(record);
        touched.add(queue);
      } catch (error) {
        // A bug must not count as the message's fault.
        if (!(error instanceof MqferryError)) throw error;
        write.refuse(message, error);
      }
    }
    for (const topic of turned) topic.turn++;
    for (const queue of touched) queue.kick();
  }

  #topicOf(message: Message): KnownTopic {
    const name = this.#config.topic(message);
    const topic = this.#topics.get(name);
    if (topic) return topic;
    const fault = namedTopicFault(name);
    throw fault === undefined
      ? new MqferryError('NOT_FOUND', `there is no topic "${name}": create it, mqferry does not`)
      : new MqferryError('REFUSED', fault);
  }

  #record(message: Message, write: PendingWrite, topic: KnownTopic, turned: Set<KnownTopic>): QueuedRecord {
    const key = this.#config.key ? Buffer.from(this.#config.key(message)) : message.key;
    let partition: number;
    if (key !== null) partition = partitionOf(key, topic.partitions);
    else {
      partition = topic.turn % topic.partitions;
      turned.add(topic);
    }
    return {
      topic: topic.name,
      partition,
      key,
      value: message.body,
      headers: toHeaders(message),
      timestamp: toTimestamp(message.timestamp),
      message,
      write,
      bytes: message.bytes,
    };
  }

  #newQueue(): PartitionQueue {
    const limits = { messages: batchMessages, bytes: this.#config.maxRequestBytes };
    return new PartitionQueue(
      limits,
      (records) => this.#writer.send(records),
      (error) => this.#lose(error),
    );
  }

  /** Looks for a send that takes too long, and for topics that have grown. */
  #tick(): void {
    const now = Date.now();
    for (const topic of this.#topics.values()) {
      for (const queue of topic.queues) {
        if (queue && queue.sendingSince > 0 && now - queue.sendingSince > this.#config.deliveryTimeout) {
          this.#lose(notConnected(`the broker did not confirm a batch for ${topic.name} within ${this.#config.deliveryTimeout} ms`));
          return;
        }
      }
      if (now - topic.asked > partitionsMaxAgeMs && this.#pending.size > 0) {
        topic.asked = now;
        // Only a look ahead: whatever is wrong shows with the next send.
        this.learn(topic.name).catch(() => undefined);
      }
    }
  }

  #lose(error: unknown): void {
    if (this.#ended) return;
    this.#ended = error instanceof MqferryError ? error : notConnected('writing to Kafka failed', error);
    for (const topic of this.#topics.values()) for (const queue of topic.queues) queue?.stop();
    for (const write of this.#pending) write.fail(this.#ended);
  }
}
