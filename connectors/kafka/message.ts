/** Between Kafka's records and our messages. Header values stay bytes both ways; null is null, and not empty. */
import { type HeaderValue, Message, MqferryError, Typed } from '../../src/connector.ts';
import type { Claim } from './port.ts';

type RawHeaders = readonly (readonly [name: Buffer | null, value: Buffer | null])[];

/** A record as a message of its partition's lane. A timestamp below zero is none. */
export function fromRecord(
  claim: Claim,
  offset: number,
  timestamp: number,
  key: Buffer | null | undefined,
  value: Buffer | null | undefined,
  headers: RawHeaders,
): Message {
  return new Message({
    body: value ?? null,
    key: key ?? null,
    headers:
      headers.length === 0 ? noHeaders : headers.map(([name, bytes]) => [name === null ? '' : name.toString(), bytes ?? null] as const),
    timestamp: timestamp < 0 ? undefined : timestamp,
    origin: { topic: claim.topic, partition: claim.partition, offset },
    lane: claim.lane,
  });
}

const noHeaders: readonly [] = [];

/** Headers as Kafka has them: names and values as bytes, in order, repeats included. */
export function toHeaders(message: Message): Map<Buffer, Buffer | null> {
  const headers = new Map<Buffer, Buffer | null>();
  for (const [name, value] of message.headers) {
    let key = nameBytes(name);
    if (headers.has(key)) key = Buffer.from(key);
    headers.set(key, headerBytes(name, value));
  }
  return headers;
}

/** Milliseconds as Kafka has them. Throws UNMAPPABLE for a time it cannot hold. */
export function toTimestamp(timestamp: number | undefined): bigint | undefined {
  if (timestamp === undefined) return undefined;
  if (!(timestamp >= 0 && timestamp <= Number.MAX_SAFE_INTEGER)) {
    throw new MqferryError('UNMAPPABLE', `Kafka cannot hold the timestamp ${timestamp}: it must lie between 1970 and the far future`);
  }
  return BigInt(Math.trunc(timestamp));
}

/** What is wrong with a topic name; undefined when nothing is. */
export function topicFault(topic: string): string | undefined {
  if (/^[A-Za-z0-9._-]{1,249}$/.test(topic) && topic !== '.' && topic !== '..') return undefined;
  return `"${topic.slice(0, 300)}" is not a topic name: 1 to 249 letters, digits, dots, dashes and underscores`;
}

// Header names repeat from message to message: made once. Bounded, as they are data.
const names = new Map<string, Buffer>();

function nameBytes(name: string): Buffer {
  let bytes = names.get(name);
  if (bytes === undefined) {
    bytes = Buffer.from(name);
    if (names.size >= 1000) names.clear();
    names.set(name, bytes);
  }
  return bytes;
}

// The engine writes other types as text before they come here; these are for what it cannot know.
function headerBytes(name: string, value: HeaderValue): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value;
  if (typeof value === 'string') return Buffer.from(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return Buffer.from(String(value));
  if (value instanceof Date) return Buffer.from(value.toISOString());
  if (value instanceof Typed) return Buffer.isBuffer(value.value) ? value.value : Buffer.from(String(value.value));
  throw new MqferryError('UNMAPPABLE', `Kafka cannot hold the header "${name}": a list or map`);
}
