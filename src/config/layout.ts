/** The keys that belong to no connector and no step, declared like theirs: one place for type, check, default, schema and reference. */
import { duration, durationRange, type Fields, file, group, list, oneOf, size, whole, yesNo } from './fields.ts';
import { guarantees, onUnmappables, orders } from './model.ts';

export const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
export const nameHint = 'a letter, then at most 62 letters, digits, `_` or `-`';

const mebibyte = 2 ** 20;

export const routeFields = {
  guarantee: oneOf('Refuse to start when this route cannot promise at least this. Absent: what is computed is only shown.', guarantees, {
    optional: true,
  }),
  order: oneOf('The order to enforce among first copies at the sink. Absent: what source and sink keep by themselves.', orders, {
    optional: true,
  }),
  maxHops: whole(
    'How many routes may carry a message, counted in its header `mqf-hops`. One that comes once more goes round in a loop: it has failed.',
    {
      default: 8,
      min: 1,
      max: 1000,
      advanced: true,
    },
  ),
  mqfId: yesNo('Write the header `mqf-id`, which is the same in each copy of a message; `explain` says which copies have it.', {
    default: true,
    advanced: true,
  }),
  bodySchema: file(
    'A JSON Schema of the body as it comes, or as `decode` and `decompress` make it. With it, a misspelled name in an expression is an error when the config is loaded. No message is checked against it: that is the step `validate`.',
    { optional: true, example: './order.schema.json' },
  ),
  expressions: group(
    'What evaluating one expression for one message may cost; a message that needs more has failed. Counted, so that the same message always ends the same way.',
    {
      maxSteps: whole('Steps: elements that loops visit, and as much work inside functions. 100,000 take about 25 milliseconds.', {
        default: 100_000,
        min: 1000,
        max: 1_000_000_000,
      }),
      maxText: size('Characters and bytes made on the way and in the result, where each value counts 64; the body itself comes free.', {
        default: 16 * mebibyte,
      }),
    },
    { advanced: true },
  ),
  quarantine: group(
    'Of a message that ends the process. After an unclean stop the route takes few messages at a time for a while, and notes in the data directory which ones.',
    {
      after: whole(
        'Unclean stops in a row at which the same message was under way: then it has failed (`QUARANTINED`) and is not handled again. The first one only makes the route careful. 0: it is not looked for.',
        { default: 3, max: 1000 },
      ),
      within: duration('A message that has been under way for so long, and the process lives, is not what ends it.', { default: 10_000 }),
    },
    { advanced: true },
  ),
} satisfies Fields;

export const windowFields = {
  messages: whole('Messages read and not yet settled, at most. A bare number for `window` sets this one.', {
    default: 1000,
    min: 1,
    max: 1_000_000,
  }),
  bytes: size('Bytes read and not yet settled, at most (and one message more).', { default: 16 * mebibyte }),
} satisfies Fields;

export const endFields = {
  source: {
    trusted: yesNo('Believe the `mqf-*` headers that messages come with; else they are renamed.', { optional: true, advanced: true }),
  },
  sink: {
    onUnmappable: oneOf(
      'What becomes of a message with a property or header that the target cannot carry: `envelope` puts it into `mqf-` headers, `reject` is a failure, `drop` loses the property.',
      onUnmappables,
      { optional: true, advanced: true },
    ),
    breaker: group(
      'A circuit breaker: a sink that refuses messages for now, again and again, is left alone for a while, and what waits keeps its tries. A message that it always refuses keeps it open while no other is taken: `retry.maxAge` ends that. Not for a sink that keeps order: it loses its link instead. Absent: each message is tried as `onError` says, then it has failed.',
      {
        failures: whole(
          'Refusals for now in a row, of any messages, that open it: not more than the `attempts` of `onError`, or a message may have failed before.',
          { default: 5, min: 1, max: 1_000_000 },
        ),
        openFor: duration(
          'How long nothing is written then. After it one message is tried alone: confirmed, it closes; refused for now, it is open again.',
          {
            default: 30_000,
          },
        ),
      },
      { optional: true, advanced: true },
    ),
  },
} satisfies Record<'source' | 'sink', Fields>;

export const bufferDocs = {
  disk: 'Messages are acked at the source once they are on disk here.',
  memory: 'Messages are acked at the source while they are only in memory: the guarantee is best-effort.',
};

export const bufferFields = {
  disk: {
    maxBytes: size('Bytes on disk, at most. When it is full, reading stops.', { default: 1024 * mebibyte, example: '1GiB' }),
    maxMessages: whole('Messages in it, at most.', { optional: true, min: 1 }),
    sync: oneOf(
      '`always`: the source is acked once the disk has it. `interval`: before that, so a power cut may lose messages.',
      ['always', 'interval'],
      {
        default: 'always',
      },
    ),
    every: duration('With `sync: interval`, the longest time that something is not on disk.', { default: 100, advanced: true }),
  },
  memory: {
    maxMessages: whole('Messages in it, at most. They are lost when the process ends.', { default: 10_000, min: 1 }),
    maxBytes: size('Bytes in it, at most.', { default: 64 * mebibyte }),
  },
} satisfies Record<'disk' | 'memory', Fields>;

export const onErrorFields = {
  retry: group('Tries of a message that the sink refused for now.', {
    attempts: whole('Writes of one message, the first among them.', { default: 5, min: 1, max: 1_000_000 }),
    backoff: durationRange('The first and the longest wait between them.', { default: { fromMs: 1000, toMs: 30_000 }, example: '1s..30s' }),
    maxAge: duration('No further try later than this after the first refusal.', { optional: true }),
    after: list(
      'Then tries that are far apart: before it goes its last way, the message is kept for each of these times, on disk, and enters the pump anew.',
      duration('How long.'),
      { optional: true, example: ['1m', '10m', '1h'] },
    ),
  }),
  // biome-ignore lint/suspicious/noThenProperty: the key that users write; it is never a function.
  then: oneOf(
    'What becomes of a message that has failed for good when there is no `deadLetter`. Absent: the route stops.',
    ['drop', 'stop'],
    {
      optional: true,
    },
  ),
} satisfies Fields;
