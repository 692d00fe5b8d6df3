/** Which topics to read, and whether there are more of them, or more partitions, than when the group last shared out. */
import { Admin, type Consumer } from '@platformatic/kafka';
import { MqferryError } from '../../../src/connector.ts';
import type { ClientOptions, ReaderOptions } from '../port.ts';
import { baseOptions } from './platformaticClient.ts';

const intervalMs = 10_000;

export class TopicWatch {
  /** To be closed by the owner. */
  readonly clients: readonly Admin[];
  readonly #client: Consumer;
  readonly #options: ReaderOptions;
  #lookedAt = 0;
  #counts = new Map<string, number>();

  constructor(client: Consumer, address: ClientOptions, options: ReaderOptions) {
    this.#client = client;
    this.#options = options;
    this.clients = options.pattern === undefined ? [] : [new Admin({ ...baseOptions(address), retries: 1, retryDelay: 250 })];
    for (const admin of this.clients) admin.on('error', () => {}); // every failure also rejects the call that met it
  }

  /** The topics to read now. Throws NOT_FOUND. */
  async find(): Promise<string[]> {
    this.#lookedAt = Date.now();
    const topics = await this.#names();
    if (topics.length === 0) throw new MqferryError('NOT_FOUND', `no topic matches ${this.#options.pattern?.source}`);
    this.#counts = await this.#count(topics);
    return topics;
  }

  /** The topics to join the group with, when that is needed. Asks the brokers every few seconds at most. */
  async changed(): Promise<string[] | undefined> {
    if (Date.now() - this.#lookedAt < intervalMs) return undefined;
    this.#lookedAt = Date.now();
    try {
      const topics = await this.#names();
      const counts = await this.#count(topics);
      const same = counts.size === this.#counts.size && topics.every((topic) => counts.get(topic) === this.#counts.get(topic));
      if (same) return undefined;
      this.#counts = counts;
      return topics;
    } catch (error) {
      // Reading meets the same trouble, and knows for how long.
      this.#options.log.debug({ error }, 'the list of topics could not be refreshed');
      return undefined;
    }
  }

  async #names(): Promise<string[]> {
    const { topics = [], pattern } = this.#options;
    if (pattern === undefined) return [...topics];
    const all = (await this.clients[0]?.listTopics()) ?? [];
    return all.filter((topic) => pattern.test(topic) && !topic.startsWith('__'));
  }

  async #count(topics: readonly string[]): Promise<Map<string, number>> {
    const found = await this.#client.metadata({ topics: [...topics], forceUpdate: true });
    return new Map(topics.map((topic) => [topic, found.topics.get(topic)?.partitionsCount ?? 0]));
  }
}
