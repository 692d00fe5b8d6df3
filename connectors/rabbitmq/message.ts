/** Between {@link Message} and the properties of AMQP 0-9-1: pure, and exact both ways. */
import { isUtf8 } from 'node:buffer';
import { type Header, Message, type MessageInit, MqferryError, type Origin } from '../../src/connector.ts';
import { ByteReader, type ByteWriter } from './bytes.ts';
import { expirationMaxMs, isOrdinaryReplyTo, secondsMax } from './carries.ts';
import { readTable, writeTable } from './table.ts';

/** One delivery as the client hands it over: `properties` are the bytes of the content header, undecoded. */
export interface Delivery {
  readonly fields: {
    readonly deliveryTag: number;
    readonly redelivered: boolean;
    readonly exchange: string;
    readonly routingKey: string;
  };
  readonly properties: Buffer;
  readonly content: Buffer;
}

/** The message of a delivery. One that cannot be decoded has its body and a `fault`. */
export function toMessage(delivery: Delivery, queue: string, nowMs: number): Message {
  const { exchange, routingKey, redelivered } = delivery.fields;
  try {
    const { init, userId } = readProperties(delivery.properties, nowMs);
    init.origin =
      userId === undefined ? { queue, exchange, routingKey, redelivered } : { queue, exchange, routingKey, redelivered, userId };
    init.body = delivery.content;
    init.lane = queue;
    return new Message(init);
  } catch (error) {
    if (!(error instanceof MqferryError)) throw error;
    return new Message({ body: delivery.content, origin: { queue, exchange, routingKey, redelivered }, lane: queue, fault: error });
  }
}

type Init = { -readonly [K in keyof MessageInit]: MessageInit[K] };

interface Read {
  readonly init: Init;
  readonly userId: string | undefined;
}

/** The bits of the flag word, in the order in which the properties follow it. */
const flag = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  correlationId: 0x0400,
  replyTo: 0x0200,
  expiration: 0x0100,
  messageId: 0x0080,
  timestamp: 0x0040,
  type: 0x0020,
  userId: 0x0010,
  appId: 0x0008,
  clusterId: 0x0004,
} as const;

const noHeaders: readonly Header[] = [];

/** All fields from the start, in the order in which a message has them: V8 then knows what the constructor reads. */
function emptyInit(): Init {
  return {
    body: null,
    headers: noHeaders,
    key: null,
    id: undefined,
    group: undefined,
    correlationId: undefined,
    replyTo: undefined,
    timestamp: undefined,
    expiresAt: undefined,
    priority: undefined,
    persistent: undefined,
    contentType: undefined,
    contentEncoding: undefined,
    type: undefined,
    appId: undefined,
    origin: noOrigin,
    lane: '',
    fault: undefined,
  } as Init;
}

const noOrigin: Origin = {};

/** The properties of a content header, from the flag word on. */
export function readProperties(bytes: Buffer, nowMs: number): Read {
  const reader = new ByteReader(bytes);
  const flags = reader.u16();
  const init = emptyInit();
  if (flags & flag.contentType) init.contentType = reader.shortText('the content type');
  if (flags & flag.contentEncoding) init.contentEncoding = reader.shortText('the content encoding');
  if (flags & flag.headers) init.headers = readTable(reader);
  if (flags & flag.deliveryMode) init.persistent = reader.u8() === 2;
  if (flags & flag.priority) init.priority = reader.u8();
  if (flags & flag.correlationId) init.correlationId = textOrBytes(reader.shortBytes());
  if (flags & flag.replyTo) init.replyTo = reader.shortText('the reply-to');
  // RabbitMQ does not count it down: what remains is taken to be all of it.
  if (flags & flag.expiration) init.expiresAt = expiresAt(reader.shortText('the expiration'), nowMs);
  if (flags & flag.messageId) init.id = reader.shortText('the message id');
  if (flags & flag.timestamp) init.timestamp = timestampMs(reader.u64());
  if (flags & flag.type) init.type = reader.shortText('the type');
  const userId = flags & flag.userId ? reader.shortText('the user id') : undefined;
  if (flags & flag.appId) init.appId = reader.shortText('the app id');
  return { init, userId };
}

