import { createHash } from 'node:crypto';
import { ByteWriter } from '../buffer/bytes.ts';
import { encodeMessage } from '../buffer/record.ts';
import { type HeaderValue, Message, type Origin } from '../message.ts';

/** What an operator finds the message by: its id, or where it came from. */
export function identify(message: Message): string {
  if (message.id !== undefined) return JSON.stringify(message.id);
  const place = Object.entries(message.origin).map(([name, value]) => `${name} ${String(value)}`);
  return place.length > 0 ? `without id (${place.slice(0, 4).join(', ')})` : 'without id';
}

/**
 * What a message is known by when it comes again: the values of `stableIds` in `origin`; where the source has no such names, a hash over where it came
 * from and what it is. Two messages of the same content are then one; they do the same to the process.
 */
export function identityOf(message: Message, stableIds: readonly string[]): string {
  const values = stableIds.map((name) => message.origin[name]);
  const isPlaced = values.length > 0 && values.every((value) => value !== undefined && value !== null);
  return isPlaced ? values.join('/') : digest(message);
}

/** Of the names in `origin`, those that say where a message was, and not how it was handed over. */
const places = ['topic', 'partition', 'offset', 'exchange', 'routingKey', 'queue', 'destination'];

/** Headers in which a broker counts how often it has handed the message over. */
const counts = ['x-delivery-count', 'x-acquired-count', 'jmsxdeliverycount'];

const headBytes = 64 * 1024;
const headBytesMax = 64 * 1024 * 1024;

function digest(message: Message): string {
  const hash = createHash('sha256').update(headOf(message));
  return hash.update(message.body ?? '').digest('hex');
}

/** All but the body and what says when: times are made at receipt by some sources, and differ in copies. */
function headOf(message: Message): Buffer {
  const { key, id, group, correlationId, replyTo, priority, persistent, contentType, contentEncoding, type, appId } = message;
  const origin: Record<string, Origin[string]> = {};
  for (const name of places) if (message.origin[name] !== undefined) origin[name] = message.origin[name];
  const headers = message.headers.filter(([name]: readonly [string, HeaderValue]) => !counts.includes(name.toLowerCase()));
  const properties = { id, group, correlationId, replyTo, priority, persistent, contentType, contentEncoding, type, appId };
  const into = new ByteWriter(headBytes);
  into.limit = headBytesMax;
  try {
    encodeMessage(new Message({ body: null, key, headers, origin, ...properties }), into);
  } catch {
    into.reset(); // a header that nothing can write: the body has to do
  }
  return into.buffer.subarray(0, into.at);
}
