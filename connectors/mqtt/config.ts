import { duration, group, type Infer, list, oneOf, secret, template, text, tlsFields } from '../../src/connector.ts';

export const connectionFields = {
  url: list(
    'Address, e.g. `mqtt://user:secret@host:1883`; `mqtts://` for TLS, `ws://` and `wss://` for WebSockets. Of several (a broker and its stand-ins) the first that answers is used.',
    secret('One address.'),
    { default: ['mqtt://localhost:1883'] },
  ),
  version: oneOf('Protocol version. 3.1.1 has no headers and no properties, and cannot say why it refuses a message.', [5, '3.1.1'], {
    default: 5,
  }),
  username: text('User; wins over the one in the URL.', { optional: true }),
  password: secret('Password; wins over the one in the URL.', { optional: true }),
  tls: group('TLS, for `mqtts://` and `wss://`.', tlsFields, { optional: true }),
  keepalive: duration('A broker or a network that says nothing for one and a half of this is taken for dead.', {
    default: 30_000,
    advanced: true,
  }),
  connectTimeout: duration('How long the broker may take to accept a connection or a subscription.', { default: 10_000, advanced: true }),
};
export type ConnectionConfig = Infer<typeof connectionFields>;

export const sourceFields = {
  topics: list(
    'Topic filters to subscribe to; `+` and `#` are wildcards, `$share/<group>/<filter>` shares the messages with a group.',
    text('A filter.'),
    {
      example: ['sensors/+/temperature'],
    },
  ),
  qos: oneOf(
    'Delivery guarantee asked of the broker. 0: messages may be lost. 2 is not offered: it is less safe when a client dies.',
    [0, 1],
    {
      default: 1,
    },
  ),
  clientId: text(
    'Name of the session at the broker. Two clients of one name throw each other out. Left out: a stable one of this instance and route.',
    {
      optional: true,
      advanced: true,
    },
  ),
  sessionExpiry: duration(
    'How long the broker keeps the session, and what it holds for us, while we are away. MQTT 3.1.1: as long as the broker likes.',
    {
      default: 7 * 86_400_000,
    },
  ),
  retained: oneOf('What to do with the retained messages that a new subscription brings.', ['take', 'skip'], { default: 'take' }),
};
export type SourceConfig = Infer<typeof sourceFields> & { readonly connection: ConnectionConfig };

export const sinkFields = {
  topic: template('Topic to publish to.', { example: 'plant/${{ header.line }}/orders' }),
  qos: oneOf('Delivery guarantee. 0: messages may be lost.', [0, 1], { default: 1 }),
  retain: oneOf(
    'Which messages the broker keeps for later subscribers; `preserve`: those that came from MQTT with that flag.',
    ['never', 'preserve', 'always'],
    {
      default: 'never',
    },
  ),
  requireSubscriber: oneOf(
    'What to do when the broker says that nobody subscribes to the topic (MQTT 5; not every broker says it).',
    ['ignore', 'warn', 'fail'],
    {
      default: 'warn',
    },
  ),
  clientId: text('Name of this client at the broker. Left out: a stable one of this instance and route.', {
    optional: true,
    advanced: true,
  }),
  confirmTimeout: duration('The link is given up when the broker confirms nothing for so long.', { default: 30_000, advanced: true }),
};
export type SinkConfig = Infer<typeof sinkFields> & { readonly connection: ConnectionConfig };
