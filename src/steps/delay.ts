import type { Keeper } from '../buffer/stage/keeper.ts';
import { duration, group, value } from '../config/fields.ts';
import { durationText } from '../config/values.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { delayed } from './delayed.ts';
import { keptFields, limitsText } from './kept.ts';
import { defineStage } from './step.ts';

export const delay = defineStage({
  name: 'delay',
  summary: 'Keeps each message for a time, or until a time, on disk; then it goes on.',
  notes: `With \`for\`, the time runs from when the message is on disk here, and it goes on while mqferry does not run. It is counted by a clock that nobody can set: a
change of the wall clock while mqferry runs changes nothing, and one while it does not run can make a message wait no longer than \`for\` from the start on. All wait
equally long, so they leave in the order in which they came.

With \`until\`, a time of day: a timestamp, text such as \`2026-01-31T10:00:00Z\`, or milliseconds since 1970; \`\${{ timestamp + duration("1h") }}\` waits by the
message's own time. It goes by the wall clock. A time that has passed, and null, do not wait. They leave as their times come, so in another order than they came in.

A message that is kept is settled at its source; what waits costs about 20 bytes of memory each.`,
  value: group('How long.', {
    for: duration('How long each message is kept. E.g. `15m`.', { optional: true }),
    until: value('When it goes on. E.g. `${{ body.sendAt }}`.', { optional: true }),
    ...keptFields,
  }),
  example: { steps: '- delay: { for: 15m }', before: 'body: hello', after: 'body: hello' },
  touches: 'nothing',
  explain: ({ for: forMs, until, ...limits }) =>
    `keeps it on disk ${forMs === undefined ? `until ${until?.text ?? 'null'}` : `for ${durationText(forMs)}`} (${limitsText(limits)})`,
  stage({ for: forMs, until, ...limits }) {
    if ((forMs === undefined) === (until === undefined))
      throw new MqferryError('CONFIG_INVALID', 'write either `for` or `until`: how long, or until when');
    const orderLimit = until === undefined ? undefined : '`delay` with `until` lets messages leave as their times come';
    return { ...limits, orderLimit, keeper: () => (until === undefined ? keeperFor(forMs as number) : keeperUntil(until ?? (() => null))) };
  },
});

function keeperFor(forMs: number): Keeper {
  return delayed({ note: () => '', dueOf: ({ at }) => at + forMs, nowOf: ({ stage }) => stage });
}

function keeperUntil(until: (message: Message) => unknown): Keeper {
  return delayed({ note: (message) => String(dateOf(until(message))), dueOf: ({ note }) => Number(note), nowOf: ({ date }) => date });
}

/** Milliseconds since the epoch; 0 for null. Throws STEP_FAILED. */
function dateOf(found: unknown): number {
  if (found === null || found === undefined) return 0;
  const ms = found instanceof Date ? found.getTime() : typeof found === 'string' ? Date.parse(found) : found;
  if (typeof ms === 'number' && Number.isFinite(ms)) return ms;
  throw new MqferryError(
    'STEP_FAILED',
    'delay: `until` must be a time: a timestamp, text such as 2026-01-31T10:00:00Z, or milliseconds since 1970',
  );
}
