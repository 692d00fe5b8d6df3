/**
 * A message as bytes, and back, exactly: typed headers, repeats, tombstones, half surrogate pairs.
 *
 *   flags  whole   which of the fields below follow, in the order of FLAG
 *   fields ...     texts, bytes and numbers as in bytes.ts
 *   body   rest    the rest of the record; flag 0 tells empty from a tombstone
 */
import { type ErrorCode, errorCodes, MqferryError } from '../errors.ts';
import { type Header, type Headers, type HeaderValue, Message, type Origin, Typed } from '../message.ts';
import { ByteReader, type ByteWriter } from './bytes.ts';
import type { Decoder } from './reader.ts';

const FLAG = {
  body: 1 << 0,
  key: 1 << 1,
  headers: 1 << 2,
  origin: 1 << 3,
  lane: 1 << 4,
  fault: 1 << 5,
  id: 1 << 6,
  group: 1 << 7,
  correlationText: 1 << 8,
  correlationBytes: 1 << 9,
  replyTo: 1 << 10,
  timestamp: 1 << 11,
  expiresAt: 1 << 12,
  priority: 1 << 13,
  persistent: 1 << 14,
  notPersistent: 1 << 15,
  contentType: 1 << 16,
  contentEncoding: 1 << 17,
  type: 1 << 18,
  appId: 1 << 19,
} as const;

/** This and what is above it. */
const unknownFlag = 1 << 20;

const depthMax = 100;

/** Appends a message. Throws TOO_LARGE, or UNMAPPABLE when its body or a header cannot be written at all. */
export function encodeMessage(message: Message, into: ByteWriter): void {
  const { body, origin } = message;
  const originNames = Object.keys(origin);
  const flags = flagsOf(message, body, originNames.length > 0);
  into.whole(flags);
  if (message.key !== null) into.bytes(message.key);
  if (message.headers.length > 0) writeHeaders(message.headers, into);
  if (originNames.length > 0) writeOrigin(origin, originNames, into);
  if (message.lane !== '') into.text(message.lane);
  if (message.fault !== undefined) writeFault(message.fault, into);
  writeProperties(message, into);
  if (body !== null) into.raw(body);
}

function flagsOf(message: Message, body: Buffer | null, hasOrigin: boolean): number {
  let flags = 0;
  if (body !== null) flags |= FLAG.body;
  if (message.key !== null) flags |= FLAG.key;
  if (message.headers.length > 0) flags |= FLAG.headers;
  if (hasOrigin) flags |= FLAG.origin;
  if (message.lane !== '') flags |= FLAG.lane;
  if (message.fault !== undefined) flags |= FLAG.fault;
  if (message.id !== undefined) flags |= FLAG.id;
  if (message.group !== undefined) flags |= FLAG.group;
  if (message.correlationId !== undefined)
    flags |= typeof message.correlationId === 'string' ? FLAG.correlationText : FLAG.correlationBytes;
  if (message.replyTo !== undefined) flags |= FLAG.replyTo;
  if (message.timestamp !== undefined) flags |= FLAG.timestamp;
  if (message.expiresAt !== undefined) flags |= FLAG.expiresAt;
  if (message.priority !== undefined) flags |= FLAG.priority;
  if (message.persistent !== undefined) flags |= message.persistent ? FLAG.persistent : FLAG.notPersistent;
  if (message.contentType !== undefined) flags |= FLAG.contentType;
  if (message.contentEncoding !== undefined) flags |= FLAG.contentEncoding;
  if (message.type !== undefined) flags |= FLAG.type;
  if (message.appId !== undefined) flags |= FLAG.appId;
  return flags;
}

