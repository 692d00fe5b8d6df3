/** What an AMQP 0-9-1 message on RabbitMQ has a place for, and how much of a value that place keeps. */
import { isUtf8 } from 'node:buffer';
import { type Carries, type Kept, textSlot, withSlots } from '../../src/connector.ts';
import { isShort } from './bytes.ts';
import { isKept } from './exact.ts';

/** RabbitMQ 3.x takes bodies up to 128 MiB unless told otherwise; beyond `max_message_size` it closes the channel. */
export const bodyMaxBytes = 134_217_728;

/** 32 bits of milliseconds: 49 days. RabbitMQ 3.10.8 takes 100 years, and closes the channel beyond. */
export const expirationMaxMs = 0xffff_ffff;

/** A publisher that writes milliseconds where AMQP means seconds is beyond this (the year 5138). */
export const secondsMax = 100_000_000_000;

const shortText = 'at most 255 bytes';

export const carries: Carries = {
  headers: 'typed',
  repeats: false,
  key: false,
  ...withSlots({
    id: textSlot('message-id', isShort, shortText),
    correlationId: { name: 'correlation-id', keeps: (value) => (isShortText(value) ? 'exactly' : 'not'), but: `text, ${shortText}` },
    replyTo: textSlot('reply-to', (text) => isShort(text) && isOrdinaryReplyTo(text), `${shortText}, not \`amq.rabbitmq.reply-to\``),
    timestamp: { name: 'timestamp', keeps: secondsKept, but: 'whole seconds since 1970' },
    expiresAt: {
      name: 'expiration',
      keeps: (time) => expiryKept(time - Date.now()),
      but: 'what remains of it, 1 ms to 49 days; it does not count down in the broker',
    },
    priority: { name: 'priority', keeps: (value) => (isByte(value) ? 'exactly' : 'not'), but: 'a whole number from 0 to 255' },
    persistent: { name: 'delivery-mode', keeps: (value) => (value ? 'exactly' : 'nearly'), but: '2 is always written' },
    contentType: textSlot('content-type', isShort, shortText),
    contentEncoding: textSlot('content-encoding', isShort, shortText),
    type: textSlot('type', isShort, shortText),
    appId: textSlot('app-id', isShort, shortText),
  }),
  maxBytes: bodyMaxBytes,
  // Orders to the broker or its plugins, or its own marks, which it acts upon: it drops a message whose x-death says that it went in a circle.
  reserved: [
    'cc',
    'bcc',
    'x-delay',
    'x-death',
    'x-first-death-*',
    'x-last-death-*',
    'x-delivery-count',
    'x-acquired-count',
    'x-received-from',
    'x-shovelled',
    'x-stream-*',
    'x-deduplication-header',
  ],
  allowsName: isShort,
  keepsValue: isKept,
  fills: { persistent: '`true`' },
  words: {
    kinds: {
      text: 'long string `S`',
      boolean: 'boolean `t`',
      integer: '64 bits `l`',
      fraction: 'double `d`',
      bytes: 'byte array `x`',
      time: 'timestamp `T`: whole seconds since 1970, the rest is cut off',
      null: 'void `V`',
      list: 'array `A`',
      map: 'table `F`',
      typed:
        'int8 `b`, uint8 `B`, int16 `s`, uint16 `u`, int32 `I`, uint32 `i`, float `f`, decimal `D`; a whole double, text that is no UTF-8',
    },
    natives: {
      'exchange, routing key': '`origin.exchange`, `origin.routingKey`',
      redelivered: '`origin.redelivered`',
      'user-id': '`origin.userId`; never written: the broker closes the channel unless it is the name of the login',
      'cluster-id': 'not read: RabbitMQ does not use it',
    },
    limits: [
      'Properties and headers of one message take 64 KiB at most; with more it is refused, `TOO_LARGE`.',
      'A correlation-id that is not UTF-8 is read as bytes; bytes are written into the header `mqf-correlation-id`.',
      'A message whose properties or headers cannot be decoded (a header of a type that RabbitMQ does not know, a name or an id that is not UTF-8) is a dead letter, with its body.',
    ],
  },
};

/** RabbitMQ takes this name as an order and closes the channel when the publisher does not consume from it. */
export function isOrdinaryReplyTo(replyTo: string): boolean {
  return replyTo !== 'amq.rabbitmq.reply-to';
}

function isShortText(value: string | Buffer): boolean {
  return Buffer.isBuffer(value) ? value.length <= 255 && isUtf8(value) : isShort(value);
}

function secondsKept(ms: number): Kept {
  if (!(ms >= 0 && ms < secondsMax * 1000)) return 'not';
  return ms % 1000 === 0 ? 'exactly' : 'nearly';
}

/** One that is over already gets the shortest life there is. */
function expiryKept(remainingMs: number): Kept {
  if (!(remainingMs <= expirationMaxMs)) return 'not';
  return remainingMs > 0 ? 'exactly' : 'nearly';
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}
