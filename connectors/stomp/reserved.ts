/**
 * Lower-case names that are orders to a broker when they stand in a SEND, or that a receiver would take for those of the frame. Some are obeyed
 * by one broker only; they are kept from all. A name that ends in `*` is a prefix.
 */
export const reserved: readonly string[] = [
  ...['destination', 'receipt', 'receipt-id', 'transaction', 'content-length', 'content-type', 'content-encoding', 'message-id', 'ack'],
  ...['subscription', 'id', 'host', 'persistent', 'expires', 'expiration', 'priority', 'reply-to', 'correlation-id', 'type', 'timestamp'],
  'redelivered',
  // ActiveMQ, Artemis
  ...['transformation', 'transformation-error', 'destination-type', 'retain', 'browser-end', 'amq_*', 'amq-*', '_amq_*', '__amq*', '_hq_*'],
  ...['jms*', 'activemq.*'],
  // RabbitMQ: properties, sender-selected routing, arguments of the queue that a SEND declares, delayed messages
  ...['cc', 'bcc', 'amqp-message-id', 'user-id', 'app-id', 'cluster-id', 'durable', 'auto-delete', 'exclusive', 'x-queue-*'],
  ...['x-dead-letter-*', 'x-expires', 'x-max-*', 'x-message-ttl', 'x-overflow', 'x-single-active-consumer', 'x-stream-*', 'x-quorum-*'],
  ...['x-initial-cluster-size', 'x-delivery-limit', 'x-consumer-timeout', 'x-delay'],
];

const exact = new Set(reserved.filter((name) => !name.endsWith('*')));
const prefixes = reserved.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));

/** Whether a header of this name would be an order. */
export function isReserved(name: string): boolean {
  const lower = name.toLowerCase();
  return exact.has(lower) || prefixes.some((prefix) => lower.startsWith(prefix));
}
