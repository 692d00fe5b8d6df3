/** Between Kafka's records and our messages. Header values stay bytes both ways; null is null, and not empty. */
import { type Header, type Headers, type HeaderValue, Message, MqferryError, type Origin, Typed } from '../../src/connector.ts';
import type { Claim, OutHeaders } from './port.ts';

/** A record as a message of its partition's lane. A timestamp below zero is none. */
export function fromRecord(
  claim: Claim,
  offset: number,
  timestamp: number,
  key: Buffer | null | undefined,
  value: Buffer | null | undefined,
  headers: Headers,
): Message {
  return new Message({
    body: value ?? null,
    key: key ?? null,
    headers,
    timestamp: timestamp < 0 ? undefined : timestamp,
    origin: originOf(claim, offset),
    lane: claim.lane,
  });
}

function originOf({ topic, topicId, partition }: Claim, offset: number): Origin {
  return topicId === undefined ? { topic, partition, offset } : { topic, topicId, partition, offset };
}

/** Headers as Kafka has them, repeats included. Throws UNMAPPABLE for a value that no bytes can stand for, and for text that is no UTF-8. */
export function toHeaders(message: Message): OutHeaders {
  const { headers } = message;
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as Header;
    if (!header[0].isWellFormed() || !isWritable(header[1]))
      return headers.map(([name, each]) => [checked(name), written(name, each)] as const);
  }
  return headers as OutHeaders;
}

function isWritable(value: HeaderValue): value is Buffer | string | null {
  return typeof value === 'string' ? value.isWellFormed() : value === null || Buffer.isBuffer(value);
}

/** Half a surrogate pair would be written as something else. */
function checked(text: string): string {
  if (text.isWellFormed()) return text;
  throw new MqferryError('UNMAPPABLE', 'a header holds half a surrogate pair, which UTF-8 cannot say');
}

// The engine writes other types as text before they come here; these are for what it cannot know.
function written(name: string, value: HeaderValue): Buffer | string | null {
  if (typeof value === 'string') return checked(value);
  if (isWritable(value)) return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (value instanceof Typed) return Buffer.isBuffer(value.value) ? value.value : String(value.value);
  throw new MqferryError('UNMAPPABLE', `Kafka cannot hold the header "${name}": a list, a map or no time`);
}

/** Whole milliseconds as Kafka has them. Throws UNMAPPABLE for a time it cannot hold. */
export function toTimestamp(timestamp: number | undefined): number | undefined {
  if (timestamp === undefined) return undefined;
  if (!(timestamp >= 0 && timestamp <= Number.MAX_SAFE_INTEGER)) {
    throw new MqferryError('UNMAPPABLE', `Kafka cannot hold the timestamp ${timestamp}: it must lie between 1970 and the far future`);
  }
  return Math.trunc(timestamp);
}

/** What is wrong with a topic name; undefined when nothing is. */
export function topicFault(topic: string): string | undefined {
  if (/^[A-Za-z0-9._-]{1,249}$/.test(topic) && topic !== '.' && topic !== '..') return undefined;
  return `"${topic.slice(0, 300)}" is not a topic name: 1 to 249 letters, digits, dots, dashes and underscores`;
}

/** What is wrong with a topic that a message has named: those with two underscores before their name are Kafka's own (`__consumer_offsets`). */
export function namedTopicFault(topic: string): string | undefined {
  if (topic.startsWith('__')) return `the topic "${topic.slice(0, 300)}" is one of Kafka's own: no message may name it`;
  return topicFault(topic);
}
