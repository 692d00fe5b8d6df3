/** Ends of the rabbitmq connector with settings by hand, and what tests do with them. */
import type { SinkConfig, SourceConfig } from '../../../connectors/rabbitmq/config.ts';
import { rabbitmq } from '../../../connectors/rabbitmq/index.ts';
import { type EndContext, type Log, Message, type MessageInit, type Sink, type Source, type Template } from '../../../src/connector.ts';
import { until } from '../../brokers/broker.ts';
import type { RabbitmqBroker } from '../../brokers/rabbitmq.ts';

export const never = new AbortController().signal;
const silent: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

export function context(more: Partial<EndContext> = {}): EndContext {
  return { route: 'r', window: { messages: 100, bytes: 16_777_216 }, log: silent, clientId: 'mqferry-test', signal: never, ...more };
}

export type Settings = SourceConfig['connection'];

export function settings(url: string | readonly string[], more: Partial<Settings> = {}): Settings {
  const base = {
    username: undefined,
    password: undefined,
    vhost: undefined,
    auth: 'plain',
    tls: undefined,
    heartbeat: 10_000,
    connectTimeout: 5_000,
  } as const;
  return { ...base, url: typeof url === 'string' ? [url] : url, ...more };
}

export function constant(value: string): Template {
  return Object.assign(() => value, { constant: value });
}

export function sourceEnd(broker: RabbitmqBroker, queue: string, more: Partial<SourceConfig> = {}, end: Partial<EndContext> = {}) {
  const config: SourceConfig = {
    connection: settings(broker.url()),
    queue,
    prefetch: undefined,
    exclusive: false,
    declare: undefined,
    ...more,
  };
  return rabbitmq.source!.create(config, context(end));
}

export function sinkEnd(broker: RabbitmqBroker, target: string | Partial<SinkConfig>, end: Partial<EndContext> = {}) {
  const to = typeof target === 'string' ? { queue: constant(target) } : target;
  const config: SinkConfig = {
    connection: settings(broker.url()),
    exchange: undefined,
    routingKey: undefined,
    queue: undefined,
    confirmTimeout: 30_000,
    ...to,
  };
  return rabbitmq.sink!.create(config, context(end));
}

export function message(body: string | Buffer | null, more: Partial<MessageInit> = {}): Message {
  return new Message({ body: typeof body === 'string' ? Buffer.from(body) : body, ...more });
}

/** Reads until there are `count` messages; acks every batch when asked to. */
export async function readSome(source: Source, count: number, options: { ack?: boolean } = {}): Promise<Message[]> {
  const all: Message[] = [];
  while (all.length < count) {
    const batch = await source.read({ messages: count - all.length, bytes: 67_108_864 }, AbortSignal.timeout(10_000));
    if (!batch) throw new Error(`only ${all.length} of ${count} messages came`);
    all.push(...batch.messages);
    if (options.ack) batch.ack();
  }
  return all;
}

/** Opens, does the work, closes. */
export async function using<E extends Source | Sink, T>(
  end: { open(signal: AbortSignal): Promise<E> },
  work: (opened: E) => Promise<T>,
): Promise<T> {
  const opened = await end.open(never);
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

/** The error that the promise ends with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: Error) => error,
  );
}

/** Closes every connection that carries this name, as an operator would. */
export async function cutConnections(broker: RabbitmqBroker, name: string): Promise<void> {
  type Row = { name: string; client_properties?: { connection_name?: string } };
  let rows: Row[] = [];
  // The HTTP API learns of a connection some seconds after it came.
  await until(`${name} is listed`, async () => {
    rows = ((await broker.api('GET', 'connections')) as Row[]).filter((row) => row.client_properties?.connection_name === name);
    return rows.length > 0;
  });
  for (const row of rows) await broker.api('DELETE', `connections/${encodeURIComponent(row.name)}`);
}