function writeProperties(message: Message, into: ByteWriter): void {
  const { correlationId } = message;
  if (message.id !== undefined) into.text(message.id);
  if (message.group !== undefined) into.text(message.group);
  if (correlationId !== undefined) writeTextOrBytes(correlationId, into);
  if (message.replyTo !== undefined) into.text(message.replyTo);
  if (message.timestamp !== undefined) into.double(message.timestamp);
  if (message.expiresAt !== undefined) into.double(message.expiresAt);
  if (message.priority !== undefined) into.double(message.priority);
  if (message.contentType !== undefined) into.text(message.contentType);
  if (message.contentEncoding !== undefined) into.text(message.contentEncoding);
  if (message.type !== undefined) into.text(message.type);
  if (message.appId !== undefined) into.text(message.appId);
}

function writeTextOrBytes(value: string | Buffer, into: ByteWriter): void {
  if (typeof value === 'string') into.text(value);
  else into.bytes(value);
}

function writeHeaders(headers: Headers, into: ByteWriter): void {
  into.whole(headers.length);
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as Header;
    into.text(header[0]);
    writeValue(header[1], into, 0);
  }
}

function writeOrigin(origin: Origin, names: readonly string[], into: ByteWriter): void {
  into.whole(names.length);
  for (const name of names) {
    into.text(name);
    writeValue(origin[name] as HeaderValue, into, 0);
  }
}

function writeFault(fault: Error, into: ByteWriter): void {
  into.text(fault instanceof MqferryError ? fault.code : '');
  into.text(fault.message);
}

const TAG = {
  null: 0,
  true: 1,
  false: 2,
  text: 3,
  whole: 4,
  negative: 5,
  double: 6,
  bigint: 7,
  bytes: 8,
  date: 9,
  typed: 10,
  list: 11,
  map: 12,
};

function writeValue(value: HeaderValue, into: ByteWriter, depth: number): void {
  if (typeof value === 'string') {
    into.byte(TAG.text);
    into.text(value);
  } else if (Buffer.isBuffer(value)) {
    into.byte(TAG.bytes);
    into.bytes(value);
  } else if (typeof value === 'number') writeNumber(value, into);
  else if (typeof value === 'boolean') into.byte(value ? TAG.true : TAG.false);
  else if (value === null) into.byte(TAG.null);
  else if (typeof value === 'bigint') {
    into.byte(TAG.bigint);
    into.text(value.toString());
  } else if (value instanceof Date) {
    into.byte(TAG.date);
    into.double(value.getTime());
  } else writeNested(value, into, depth);
}

function writeNumber(value: number, into: ByteWriter): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    into.byte(value < 0 ? TAG.negative : TAG.whole);
    into.whole(Math.abs(value));
  } else {
    into.byte(TAG.double);
    into.double(value);
  }
}

function writeNested(value: Typed | readonly HeaderValue[] | ReadonlyMap<string, HeaderValue>, into: ByteWriter, depth: number): void {
  if (depth >= depthMax) throw new MqferryError('UNMAPPABLE', `a header is nested more than ${depthMax} deep`);
  if (value instanceof Typed) {
    into.byte(TAG.typed);
    into.text(value.type);
    writeValue(value.value, into, depth + 1);
  } else if (value instanceof Map) {
    into.byte(TAG.map);
    into.whole(value.size);
    for (const [name, item] of value as ReadonlyMap<string, HeaderValue>) {
      into.text(name);
      writeValue(item, into, depth + 1);
    }
  } else if (Array.isArray(value)) {
    into.byte(TAG.list);
    into.whole(value.length);
    for (const item of value as readonly HeaderValue[]) writeValue(item, into, depth + 1);
  } else throw new MqferryError('UNMAPPABLE', 'a header has a value of a kind that no message has');
}

/** Reads messages of one log. `bufferId` and the sequence are put into `origin`: together they name the message, whatever happens. */
export class MessageDecoder implements Decoder<Message> {
  readonly #bufferId: string;
  readonly #reader = new ByteReader(Buffer.alloc(0));

  constructor(bufferId: string) {
    this.#bufferId = bufferId;
  }

