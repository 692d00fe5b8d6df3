/** What a PUBLISH has a place for, in each version of the protocol. */
import { type Carries, type Kept, textSlot, type Words, withSlots } from '../../src/connector.ts';
import { textProblem, topicProblem } from './topic.ts';

/** Largest packet of the protocol: one byte, the length, and what four bytes of length can say. */
export const maxPacketBytes = 1 + 4 + 268_435_455;

/** Longest life that 32 bits of seconds can say: 136 years. */
export const expiryMaxSeconds = 0xffff_ffff;

/** Properties and a topic of 64 KiB may take their share of the packet. */
const maxBytes = maxPacketBytes - 128 * 1024;

const natives: Words['natives'] = {
  topic: '`origin.topic`',
  'retain flag': '`origin.retained`; set again only from MQTT to MQTT, with `retain: preserve` on the sink',
  'QoS, DUP': '`origin.qos`, `origin.redelivered`; the sink has its own `qos`',
};

const version5: Carries = {
  headers: 'text',
  repeats: true,
  key: false,
  ...withSlots({
    correlationId: { name: 'correlation data', keeps: isShortData, but: 'at most 65,535 bytes' },
    replyTo: textSlot('response topic', (text) => topicProblem(text) === undefined, 'a topic without wildcards'),
    expiresAt: {
      name: 'message expiry interval',
      keeps: (time) => expiryKept((time - Date.now()) / 1000),
      but: 'what remains of it, in whole seconds, rounded up: 1 s to 136 years',
    },
    contentType: textSlot('content type', isSendable, 'no control characters, at most 65,535 bytes'),
  }),
  maxBytes,
  allowsName: isSendable,
  words: {
    kinds: { text: 'user property' },
    natives: {
      ...natives,
      'payload format indicator': '`origin.payloadFormatIndicator`; not sent on',
      'subscription identifier, topic alias': 'of the link, not of the message',
    },
    limits: [
      'A user property of more than 65,535 bytes is refused, `UNMAPPABLE`; a packet larger than the broker takes, `TOO_LARGE`.',
      'A tombstone is an empty body with the user property `mqf-tombstone`.',
    ],
  },
};

const version311: Carries = {
  headers: 'none',
  repeats: false,
  key: false,
  properties: [],
  maxBytes,
  words: {
    natives,
    limits: [
      'It has a body and nothing else. A message with a property, a key, a header or no body is refused, `UNMAPPABLE`, unless `onUnmappable: drop` says that all of it may go; the step `envelope` puts it into the body.',
      'No `mqf-hops` and no `mqf-id` either: a loop through it does not end.',
    ],
  },
};

export function carries(version: 5 | '3.1.1'): Carries {
  return version === 5 ? version5 : version311;
}

/** One that is over already gets the shortest life there is, one too far away the longest. */
function expiryKept(remainingSeconds: number): Kept {
  if (Number.isNaN(remainingSeconds)) return 'not';
  return remainingSeconds > 0 && remainingSeconds <= expiryMaxSeconds ? 'exactly' : 'nearly';
}

function isShortData(value: string | Buffer): Kept {
  if (typeof value === 'string' && !value.isWellFormed()) return 'not';
  return Buffer.byteLength(value) <= 65_535 ? 'exactly' : 'not';
}

function isSendable(text: string): boolean {
  return textProblem(text) === undefined;
}
