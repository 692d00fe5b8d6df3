/** MQTT packets to messages and back. Nothing here touches a connection. */
import { isUtf8 } from 'node:buffer';
import type { IPublishPacket } from 'mqtt';
import { type Carries, type Headers, Message, MqferryError, type Origin } from '../../src/connector.ts';
import type { Incoming } from './decode.ts';
import { textProblem, topicProblem } from './topic.ts';

type Properties = NonNullable<IPublishPacket['properties']>;
type UserProperties = NonNullable<Properties['userProperties']>;

/** Largest packet of the protocol: one byte, the length, and what four bytes of length can say. */
export const maxPacketBytes = 1 + 4 + 268_435_455;

/** What each version of the protocol has a slot for. A topic may take 64 KiB of the packet. */
export function carries(version: 5 | '3.1.1'): Carries {
  const maxBytes = maxPacketBytes - 128 * 1024;
  if (version !== 5) return { headers: 'none', repeats: false, key: false, properties: [], maxBytes };
  return { headers: 'text', repeats: true, key: false, properties: ['correlationId', 'replyTo', 'expiresAt', 'contentType'], maxBytes };
}

/** What the broker sent, with its expiry counted from now. */
export function fromPublish(packet: Incoming, lane: string): Message {
  const { properties } = packet;
  return new Message({
    body: packet.payload,
    headers: properties?.userProperties ?? noHeaders,
    correlationId: properties?.correlationData && textOrBytes(properties.correlationData),
    replyTo: properties?.responseTopic,
    expiresAt: properties?.messageExpiryInterval === undefined ? undefined : Date.now() + properties.messageExpiryInterval * 1000,
    contentType: properties?.contentType,
    origin: toOrigin(packet),
    lane,
  });
}

const noHeaders: Headers = [];

function toOrigin(packet: Incoming): Origin {
  const origin = { topic: packet.topic, qos: packet.qos, retained: packet.retain, redelivered: packet.dup };
  const utf8 = packet.properties?.payloadFormatIndicator;
  return utf8 === undefined ? origin : { ...origin, payloadFormatIndicator: utf8 };
}

function textOrBytes(data: Buffer): string | Buffer {
  return isUtf8(data) ? data.toString() : data;
}

/** A packet that is sent: the body is always bytes. */
export interface Publish extends IPublishPacket {
  payload: Buffer;
  qos: 0 | 1;
}

/** What of a packet does not come from the message. */
export interface Envelope {
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly version: 5 | '3.1.1';
}

/** The packet to send. Throws UNMAPPABLE for what this protocol cannot say: a broker would hang up on it. */
export function toPublish(message: Message, envelope: Envelope): Publish {
  const packet: Publish = {
    cmd: 'publish',
    topic: envelope.topic,
    payload: message.body ?? empty,
    qos: envelope.qos,
    retain: envelope.retain,
    dup: false,
  };
  if (envelope.version === 5) packet.properties = toProperties(message);
  return packet;
}

const empty = Buffer.alloc(0);

// Absent properties are left out: mqtt-packet takes the trouble of looking at each key.
function toProperties(message: Message): Properties {
  const properties: Properties = {};
  if (message.contentType !== undefined) properties.contentType = checked('contentType', message.contentType);
  if (message.replyTo !== undefined) properties.responseTopic = checkedTopic(message.replyTo);
  if (message.correlationId !== undefined) properties.correlationData = correlationData(message.correlationId);
  if (message.expiresAt !== undefined) properties.messageExpiryInterval = secondsLeft(message.expiresAt);
  if (message.headers.length > 0) properties.userProperties = toUserProperties(message.headers);
  return properties;
}

// A list of one-key objects keeps order and repeats; mqtt-packet 9 writes it, its types do not know it.
function toUserProperties(headers: Headers): UserProperties {
  const pairs: UserProperties[] = [];
  for (const [name, value] of headers) {
    if (typeof value !== 'string') throw unmappable(`header ${JSON.stringify(name)} is not text`);
    checked('the name of a header', name);
    pairs.push({ [name]: checked('header', value, name) });
  }
  return pairs as unknown as UserProperties;
}

/** The whole seconds that are left, at least one: 0 would mean that it must not be delivered at all. */
function secondsLeft(expiresAt: number): number {
  return Math.min(0xffff_ffff, Math.max(1, Math.ceil((expiresAt - Date.now()) / 1000)));
}

function correlationData(value: string | Buffer): Buffer {
  const data = typeof value === 'string' ? Buffer.from(value) : value;
  if (data.length > 65_535) throw unmappable('correlationId is longer than 65,535 bytes');
  return data;
}

function checkedTopic(replyTo: string): string {
  const problem = topicProblem(replyTo);
  if (problem) throw unmappable(`replyTo is no MQTT topic: it ${problem}`);
  return replyTo;
}

function checked(what: string, value: string, name?: string): string {
  const problem = textProblem(value);
  if (problem) throw unmappable(`${what}${name === undefined ? '' : ` ${JSON.stringify(name)}`} ${problem}`);
  return value;
}

function unmappable(text: string): MqferryError {
  return new MqferryError('UNMAPPABLE', `MQTT cannot carry the message: ${text}`);
}

/** Bytes of the packet on the wire. */
export function packetBytes(packet: Publish): number {
  let length = 2 + Buffer.byteLength(packet.topic) + (packet.qos > 0 ? 2 : 0) + packet.payload.length;
  if (packet.properties) {
    const properties = propertyBytes(packet.properties);
    length += lengthBytes(properties) + properties;
  }
  return 1 + lengthBytes(length) + length;
}

function propertyBytes(properties: Properties): number {
  const { contentType, responseTopic, correlationData, messageExpiryInterval, userProperties } = properties;
  let sum = 0;
  for (const value of [contentType, responseTopic, correlationData]) if (value !== undefined) sum += 3 + Buffer.byteLength(value);
  if (messageExpiryInterval !== undefined) sum += 5;
  for (const pair of (userProperties ?? []) as unknown as Record<string, string>[])
    for (const name in pair) sum += 5 + Buffer.byteLength(name) + Buffer.byteLength(pair[name] as string);
  return sum;
}

/** Bytes of a length of the protocol. */
export function lengthBytes(length: number): number {
  if (length < 128) return 1;
  if (length < 16_384) return 2;
  return length < 2_097_152 ? 3 : 4;
}
