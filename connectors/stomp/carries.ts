/** What a STOMP frame has a place for, by the broker that the config names; where it names none, what all of them can. */
import { isUtf8 } from 'node:buffer';
import { type Carries, type Kept, type Slots, textSlot, type Words, withSlots } from '../../src/connector.ts';
import { type BrokerName, type Profile, profileNamed } from './profiles.ts';
import { reserved } from './reserved.ts';
import { digitsMax, expirationMaxMs } from './send.ts';

type Broker = BrokerName | undefined;

/** The shortest limit of all, where it is not known whose holds. */
const shortMaxAnywhere = 255;

const common = { headers: 'text', repeats: false, key: false, ordered: false } as const;

/** What a SEND carries. A message is always sent as persistent, so that is no place for anything. */
export function sinkCarries(broker: Broker): Carries {
  const profile = profileNamed(broker);
  const shortMax = broker === undefined ? shortMaxAnywhere : profile.shortMax;
  return {
    ...common,
    ...withSlots({ ...slots(profile, shortMax), ...more[broker ?? 'unknown'] }),
    maxBytes: Number.POSITIVE_INFINITY,
    reserved,
    allowsName: (name) => name !== '' && isSound(name, shortMax),
    keepsValue: (value) => typeof value === 'string' && isSound(value, Number.POSITIVE_INFINITY),
    fills: fills[broker ?? 'unknown'],
    words,
  };
}

/** What is read of a MESSAGE. Id and timestamp are where the broker gives them, and not always those of the sender. */
export function sourceCarries(broker: Broker, maxBytes: number): Carries {
  return {
    ...common,
    ...withSlots({ ...slots(profileNamed(broker), Number.POSITIVE_INFINITY), persistent: { name: 'persistent' } }),
    maxBytes,
    fills: fills[broker ?? 'unknown'],
    words,
  };
}

function slots(profile: Profile, shortMax: number): Slots {
  const text = (name: string) => textSlot(name, (value) => isSound(value, shortMax), shortText(shortMax));
  const { header, isRelative } = profile.expiry;
  return {
    correlationId: {
      name: 'correlation-id',
      keeps: (value) => (isText(value) && isSound(value.toString(), shortMax) ? 'exactly' : 'not'),
      but: shortText(shortMax),
    },
    replyTo: textSlot('reply-to', (value) => isSound(value, shortMax) && profile.isAddress(value), 'an address that this broker keeps'),
    expiresAt: {
      name: header,
      keeps: (time) => expiryKept(time, isRelative),
      but: isRelative ? 'what remains of it, up to 49 days' : 'a time in milliseconds',
    },
    priority: {
      name: 'priority',
      keeps: (value) => priorityKept(value, profile.prioritiesMax),
      but: `0 to ${profile.prioritiesMax}; others become the nearest of these`,
    },
    contentType: text('content-type'),
    contentEncoding: text('content-encoding'),
    type: text('type'),
  };
}

/** What only some brokers have a place for. */
const more: Readonly<Record<BrokerName | 'unknown', Slots>> = {
  rabbitmq: {
    id: textSlot('amqp-message-id', (value) => isSound(value, shortMaxAnywhere), shortText(shortMaxAnywhere)),
    timestamp: { name: 'timestamp', keeps: (ms) => timeKept(ms, 1000), but: 'whole seconds since 1970' },
    appId: textSlot('app-id', (value) => isSound(value, shortMaxAnywhere), shortText(shortMaxAnywhere)),
  },
  activemq: {
    timestamp: { name: 'timestamp', keeps: (ms) => timeKept(ms, 1), but: 'whole milliseconds since 1970' },
    // Obeyed, and left out of the MESSAGE.
    group: { name: 'JMSXGroupID', keeps: (value) => (isSound(value, Infinity) ? 'nearly' : 'not'), but: 'obeyed, but not delivered' },
  },
  artemis: { group: textSlot('JMSXGroupID', (value) => isSound(value, Infinity), 'no NUL') },
  unknown: {},
};

const byJms: Carries['fills'] = { persistent: '`true`', priority: '`4`', timestamp: 'the time of writing' };
const fills: Readonly<Record<BrokerName | 'unknown', NonNullable<Carries['fills']>>> = {
  rabbitmq: { persistent: '`true`' },
  activemq: { ...byJms, id: 'the message-id that ActiveMQ gives it' },
  artemis: { ...byJms },
  unknown: {
    persistent: '`true`',
    priority: '`4` (ActiveMQ, Artemis)',
    timestamp: 'the time of writing (ActiveMQ, Artemis)',
    id: 'the message-id that ActiveMQ gives it',
  },
};

const words: Words = {
  kinds: { text: 'header' },
  natives: {
    destination: '`origin.destination`',
    'message-id, redelivered':
      '`origin.messageId`, `origin.redelivered`; ActiveMQ gives each copy the same message-id, which is also the id',
    'user-id (RabbitMQ)': '`origin.userId`; not sent on',
    'subscription, ack, receipt, content-length': 'of the link, not of the message',
    'a header that comes again': 'the first counts, as STOMP says',
  },
  limits: [
    'A tombstone is an empty body with the header `mqf-tombstone`.',
    'A header line of more than 10,000 bytes, or more than 950 headers, is refused for ActiveMQ: `TOO_LARGE`.',
    'Headers may change their order on all three brokers.',
    'ActiveMQ Classic garbles characters beyond the basic plane (emoji) in headers that it reads back from its store.',
    'RabbitMQ 3.10 leaves out headers that are not text, when another protocol wrote them: read such a queue by AMQP.',
  ],
};

function shortText(shortMax: number): string {
  return shortMax === Number.POSITIVE_INFINITY ? 'no NUL' : `no NUL, at most ${shortMax} bytes`;
}

/** NUL ends a frame for some brokers; half a surrogate pair cannot be written as UTF-8. */
function isSound(text: string, bytesMax: number): boolean {
  if (text.includes('\0') || !text.isWellFormed()) return false;
  return text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax;
}

function isText(value: string | Buffer): boolean {
  return typeof value === 'string' || isUtf8(value);
}

/** RabbitMQ counts 32 bits of milliseconds, the others 15 digits. One that is over already gets the shortest life there is. */
function expiryKept(time: number, isRelative: boolean): Kept {
  const written = isRelative ? time - Date.now() : time;
  if (!(written <= (isRelative ? expirationMaxMs : digitsMax))) return 'not';
  return written > 0 && (isRelative || Number.isInteger(written)) ? 'exactly' : 'nearly';
}

function priorityKept(value: number, max: number): Kept {
  if (Number.isNaN(value)) return 'not';
  return Number.isInteger(value) && value >= 0 && value <= max ? 'exactly' : 'nearly';
}

function timeKept(ms: number, unitMs: number): Kept {
  if (!(ms >= 0 && ms / unitMs <= digitsMax)) return 'not';
  return ms % unitMs === 0 ? 'exactly' : 'nearly';
}
