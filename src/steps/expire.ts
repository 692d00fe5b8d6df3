import { duration, group } from '../config/fields.ts';
import { durationText } from '../config/values.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { setAside, shedding } from './shedding.ts';
import { type Aside, defineStep, eachMessage } from './step.ts';

export const expire = defineStep({
  name: 'expire',
  summary:
    'Sets messages aside that come too late: past their `expiresAt`, or older than a time. A message without the property that is asked for passes.',
  value: group('Which, and what becomes of them.', {
    olderThan: duration('Also those whose `timestamp` lies further back. Absent: only `expiresAt` counts.', {
      optional: true,
      example: '5m',
    }),
    ...shedding,
  }),
  example: {
    steps: '- expire: { olderThan: 7d, then: drop }',
    before: 'timestamp: 1700000000000\nbody: late',
    after: 'dropped',
  },
  touches: 'nothing',
  explain: ({ olderThan, then }) => {
    const age = olderThan === undefined ? '' : ` or older than ${durationText(olderThan)}`;
    return `${then === 'drop' ? 'drops' : 'fails'} messages past their expiresAt${age}`;
  },
  compile({ olderThan, then }, { clock }) {
    let nowMs = 0;
    const one = eachMessage('expire', (message: Message, aside: Aside) => {
      const late = lateness(message, nowMs, olderThan);
      return late === undefined ? message : setAside(message, aside, then, new MqferryError('EXPIRED', late));
    });
    return (messages, aside) => {
      nowMs = clock.date(); // once a batch
      return one(messages, aside);
    };
  },
});

function lateness({ expiresAt, timestamp }: Message, nowMs: number, olderThan: number | undefined): string | undefined {
  if (expiresAt !== undefined && expiresAt <= nowMs) return `it expired ${durationText(nowMs - expiresAt)} ago`;
  if (olderThan === undefined || timestamp === undefined || nowMs - timestamp <= olderThan) return undefined;
  return `it is ${durationText(nowMs - timestamp)} old, and ${durationText(olderThan)} is the limit`;
}
