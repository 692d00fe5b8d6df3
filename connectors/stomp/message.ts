/** The message of a MESSAGE frame. Pure. */
import { Message, type Origin } from '../../src/connector.ts';
import type { Frame } from './frames.ts';
import type { Profile } from './profiles.ts';

/**
 * `nowMs` is when it was received. The headers of the protocol become properties and origin; of repeated ones the first counts, as STOMP says
 * (Artemis puts the sender's `message-id`, `timestamp` and even `receipt` behind its own).
 */
export function toMessage(frame: Frame, profile: Profile, lane: string, nowMs: number): Message {
  const found: Found = {};
  const headers: (readonly [string, string])[] = [];
  for (const header of frame.headers) {
    const slot = slotOf(header[0], profile);
    if (slot === undefined) {
      if (!holds(headers, header[0])) headers.push(header);
    } else found[slot] ??= header[1];
  }
  const timestamp = whole(found.timestamp);
  const expiry = whole(found.expiry);
  return new Message({
    body: frame.body,
    headers,
    id: found.id ?? (profile.hasStableId ? found.messageId : undefined),
    group: found.group,
    correlationId: found.correlationId,
    replyTo: found.replyTo,
    timestamp: timestamp === undefined ? undefined : timestamp * profile.timestampUnitMs,
    // JMS says "never" as 0.
    expiresAt: expiry ? expiry + (profile.expiry.isRelative ? nowMs : 0) : undefined,
    priority: whole(found.priority),
    persistent: found.persistent === 'true' || found.persistent === '1',
    contentType: found.contentType,
    contentEncoding: found.contentEncoding,
    type: found.type,
    appId: found.appId,
    origin: originOf(found),
    lane,
    fault: frame.fault,
  });
}

type Slot =
  | ('id' | 'group' | 'correlationId' | 'replyTo' | 'timestamp' | 'expiry' | 'priority' | 'persistent' | 'contentType' | 'contentEncoding')
  | ('type' | 'destination' | 'messageId' | 'redelivered' | 'userId' | 'appId' | 'ofTheLink');
type Found = Partial<Record<Slot, string>>;

const everywhere = new Map<string, Slot>([
  ['destination', 'destination'],
  ['message-id', 'messageId'],
  ['redelivered', 'redelivered'],
  ['timestamp', 'timestamp'],
  ['priority', 'priority'],
  ['persistent', 'persistent'],
  ['correlation-id', 'correlationId'],
  ['reply-to', 'replyTo'],
  ['content-type', 'contentType'],
  ['content-encoding', 'contentEncoding'],
  ['type', 'type'],
  ['subscription', 'ofTheLink'],
  ['ack', 'ofTheLink'],
  ['content-length', 'ofTheLink'],
  ['receipt', 'ofTheLink'], // the sender's: RabbitMQ and Artemis hand it on
]);
const rabbitmq = new Map<string, Slot>([
  ...everywhere,
  ['amqp-message-id', 'id'],
  ['expiration', 'expiry'],
  ['user-id', 'userId'],
  ['app-id', 'appId'],
]);
const others = new Map<string, Slot>([
  ...everywhere,
  ['expires', 'expiry'],
  ['JMSXGroupID', 'group'],
  ['_AMQ_GROUP_ID', 'group'],
  ['destination-type', 'ofTheLink'],
]);

function slotOf(name: string, profile: Profile): Slot | undefined {
  return (profile.name === 'rabbitmq' ? rabbitmq : others).get(name);
}

function originOf(found: Found): Origin {
  const { destination = '', messageId = '', redelivered, userId } = found;
  const origin = { destination, messageId, redelivered: redelivered === 'true' };
  return userId === undefined ? origin : { ...origin, userId };
}

function holds(headers: readonly (readonly [string, string])[], name: string): boolean {
  for (const header of headers) if (header[0] === name) return true;
  return false;
}

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
