/** Names that are orders, marks or traps somewhere. To mqferry they are data. */

/** By the broker, or the library, that takes them for something. */
export const hostileNames: Readonly<Record<string, readonly string[]>> = {
  rabbitmq: ['CC', 'BCC', 'cc', 'x-delay', 'x-death', 'x-first-death-queue', 'x-last-death-reason', 'x-delivery-count', 'x-received-from'],
  'rabbitmq streams': ['x-stream-offset', 'x-stream-filter-value', 'x-deduplication-header'],
  'amqp properties': ['user-id', 'userId', 'app-id', 'expiration', 'delivery-mode', 'message-id', 'cluster-id', 'priority'],
  stomp: ['destination', 'receipt', 'receipt-id', 'transaction', 'content-length', 'persistent', 'ack', 'subscription', 'id', 'host'],
  'stomp properties': ['content-type', 'content-encoding', 'reply-to', 'correlation-id', 'type', 'timestamp', 'redelivered', 'expires'],
  activemq: ['AMQ_SCHEDULED_DELAY', 'AMQ_SCHEDULED_CRON', 'amq-msg-type', 'transformation', 'activemq.prefetchSize', 'browser-end'],
  artemis: ['_AMQ_DUPL_ID', '_AMQ_GROUP_ID', '_HQ_SCHED_DELIVERY', '__AMQ_CID', 'destination-type', 'retain'],
  jms: ['JMSXGroupID', 'JMSXGroupSeq', 'JMSType', 'JMSReplyTo', 'JMSExpiration', 'JMSDeliveryMode', 'JMSPriority', 'JMSXDeliveryCount'],
  'rabbitmq stomp': [
    'amqp-message-id',
    'x-queue-name',
    'x-queue-type',
    'x-dead-letter-exchange',
    'x-message-ttl',
    'durable',
    'auto-delete',
  ],
  nats: ['Nats-Msg-Id', 'Nats-Rollup', 'Nats-TTL', 'Nats-Expected-Stream'],
  camel: ['kafka.OVERRIDE_TOPIC', 'kafka.TOPIC', 'CamelHttpUri', 'CamelExecCommandExecutable'],
  mqtt: ['retain', 'qos', 'topic-alias', 'response-topic', 'message-expiry-interval'],
  javascript: ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '!', 'value'],
};

export const traceNames = ['traceparent', 'tracestate', 'baggage'] as const;

export const allHostileNames = [...new Set(Object.values(hostileNames).flat())];
