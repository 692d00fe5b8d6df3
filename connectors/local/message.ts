import { Message } from '../../src/connector.ts';

/** What names a message of a queue. */
export const place = ['queueId', 'position'];

/** A message as it comes out of a queue: where the route that wrote it had it from is that route's business. */
export function received(message: Message, queue: string, queueId: string, position: number): Message {
  const { body, headers, key, id, group, correlationId, replyTo, timestamp, expiresAt } = message;
  const { priority, persistent, contentType, contentEncoding, type, appId } = message;
  return new Message({
    body,
    headers,
    key,
    id,
    group,
    correlationId,
    replyTo,
    timestamp,
    expiresAt,
    priority,
    persistent,
    contentType,
    contentEncoding,
    type,
    appId,
    origin: { queue, queueId, position },
    lane: queue,
  });
}
