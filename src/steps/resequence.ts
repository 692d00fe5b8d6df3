import type { Keeper, Release } from '../buffer/stage/keeper.ts';
import { duration, group, oneOf, template, value, whole } from '../config/fields.ts';
import { durationText } from '../config/values.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { keptFields, limitsText } from './kept.ts';
import { Sequences } from './sequences.ts';
import { asStepFailed, defineStage } from './step.ts';

export const resequence = defineStage({
  name: 'resequence',
  summary: 'Brings messages into the order of their numbers: what came too early is kept, on disk, until those before it have come.',
  notes: `Numbers are whole and go up by one. What waits for a number that does not come waits for \`gap\`, then goes on without it; which numbers were given up, and
how far each key has come, is on disk before a message leaves, so a restart decides nothing anew. Times are counted by a clock that nobody can set, and go on while mqferry does not run.

A message whose number has passed is late: it came after its gap was given up, or it is a copy. It goes on at once, with the header \`resequence-late\`; with \`late: fail\` it
goes the way of what fails. Without \`first\`, the lowest number that has come within \`gap\` is the first of its key.`,
  value: group('By which numbers.', {
    number: value('The number of a message: whole, or text of digits.', { example: '${{ header.number }}' }),
    by: template('Messages for which this text is the same are numbered together. Absent: all are.', {
      optional: true,
      example: '${{ body.device }}',
    }),
    gap: duration('How long a missing number is waited for.', { example: '10s' }),
    first: whole('The first number of each key. Absent: the lowest that comes within `gap`.', {
      optional: true,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    }),
    capacity: whole('Messages of a key that wait, at most: beyond it the number that is missing is given up.', {
      default: 10_000,
      min: 1,
      max: 1_000_000,
    }),
    late: oneOf('What becomes of a message that comes too late.', ['pass', 'fail'], { default: 'pass' }),
    maxKeys: whole('Keys whose number is known, at most; beyond it the one that is not used for longest begins anew.', {
      default: 100_000,
      min: 1,
      max: 10_000_000,
      advanced: true,
    }),
    ...keptFields,
  }),
  example: {
    steps: "- resequence: { number: '${{ header.number }}', gap: 10s, first: 1 }",
    before: 'header.number: 2\nbody: b\n---\nheader.number: 1\nbody: a',
    after: 'header.number: 1\nbody: a\n---\nheader.number: 2\nbody: b',
  },
  touches: 'nothing',
  explain: ({ by, gap, capacity, ...limits }) =>
    `keeps it on disk until all with a lower number${by ? ' of its key' : ''} have left, for at most ${durationText(gap)} and ${capacity} messages (${limitsText(limits)})`,
  stage({ number, by, gap, first, capacity, late, maxKeys, ...kept }) {
    const keeper = (): Keeper => {
      const sequences = new Sequences({ gapMs: gap, first, capacity });
      return {
        decides: true,
        remembers: {
          maxKeys,
          keyOf: (why) => partsOf(why).key,
          recall: (why) => recall(sequences, why),
          forget: (key) => sequences.forget(key),
        },
        note(message) {
          try {
            return `${numberOf(number?.(message))}:${by?.(message) ?? ''}`;
          } catch (error) {
            throw asStepFailed('resequence', error);
          }
        },
        add({ id, note, at }) {
          const colon = note.indexOf(':');
          sequences.add({ id, number: Number(note.slice(0, colon)), key: note.slice(colon + 1), at });
        },
        take({ stage }): Release | undefined {
          const taken = sequences.take(stage);
          return taken && { members: [taken.id], why: `${taken.isLate ? 'late' : 'next'}:${taken.next}:${taken.key}` };
        },
        waitMs: ({ stage }) => sequences.waitMs(stage),
        make: ([message], why) => (partsOf(why).isLate ? lateOne(message as Message, late) : (message as Message)),
        failed: ([message], error) => (message as Message).change({ fault: error }),
        get oldestAt() {
          return sequences.oldestAt;
        },
        get groups() {
          return sequences.waitingKeys;
        },
      };
    };
    return { ...kept, keeper, orderLimit: '`resequence` lets messages leave in the order of their numbers' };
  },
});

function lateOne(message: Message, late: 'pass' | 'fail'): Message {
  if (late === 'pass') return message.withHeaders([...message.headers, ['resequence-late', true]]);
  return message.change({ fault: new MqferryError('STEP_FAILED', 'resequence: it came after its number had been given up, or is a copy') });
}

function partsOf(why: string): { readonly isLate: boolean; readonly next: number; readonly key: string } {
  const [, kind, next, key] = /^(late|next):(\d+):(.*)$/s.exec(why) as unknown as [string, string, string, string];
  return { isLate: kind === 'late', next: Number(next), key };
}

function recall(sequences: Sequences, why: string): void {
  const { next, key } = partsOf(why);
  sequences.recall(key, next);
}

/** Throws STEP_FAILED. */
function numberOf(found: unknown): number {
  const number = typeof found === 'string' && /^\d{1,16}$/.test(found) ? Number(found) : typeof found === 'bigint' ? Number(found) : found;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
  throw new MqferryError('STEP_FAILED', '`number` must be a whole number, 0 or more, or text of digits');
}
