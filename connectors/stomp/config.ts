import {
  duration,
  type EndConfig,
  group,
  type Infer,
  list,
  oneOf,
  secret,
  size,
  template,
  text,
  tlsFields,
  whole,
} from '../../src/connector.ts';

export const connectionFields = {
  url: list(
    'Address, e.g. `stomp://user:secret@host:61613`; `stomps://` for TLS. Of several (a broker and its stand-ins) the first that answers is used.',
    secret('One address.'),
    { default: ['stomp://localhost:61613'] },
  ),
  broker: oneOf(
    'Which broker this is. What a route promises is computed before anything connects, and not every broker delivers again in order: not written, no order is promised. When another one answers, the route stops.',
    ['activemq', 'artemis', 'rabbitmq'],
    { optional: true, example: 'activemq' },
  ),
  username: text('User; wins over the one in the URL.', { optional: true }),
  password: secret('Password; wins over the one in the URL.', { optional: true }),
  vhost: text('Virtual host (RabbitMQ; other brokers do not look at it).', { default: '/' }),
  tls: group('TLS, for `stomps://`.', tlsFields, { optional: true }),
  heartbeat: duration(
    'How often each side shows that it lives; a broker silent for two and a half times this is taken for dead. 0: never.',
    {
      default: 10_000,
      advanced: true,
    },
  ),
  connectTimeout: duration('Longest time for connecting, logging in and subscribing.', { default: 10_000, advanced: true }),
  maxFrame: size('Largest body that is accepted from the broker. A larger one ends the link.', {
    default: 64 * 1024 * 1024,
    advanced: true,
  }),
  maxHeaders: whole('Most headers of a message; one with more goes to the dead letter.', {
    default: 1000,
    min: 16,
    max: 10_000,
    advanced: true,
  }),
  maxHeaderBytes: size('Most bytes of all headers of a message. More end the link.', { default: 256 * 1024, advanced: true }),
};

const durableFields = {
  name: text('Name of the subscription at the broker.'),
  clientId: text('Name of the client that owns it. Not written: a stable one of this instance and route.', {
    optional: true,
    advanced: true,
  }),
};

export const sourceFields = {
  destination: text(
    'What to read: `/queue/<name>` or `/topic/<name>`; on RabbitMQ also `/amq/queue/<name>` and `/exchange/<name>/<key>`.',
    {
      example: '/queue/orders',
    },
  ),
  prefetch: whole('Unacked messages that the broker sends ahead. Not written: the window of the route.', {
    min: 1,
    max: 65_535,
    optional: true,
  }),
  selector: text('Take only messages for which this holds (ActiveMQ and Artemis).', { optional: true, example: "region = 'eu'" }),
  durable: group("Keep a topic's messages while mqferry is away, in a durable subscription.", durableFields, { optional: true }),
};

export const sinkFields = {
  destination: template(
    'Where to send: `/queue/<name>` or `/topic/<name>`; on RabbitMQ also `/amq/queue/<name>` and `/exchange/<name>/<key>`.',
    {
      example: '/queue/orders',
    },
  ),
  confirmTimeout: duration('When messages wait and not one receipt came for this long, the link is taken for dead.', {
    default: 30_000,
    advanced: true,
  }),
};

export type ConnectionConfig = Infer<typeof connectionFields>;
export type SourceConfig = EndConfig<typeof connectionFields, typeof sourceFields>;
export type SinkConfig = EndConfig<typeof connectionFields, typeof sinkFields>;
