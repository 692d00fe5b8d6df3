/** What the MQTT tests have in common: ends with their defaults filled in, and a plain client on the other side. */
import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { afterEach } from 'vitest';
import type { ConnectionConfig, SinkConfig, SourceConfig } from '../../../connectors/mqtt/config.ts';
import { connectionFields, sinkFields, sourceFields } from '../../../connectors/mqtt/config.ts';
import type { Publish } from '../../../connectors/mqtt/message.ts';
import { mqttSink } from '../../../connectors/mqtt/sink.ts';
import { mqttSource } from '../../../connectors/mqtt/source.ts';
import type { Batch, EndContext, Fields, Log, Message, Room, Sink, Source, Template } from '../../../src/connector.ts';
import { mosquittoLogin } from '../../brokers/mosquitto.ts';

export const never = new AbortController().signal;
export const wide: Room = { messages: 1000, bytes: 16 * 1024 * 1024 };

/** The defaults that the fields declare. */
function defaults(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.options.default]));
}

export function connectionConfig(port: number, changes: Partial<ConnectionConfig> = {}): ConnectionConfig {
  return { ...defaults(connectionFields), url: [`mqtt://127.0.0.1:${port}`], ...mosquittoLogin, ...changes } as ConnectionConfig;
}

type Changes<C> = Partial<Omit<C, 'connection' | 'topic'>> & {
  readonly connection?: Partial<ConnectionConfig>;
  readonly topic?: string | Template;
};

export function sourceConfig(port: number, { connection, ...changes }: Changes<SourceConfig>): SourceConfig {
  return { ...defaults(sourceFields), ...changes, connection: connectionConfig(port, connection) } as SourceConfig;
}

export function sinkConfig(port: number, { connection, topic = 't', ...changes }: Changes<SinkConfig>): SinkConfig {
  const compiled = typeof topic === 'string' ? constant(topic) : topic;
  return { ...defaults(sinkFields), ...changes, topic: compiled, connection: connectionConfig(port, connection) } as SinkConfig;
}

export function constant(text: string): Template {
  return Object.assign(() => text, { constant: text });
}

/** The packet as mqtt.js has it. */
export function asPacket({ properties, ...publish }: Publish): IPublishPacket {
  const pairs = properties?.userProperties?.map(([name, value]) => ({ [name]: value }));
  const own = properties && { ...properties, ...(pairs && { userProperties: pairs }) };
  return {
    ...publish,
    cmd: 'publish',
    dup: false,
    ...(own && { properties: own as unknown as NonNullable<IPublishPacket['properties']> }),
  };
}

/** A packet of QoS 1 as MQTT 3.1.1 has it. */
export function publish(topic: string, body: string, messageId: number): Publish {
  return { topic, payload: Buffer.from(body), qos: 1, retain: false, messageId, properties: undefined };
}

export interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly text: string;
}

export interface Listening extends EndContext {
  readonly lines: LogLine[];
}

export function context(clientId: string, window: Room = wide): Listening {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object, text: string) => void lines.push({ level, fields, text });
  const log: Log = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
  return { route: 'test', window, log, clientId, signal: never, lines };
}

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((end) => end.close()));
});

/** Closed after the test, as all that is opened here. */
export async function openSource(port: number, clientId: string, changes: Changes<SourceConfig>, window = wide): Promise<Source> {
  return toClose(await mqttSource(sourceConfig(port, changes), context(clientId, window)).open(never));
}

export async function openSink(port: number, clientId: string, changes: Changes<SinkConfig> = {}, window = wide): Promise<Sink> {
  return toClose(await mqttSink(sinkConfig(port, changes), context(clientId, window)).open(never));
}

/** A client that is none of ours. */
export async function client(port: number, options: IClientOptions = {}): Promise<MqttClient> {
  const made = await connectAsync(`mqtt://127.0.0.1:${port}`, { ...mosquittoLogin, protocolVersion: 5, reconnectPeriod: 0, ...options });
  opened.push({ close: () => made.endAsync(true) });
  return made;
}

export function toClose<E extends { close(): Promise<unknown> }>(end: E): E {
  opened.push(end);
  return end;
}

/** Reads until `count` messages have come, acking nothing. */
export async function readBatches(source: Source, count: number, room = wide): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let got = 0; got < count; ) {
    const batch = await source.read(room, never);
    if (!batch) break;
    batches.push(batch);
    got += batch.messages.length;
  }
  return batches;
}

/** Reads and acks until `count` messages have come. */
export async function take(source: Source, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    const batch = await source.read(wide, never);
    if (!batch) break;
    messages.push(...batch.messages);
    batch.ack();
  }
  return messages;
}

export function texts(messages: readonly Message[]): string[] {
  return messages.map((message) => String(message.body));
}

export function messagesOf(batches: readonly Batch[]): Message[] {
  return batches.flatMap((batch) => batch.messages);
}
