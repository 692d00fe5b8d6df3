/** What a Kafka record has a place for. */
import { type Carries, type Kept, withSlots } from '../../src/connector.ts';

const record: Carries = {
  headers: 'bytes',
  repeats: true,
  key: true,
  ...withSlots({
    timestamp: {
      name: 'timestamp',
      keeps: timeKept,
      but: 'whole milliseconds since 1970',
    },
  }),
  maxBytes: Number.POSITIVE_INFINITY,
  fills: { timestamp: 'the time of writing' },
  allowsName: (name) => name.isWellFormed(),
  words: {
    kinds: { text: 'its UTF-8 bytes', bytes: 'the bytes', null: 'no value, which is not an empty one' },
    natives: {
      'topic, partition, offset': '`origin.topic`, `origin.partition`, `origin.offset`; the partition is chosen anew, from the key',
      'timestamp type': 'not read: with LogAppendTime the timestamp is that of the broker, on both sides',
      'header name that is not UTF-8': 'read with replacement characters',
      'producer id, transaction': 'not kept: only what is committed is read',
    },
    limits: [
      'A timestamp more than an hour ahead, or whatever the topic allows (`message.timestamp.after.max.ms`), is refused by the broker: `REFUSED`.',
      'A record that is larger than the topic takes (`max.message.bytes`) is refused, `TOO_LARGE`; there is no limit on a header.',
      'From a trusted source all of this is exact; from another program, header values are bytes, whatever they mean.',
    ],
  },
};

/** `kafkajs` keeps headers in an object of its own, and writes no header without a value. */
const byKafkajs: Carries = {
  ...record,
  nulls: false,
  ordered: false,
  words: {
    kinds: { text: 'its UTF-8 bytes', bytes: 'the bytes' },
    natives: { ...record.words?.natives, 'header named `__proto__`': 'lost when it is read: the client sets a prototype' },
    limits: record.words?.limits ?? [],
  },
};

/** By the client library that is used. */
export function carries(driver: 'platformatic' | 'kafkajs'): Carries {
  return driver === 'kafkajs' ? byKafkajs : record;
}

function timeKept(ms: number): Kept {
  if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) return 'not';
  return Number.isInteger(ms) ? 'exactly' : 'nearly';
}