  /** The message in these bytes. Its body and binary fields are slices of `buffer`. */
  decode(buffer: Buffer, start: number, end: number, sequence: number): Message {
    const from = this.#reader;
    from.buffer = buffer;
    from.at = start;
    from.end = end;
    const flags = from.whole();
    if (flags >= unknownFlag) throw new MqferryError('BUFFER_FAILED', 'a message was stored by a newer mqferry; use that');
    // In the order in which they were written: the evaluation order of an object literal is its order in the text.
    return new Message({
      key: flags & FLAG.key ? from.bytes() : null,
      headers: flags & FLAG.headers ? readHeaders(from) : noHeaders,
      origin: this.#origin(flags & FLAG.origin ? from.count() : 0, sequence),
      lane: flags & FLAG.lane ? from.name() : '',
      fault: flags & FLAG.fault ? readFault(from) : undefined,
      id: flags & FLAG.id ? from.text() : undefined,
      group: flags & FLAG.group ? from.text() : undefined,
      correlationId: flags & FLAG.correlationText ? from.text() : flags & FLAG.correlationBytes ? from.bytes() : undefined,
      replyTo: flags & FLAG.replyTo ? from.text() : undefined,
      timestamp: flags & FLAG.timestamp ? from.double() : undefined,
      expiresAt: flags & FLAG.expiresAt ? from.double() : undefined,
      priority: flags & FLAG.priority ? from.double() : undefined,
      persistent: flags & FLAG.persistent ? true : flags & FLAG.notPersistent ? false : undefined,
      contentType: flags & FLAG.contentType ? from.name() : undefined,
      contentEncoding: flags & FLAG.contentEncoding ? from.name() : undefined,
      type: flags & FLAG.type ? from.name() : undefined,
      appId: flags & FLAG.appId ? from.name() : undefined,
      body: flags & FLAG.body ? from.rest() : null,
    });
  }

  /** The message as it would come out of its record. */
  adopt(message: Message, bufferSequence: number): Message {
    return message.asStored({ ...message.origin, bufferId: this.#bufferId, bufferSequence });
  }

  #origin(count: number, bufferSequence: number): Origin {
    if (count === 0) return { bufferId: this.#bufferId, bufferSequence };
    const origin: Record<string, Origin[string]> = {};
    for (let i = 0; i < count; i++) origin[this.#reader.name()] = readValue(this.#reader, 0) as Origin[string];
    origin['bufferId'] = this.#bufferId;
    origin['bufferSequence'] = bufferSequence;
    return origin;
  }
}

const noHeaders: Headers = [];

function readHeaders(from: ByteReader): Headers {
  const count = from.count();
  const headers: Header[] = [];
  for (let i = 0; i < count; i++) headers.push([from.name(), readValue(from, 0)]);
  return headers;
}

function readFault(from: ByteReader): Error {
  const code = from.text();
  const text = from.text();
  return (errorCodes as readonly string[]).includes(code) ? new MqferryError(code as ErrorCode, text) : new Error(text);
}

function readValue(from: ByteReader, depth: number): HeaderValue {
  if (depth > depthMax) throw new MqferryError('BUFFER_FAILED', `a stored header is nested more than ${depthMax} deep`);
  const tag = from.byte();
  switch (tag) {
    case TAG.text:
      return from.text();
    case TAG.bytes:
      return from.bytes();
    case TAG.whole:
      return from.whole();
    case TAG.negative:
      return -from.whole();
    case TAG.double:
      return from.double();
    case TAG.true:
      return true;
    case TAG.false:
      return false;
    case TAG.null:
      return null;
    case TAG.bigint:
      return BigInt(from.text());
    case TAG.date:
      return new Date(from.double());
    case TAG.typed:
      return new Typed(from.text(), readValue(from, depth + 1) as Typed['value']);
    case TAG.list:
      return Array.from({ length: from.count() }, () => readValue(from, depth + 1));
    case TAG.map:
      return new Map(Array.from({ length: from.count() }, () => [from.text(), readValue(from, depth + 1)] as const));
    default:
      throw new MqferryError('BUFFER_FAILED', `a stored header has the unknown tag ${tag}; was it written by a newer version of mqferry?`);
  }
}