function textOrBytes(bytes: Buffer): string | Buffer {
  return isUtf8(bytes) ? bytes.toString() : bytes;
}

function expiresAt(expiration: string, nowMs: number): number | undefined {
  const ms = Number(expiration);
  return Number.isFinite(ms) ? nowMs + ms : undefined;
}

function timestampMs(value: bigint): number | undefined {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) return undefined;
  return number < secondsMax ? number * 1000 : number;
}

/**
 * Writes the properties of a content header, flag word first. Always persistent, never a user id. Throws UNMAPPABLE or TOO_LARGE for what
 * RabbitMQ would close the channel or the connection for.
 */
export function writeProperties(writer: ByteWriter, message: Message, nowMs: number): void {
  const { correlationId, headers } = message;
  refuseOrders(headers);
  const start = writer.at;
  let flags: number = flag.deliveryMode;
  writer.u16(0);
  if (message.contentType !== undefined) flags |= short(writer, flag.contentType, 'the content type', message.contentType);
  if (message.contentEncoding !== undefined) flags |= short(writer, flag.contentEncoding, 'the content encoding', message.contentEncoding);
  if (headers.length > 0) {
    flags |= flag.headers;
    writeTable(writer, headers);
  }
  writer.u8(2);
  if (message.priority !== undefined) flags |= writePriority(writer, message.priority);
  if (correlationId !== undefined) flags |= short(writer, flag.correlationId, 'the correlation id', textOf(correlationId));
  if (message.replyTo !== undefined) flags |= short(writer, flag.replyTo, 'the reply-to', ordinaryReplyTo(message.replyTo));
  if (message.expiresAt !== undefined) {
    flags |= short(writer, flag.expiration, 'the expiration', expirationOf(message.expiresAt, nowMs));
  }
  if (message.id !== undefined) flags |= short(writer, flag.messageId, 'the message id', message.id);
  if (message.timestamp !== undefined) flags |= writeTimestamp(writer, message.timestamp);
  if (message.type !== undefined) flags |= short(writer, flag.type, 'the type', message.type);
  if (message.appId !== undefined) flags |= short(writer, flag.appId, 'the app id', message.appId);
  writer.buffer.writeUInt16BE(flags, start);
}

function short(writer: ByteWriter, bit: number, what: string, value: string): number {
  writer.shortText(what, value);
  return bit;
}

function writePriority(writer: ByteWriter, priority: number): number {
  if (!Number.isInteger(priority) || priority < 0 || priority > 255) {
    throw new MqferryError('UNMAPPABLE', `the priority ${priority} is not a whole number from 0 to 255`);
  }
  writer.u8(priority);
  return flag.priority;
}

function writeTimestamp(writer: ByteWriter, ms: number): number {
  if (!(ms >= 0 && ms < secondsMax * 1000)) throw new MqferryError('UNMAPPABLE', `the timestamp ${ms} is not a time from 1970 to 5138`);
  writer.i64(Math.floor(ms / 1000));
  return flag.timestamp;
}

function textOf(correlationId: string | Buffer): string {
  if (Buffer.isBuffer(correlationId) && !isUtf8(correlationId)) throw new MqferryError('UNMAPPABLE', 'the correlation id is not UTF-8');
  return correlationId.toString();
}

function ordinaryReplyTo(replyTo: string): string {
  if (isOrdinaryReplyTo(replyTo)) return replyTo;
  throw new MqferryError('UNMAPPABLE', `the reply-to ${replyTo} means a consumer on the same channel`);
}

/** The time that remains, in whole milliseconds. */
function expirationOf(expiresAtMs: number, nowMs: number): string {
  const remaining = Math.ceil(expiresAtMs - nowMs);
  if (remaining <= expirationMaxMs) return String(Math.max(1, remaining));
  throw new MqferryError('UNMAPPABLE', `the expiry ${expiresAtMs} is not a time within the next 49 days`);
}

/** The engine has renamed them; should one be left, the broker must not see it: it would send the message elsewhere too. */
function refuseOrders(headers: readonly Header[]): void {
  for (let i = 0; i < headers.length; i++) {
    const name = (headers[i] as Header)[0];
    if (name === 'CC' || name === 'BCC') throw new MqferryError('UNMAPPABLE', `the header ${name} would send copies to other queues`);
  }
}
