/** Every setting of the Kafka connector, described once. */
import { duration, group, type Infer, list, oneOf, secret, size, template, text, tlsFields, whole } from '../../src/connector.ts';

const hostPort = text('`host:port`.', {
  pattern: /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+):(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})$/,
  hint: '`host:port`, such as localhost:9092',
});
const topicName = text('A topic.', {
  pattern: /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/,
  hint: 'a topic name: 1 to 249 letters, digits, dots, dashes and underscores',
});

export const connectionFields = {
  brokers: list('Brokers to start from, `host:port` each. The others of the cluster are found through them.', hostPort, {
    example: ['localhost:9092'],
  }),
  tls: group('TLS. `tls: {}` trusts the usual authorities.', tlsFields, { optional: true }),
  sasl: group(
    'Log in with SASL.',
    {
      mechanism: oneOf('How the password is shown to the broker. PLAIN sends it as it is: use TLS with it.', [
        'PLAIN',
        'SCRAM-SHA-256',
        'SCRAM-SHA-512',
      ]),
      username: text('User.'),
      password: secret('Password.'),
    },
    { optional: true },
  ),
  driver: oneOf(
    'Client library. `platformatic` carries every header exactly, costs a third of the CPU and resumes at once after a crash; `kafkajs` ' +
      'for brokers that it does not get along with.',
    ['platformatic', 'kafkajs'],
    { default: 'platformatic', advanced: true },
  ),
  connectTimeout: duration('How long one connection attempt may take.', { default: 3000, advanced: true }),
  requestTimeout: duration('How long a broker may take to answer one request.', { default: 10_000, advanced: true }),
};

export const sourceFields = {
  groupId: text('Consumer group. Members of one group share the partitions; positions are kept per group.'),
  topics: list('Topics to read. Either this or `pattern`.', topicName, { optional: true }),
  pattern: text('Regular expression: every topic whose whole name it matches, also those created later. Either this or `topics`.', {
    optional: true,
    example: 'orders\\..*',
  }),
  from: oneOf('Where a group starts that has no position yet. A group that has one goes on from there.', ['earliest', 'latest'], {
    default: 'earliest',
  }),
  onGap: oneOf(
    'What to do when records between the position and the log are gone (retention, a topic created again): `stop` the route with a report, ' +
      'or go on at the `earliest` or `latest` record, with a warning.',
    ['stop', 'earliest', 'latest'],
    { default: 'stop' },
  ),
  prefetch: whole('Acked positions that may wait for their commit; bounds what is repeated after a crash. As the window unless set.', {
    optional: true,
    min: 1,
  }),
  sessionTimeout: duration('After this silence the group gives the partitions to others.', { default: 10_000, advanced: true }),
  rebalanceTimeout: duration('How long the group waits for its members when partitions are shared out anew.', {
    default: 30_000,
    advanced: true,
  }),
  fetchBytes: size('Bytes asked of one broker at a time. Also what waits in memory beyond the window.', {
    default: 1024 * 1024,
    advanced: true,
  }),
};

export const sinkFields = {
  topic: template(
    "Topic to write to. It must exist: topics are never created by writing. One that a message names must not begin with `__`: those are Kafka's own.",
  ),
  key: template("Record key, as text. The message's own key unless set. Equal keys go to the same partition, as Java's clients have it.", {
    optional: true,
  }),
  compression: oneOf('How batches are compressed.', ['none', 'gzip', 'snappy', 'lz4', 'zstd'], { default: 'none' }),
  maxRequestBytes: size("Largest batch. Keep it at or below the topic's `max.message.bytes`.", { default: 1_000_000, advanced: true }),
  deliveryTimeout: duration('How long one batch may take, with all its repeats, before the link counts as lost.', {
    default: 60_000,
    advanced: true,
  }),
};

export type ConnectionConfig = Infer<typeof connectionFields>;
export type SourceConfig = Infer<typeof sourceFields> & { readonly connection: ConnectionConfig };
export type SinkConfig = Infer<typeof sinkFields> & { readonly connection: ConnectionConfig };
