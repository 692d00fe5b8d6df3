/** What the Kafka suites share: configs from the declared defaults, both ends opened in one line. */
import { randomUUID } from 'node:crypto';
import type { SinkConfig, SourceConfig } from '../../../connectors/kafka/config.ts';
import { connectionFields, sinkFields, sourceFields } from '../../../connectors/kafka/config.ts';
import { kafkaSink } from '../../../connectors/kafka/sink.ts';
import { kafkaSource } from '../../../connectors/kafka/source.ts';
import type { EndContext, Fields, Message, Sink, Source, Template } from '../../../src/connector.ts';

export const drivers = ['platformatic', 'kafkajs'] as const;
export type DriverName = (typeof drivers)[number];

export interface Logged {
  readonly level: string;
  readonly text: string;
}

export function context(clientId: string, options: { window?: number; logged?: Logged[] } = {}): EndContext {
  const line = (level: string) => (_fields: object, text: string) => void options.logged?.push({ level, text });
  return {
    route: 'test',
    window: { messages: options.window ?? 1000, bytes: 16 * 1024 * 1024 },
    log: { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug') },
    clientId,
    signal: new AbortController().signal,
  };
}

function defaults(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.options.default]));
}

export function constant(text: string): Template {
  return Object.assign(() => text, { constant: text });
}

export function connection(brokers: readonly string[], driver: DriverName, more: object = {}) {
  return { ...defaults(connectionFields), brokers, driver, ...more };
}

type With<T> = Partial<Omit<T, 'connection'>>;

export function sinkConfig(brokers: readonly string[], driver: DriverName, topic: string, more: With<SinkConfig> = {}): SinkConfig {
  return { ...defaults(sinkFields), connection: connection(brokers, driver), topic: constant(topic), ...more } as SinkConfig;
}

export function sourceConfig(brokers: readonly string[], driver: DriverName, topic: string, more: With<SourceConfig> = {}): SourceConfig {
  const given = more.pattern === undefined ? { topics: [topic] } : {};
  return {
    ...defaults(sourceFields),
    connection: connection(brokers, driver),
    groupId: `group-${topic}`,
    ...given,
    ...more,
  } as SourceConfig;
}

export const never = new AbortController().signal;

export function openSink(brokers: readonly string[], driver: DriverName, topic: string, more: With<SinkConfig> = {}): Promise<Sink> {
  return kafkaSink(sinkConfig(brokers, driver, topic, more), context(`sink-${randomUUID()}`)).open(never);
}

export function openSource(
  brokers: readonly string[],
  driver: DriverName,
  topic: string,
  more: With<SourceConfig> & { clientId?: string; window?: number; logged?: Logged[] } = {},
): Promise<Source> {
  const { clientId = `source-${randomUUID()}`, window, logged, ...config } = more;
  const options = { ...(window !== undefined && { window }), ...(logged && { logged }) };
  return kafkaSource(sourceConfig(brokers, driver, topic, config), context(clientId, options)).open(never);
}

/** Reads until there are `count` messages, or nothing comes for `quietMs`; acks them unless told otherwise. */
export async function drain(
  source: Source,
  count: number,
  options: { ack?: boolean; quietMs?: number; into?: Message[] } = {},
): Promise<Message[]> {
  const { ack = true, quietMs = 15_000, into: messages = [] } = options;
  while (messages.length < count) {
    const batch = await source.read(
      { messages: Math.min(250, count - messages.length), bytes: 4 * 1024 * 1024 },
      AbortSignal.timeout(quietMs),
    );
    if (batch === null) break;
    messages.push(...batch.messages);
    if (ack) batch.ack();
  }
  return messages;
}

export function body(message: Message): string {
  return message.body === null ? 'null' : message.body.toString();
}

let topicCount = 0;
export function newTopic(prefix: string): string {
  return `${prefix}-${process.pid}-${++topicCount}`;
}
