/** MQTT packets to messages and back. Nothing here touches a connection. */
import { isUtf8 } from 'node:buffer';
import { type Header, type Headers, Message, MqferryError, type Origin } from '../../src/connector.ts';
import { expiryMaxSeconds } from './carries.ts';
import type { Incoming } from './decode.ts';
import { textProblem, topicProblem } from './topic.ts';

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

/** A packet that is sent. */
export interface Publish {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** With QoS 1, set before it is sent. */
  messageId: number;
  /** MQTT 5 has properties, 3.1.1 none. */
  readonly properties: PublishProperties | undefined;
}

export interface PublishProperties {
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  messageExpiryInterval?: number;
  /** In order, with repeats; every value is text. */
  userProperties?: Headers;
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
  return {
    topic: envelope.topic,
    payload: message.body ?? empty,
    qos: envelope.qos,
    retain: envelope.retain,
    messageId: 0,
    properties: envelope.version === 5 ? toProperties(message) : undefined,
  };
}

const empty = Buffer.alloc(0);

function toProperties(message: Message): PublishProperties {
  const properties: PublishProperties = {};
  if (message.contentType !== undefined) properties.contentType = checked('contentType', message.contentType);
  if (message.replyTo !== undefined) properties.responseTopic = checkedTopic(message.replyTo);
  if (message.correlationId !== undefined) properties.correlationData = correlationData(message.correlationId);
  if (message.expiresAt !== undefined) properties.messageExpiryInterval = secondsLeft(message.expiresAt);
  if (message.headers.length > 0) properties.userProperties = toUserProperties(message.headers);
  return properties;
}

function toUserProperties(headers: Headers): Headers {
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as Header;
    if (typeof header[1] !== 'string') throw unmappable(`header ${JSON.stringify(header[0])} is not text`);
    checked('the name of a header', header[0]);
    checked('header', header[1], header[0]);
  }
  return headers;
}

/** The whole seconds that are left, at least one: 0 would mean that it must not be delivered at all. */
function secondsLeft(expiresAt: number): number {
  if (Number.isNaN(expiresAt)) throw unmappable('expiresAt is not a number');
  return Math.min(expiryMaxSeconds, Math.max(1, Math.ceil((expiresAt - Date.now()) / 1000)));
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

function propertyBytes(properties: PublishProperties): number {
  const { contentType, responseTopic, correlationData, messageExpiryInterval, userProperties } = properties;
  let sum = 0;
  for (const value of [contentType, responseTopic, correlationData]) if (value !== undefined) sum += 3 + Buffer.byteLength(value);
  if (messageExpiryInterval !== undefined) sum += 5;
  for (const [name, value] of userProperties ?? []) sum += 5 + Buffer.byteLength(name) + Buffer.byteLength(value as string);
  return sum;
}

/** Bytes of a length of the protocol. */
export function lengthBytes(length: number): number {
  if (length < 128) return 1;
  if (length < 16_384) return 2;
  return length < 2_097_152 ? 3 : 4;
}
