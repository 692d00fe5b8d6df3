/** Ends of the connector for tests, without the YAML. */
import type { ConnectionConfig } from '../../../connectors/stomp/config.ts';
import { stompSink } from '../../../connectors/stomp/sink.ts';
import { stompSource } from '../../../connectors/stomp/source.ts';
import type { EndContext, Log, Room, Sink, Source, Template } from '../../../src/connector.ts';
import { Message } from '../../../src/message.ts';

export const never = new AbortController().signal;
const silent: Log = { error() {}, warn() {}, info() {}, debug() {} };

export function context(window: Room = { messages: 1000, bytes: 16 * 1024 * 1024 }, log = silent): EndContext {
  return { route: 'test', window, log, clientId: 'mqferry-test', signal: never };
}

/** The defaults of the fields, with the login of the test brokers. */
export function connection(port: number, more: Partial<ConnectionConfig> = {}): ConnectionConfig {
  return {
    url: [`stomp://mq:mq-pass@127.0.0.1:${port}`],
    broker: undefined,
    username: undefined,
    password: undefined,
    vhost: '/',
    tls: undefined,
    heartbeat: 10_000,
    connectTimeout: 10_000,
    maxFrame: 64 * 1024 * 1024,
    maxHeaders: 1000,
    maxHeaderBytes: 256 * 1024,
    ...more,
  };
}

export function constant(text: string): Template {
  return Object.assign(() => text, { constant: text });
}

export interface SourceOptions {
  prefetch?: number;
  selector?: string;
  durable?: { name: string; clientId: string | undefined };
  window?: Room;
}

export function sourceEnd(to: ConnectionConfig, destination: string, options: SourceOptions = {}) {
  const { prefetch, selector, durable, window } = options;
  return stompSource({ connection: to, destination, prefetch, selector, durable }, context(window));
}

export function openSource(to: ConnectionConfig, destination: string, options: SourceOptions = {}): Promise<Source> {
  return sourceEnd(to, destination, options).open(never);
}

export function sinkEnd(to: ConnectionConfig, destination: string | Template, confirmTimeout = 30_000) {
  return stompSink(
    { connection: to, destination: typeof destination === 'string' ? constant(destination) : destination, confirmTimeout },
    context(),
  );
}

export function openSink(to: ConnectionConfig, destination: string | Template, confirmTimeout = 30_000): Promise<Sink> {
  return sinkEnd(to, destination, confirmTimeout).open(never);
}

export const texts = (count: number, prefix = 'm') =>
  Array.from({ length: count }, (_, i) => new Message({ body: Buffer.from(`${prefix}${i}`) }));
export const bodies = (messages: readonly Message[]) => messages.map((message) => String(message.body));

/** Reads so many messages, and acks them unless told otherwise. */
export async function take(source: Source, count: number, acks = true): Promise<Message[]> {
  const taken: Message[] = [];
  while (taken.length < count) {
    const batch = await source.read({ messages: count - taken.length, bytes: Infinity }, AbortSignal.timeout(20_000));
    if (!batch) throw new Error(`only ${taken.length} of ${count} messages came`);
    taken.push(...batch.messages);
    if (acks) batch.ack();
  }
  return taken;
}

/** All that is there: reads and acks until nothing has come for a while. */
export async function drain(to: ConnectionConfig, destination: string, quietMs = 400): Promise<Message[]> {
  const source = await openSource(to, destination);
  const taken: Message[] = [];
  for (;;) {
    const batch = await source.read({ messages: 1000, bytes: Infinity }, AbortSignal.timeout(quietMs));
    if (!batch) break;
    taken.push(...batch.messages);
    batch.ack();
  }
  await source.close();
  return taken;
}
