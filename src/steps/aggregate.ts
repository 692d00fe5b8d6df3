import type { Keeper } from '../buffer/stage/keeper.ts';
import { duration, expression, group, oneOf, size, template, type Value, value, whole } from '../config/fields.ts';
import { durationText, sizeText } from '../config/values.ts';
import { MqferryError } from '../errors.ts';
import { Groups, type Limits } from './groups.ts';

import { keptFields } from './kept.ts';
import { mergeInto, mergeWays } from './merged.ts';
import { asStepFailed, defineStage } from './step.ts';

export const aggregate = defineStage({
  name: 'aggregate',
  summary: 'Makes one message of several: those of a group are kept, on disk, until it is complete.',
  notes: `A group is complete when one of its limits is reached; the message that reaches it is part of it. Times run from when a message is on disk here, and go on while
mqferry does not run; they are counted by a clock that nobody can set. That a group is complete, and of what, is written to disk before its message leaves, so copies of it
after a fault are made of the same. A message that the source delivers twice is in a group twice.

The body is a list of the bodies, which must be JSON, with their digits as they are; or, with \`into: lines\`, their text, a line each. Steps behind it make of it what is
wanted: \`map: { total: 'sum(body.map(x, x.price))' }\`. What all have alike the message has too: key, headers, properties. \`aggregate-count\` and \`aggregate-why\` (\`count\`, \`bytes\`,
\`time\`, \`quiet\`, \`when\`, \`groups\`) are headers.

A group with none but \`count\` or \`when\` to complete it waits for ever if they never hold: give it a time. In the books, all of a group but one are \`merged\`.`,
  value: group('Which belong together, and until when.', {
    by: template('Messages for which this text is the same belong together. Absent: all do.', {
      optional: true,
      example: '${{ body.orderId }}',
    }),
    count: value(
      'Complete with so many, at least 1; or with as many as the message says that came last, e.g. `${{ header["split-count"] }}`.',
      {
        optional: true,
        example: 100,
      },
    ),
    bytes: size('Complete before the bodies take more.', { default: 4 * 1024 * 1024 }),
    after: duration('Complete so long after its first message.', { optional: true, example: '30s' }),
    quiet: duration('Complete when none has come for so long.', { optional: true }),
    when: expression('Complete with a message of which this is true.', { slot: 'boolean', listAll: true, optional: true }),
    into: oneOf('What the body is.', mergeWays, { default: 'list' }),
    maxGroups: whole('Groups that are open at once, at most; beyond it the one that is open for longest is complete.', {
      default: 100_000,
      min: 1,
      max: 1_000_000,
      advanced: true,
    }),
    ...keptFields,
  }),
  example: {
    steps: "- aggregate: { by: '${{ body.order }}', count: 2, after: 1h }",
    before: 'header.region: eu\nbody: {"order":7,"sku":"a"}\n---\nheader.region: eu\nbody: {"order":7,"sku":"b"}',
    after:
      'contentType: application/json\nheader.region: eu\nheader.aggregate-count: 2\nheader.aggregate-why: count\nbody: [{"order":7,"sku":"a"},{"order":7,"sku":"b"}]',
  },
  explain: ({ by, into, ...limits }) =>
    `keeps it on disk until ${by === undefined ? 'the group' : 'the group of its key'} is complete (${limitsText(limits)}), and makes one message of all: ${into === 'list' ? 'a list' : 'lines'}`,
  stage({ by, when, into, count, bytes, after, quiet, maxGroups, ...kept }) {
    if (count === undefined && after === undefined && quiet === undefined && when === undefined)
      throw new MqferryError('CONFIG_INVALID', 'nothing but its bytes completes a group: write `count`, `after`, `quiet` or `when`');
    if (count?.constant !== undefined) countOf(count.constant);
    const limits: Limits = { bytes, afterMs: after, quietMs: quiet, maxGroups };
    const keeper = (): Keeper => {
      const groups = new Groups(limits);
      return {
        decides: true,
        note(message) {
          try {
            mergeInto[into].check(message);
            const most = count ? countOf(count.constant ?? count(message)) : 0;
            return `${when?.(message) === true ? 'w' : ''}${most}:${by?.(message) ?? ''}`;
          } catch (error) {
            throw asStepFailed('aggregate', error);
          }
        },
        add({ id, note, at, bytes: weight }) {
          const [, last, count, key] = /^(w?)(\d+):(.*)$/s.exec(note) as unknown as [string, string, string, string];
          groups.add({ id, key, at, bytes: weight, count: Number(count), isLast: last !== '' });
        },
        take: ({ stage }) => groups.take(stage),
        waitMs: ({ stage }) => groups.waitMs(stage),
        make: (members, why) => mergeInto[into].make(members, why),
        failed: (members, error) => mergeInto.lines.make(members, 'failed').change({ fault: error }),
        get groups() {
          return groups.open;
        },
      };
    };
    return { ...kept, keeper, orderLimit: '`aggregate` lets groups leave as they are complete' };
  },
});

const countMax = 1_000_000;

/** Throws STEP_FAILED, or CONFIG_INVALID's sentence where it is constant. */
function countOf(found: unknown): number {
  if (typeof found === 'number' && Number.isInteger(found) && found >= 1 && found <= countMax) return found;
  throw new MqferryError('STEP_FAILED', '`count` must be a whole number from 1 to 1000000');
}

function limitsText({ count, bytes, after, quiet, when }: Record<string, unknown>): string {
  const texts = [
    count !== undefined && `${(count as Value).text} messages`,
    `${sizeText(bytes as number)}`,
    after !== undefined && `${durationText(after as number)} after its first`,
    quiet !== undefined && `none for ${durationText(quiet as number)}`,
    when !== undefined && `one of which ${(when as { text: string }).text}`,
  ];
  return texts.filter(Boolean).join(', or ');
}
