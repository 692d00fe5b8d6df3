import {
  anything,
  duration,
  type EndConfig,
  group,
  type Infer,
  list,
  map,
  oneOf,
  secret,
  template,
  text,
  tlsFields,
  whole,
  yesNo,
} from '../../src/connector.ts';

export const connectionFields = {
  url: list(
    "Address with user, password and virtual host, e.g. `amqp://user:secret@host:5672/vhost`; `amqps://` for TLS. Of several (a cluster's nodes) the first that answers is used.",
    secret('One address.'),
    { default: ['amqp://localhost'] },
  ),
  username: text('User, when it does not stand in the URL.', { optional: true }),
  password: secret('Password, when it does not stand in the URL.', { optional: true }),
  vhost: text('Virtual host, when it does not stand in the URL.', { optional: true }),
  auth: oneOf('How to log in: `plain` with user and password, `external` with the client certificate.', ['plain', 'external'], {
    default: 'plain',
  }),
  tls: group('TLS, for `amqps://`.', tlsFields, { optional: true }),
  heartbeat: duration('A broker that is silent for twice this long is taken for dead.', { default: 10_000, advanced: true }),
  connectTimeout: duration('Longest time for connecting and logging in.', { default: 10_000, advanced: true }),
};

const bindingFields = {
  exchange: text('Exchange to bind to; it must exist.'),
  routingKey: text('Binding key.', { default: '' }),
  arguments: map('Arguments of the binding, e.g. of a headers exchange.', anything('Any value.'), { optional: true }),
};

const declareFields = {
  durable: yesNo('The queue survives a restart of the broker.', { default: true }),
  type: oneOf('Kind of queue; `quorum` is replicated.', ['classic', 'quorum'], { default: 'classic' }),
  autoDelete: yesNo('The broker deletes the queue, with its messages, when its last consumer is gone.', { default: false }),
  exclusive: yesNo('The queue belongs to this connection and is deleted, with its messages, when the link is lost.', { default: false }),
  arguments: map('More arguments, e.g. `x-max-length`.', anything('Any value.'), { optional: true }),
  bindings: list('Bindings to make.', group('One binding.', bindingFields), { default: [] }),
};

export const sourceFields = {
  queue: text('Queue to read. It must exist, unless `declare` is written.'),
  prefetch: whole('Unacked messages that the broker sends ahead. Not written: the window of the route.', {
    min: 1,
    max: 65_535,
    optional: true,
  }),
  exclusive: yesNo('Be the only consumer of the queue, which keeps its order; opening fails while there is another.', { default: false }),
  declare: group('Make the queue when it is missing. One that exists and differs is left alone, and is an error.', declareFields, {
    optional: true,
  }),
};

export const sinkFields = {
  exchange: text('Exchange to publish to; it must exist.', { optional: true }),
  routingKey: template('Routing key, with `exchange`.', { optional: true }),
  queue: template('Queue to send to (the default exchange with this routing key), instead of `exchange`.', { optional: true }),
  confirmTimeout: duration('When not one confirm came for this long (and the broker has not blocked us), the link is taken for dead.', {
    default: 30_000,
    advanced: true,
  }),
};

export type ConnectionSettings = Infer<typeof connectionFields>;
export type SourceConfig = EndConfig<typeof connectionFields, typeof sourceFields>;
export type SinkConfig = EndConfig<typeof connectionFields, typeof sinkFields>;
