import { group, size, whole } from '../config/fields.ts';
import { defineStep } from './step.ts';

export const tap = defineStep({
  name: 'tap',
  summary: 'Sends a copy of each message, as it is here, to another sink, best effort, and lets the message pass (a wire tap).',
  hasSink: true,
  notes: `\`tap: <sink>\`, or \`tap: { sink: <sink>, maxMessages: …, maxBytes: … }\`. The route never waits for a tap and never fails by it, whatever its sink
does: it has a queue and a link of its own. A copy that finds the queue full is dropped (those that wait stay, in their order), as is one that
the sink cannot carry, refuses for good, or still refuses after the tries that the last entry of \`onError\` allows. What was dropped is counted:
in the log, \`/routes\`, the metric \`mqferry_tap_messages_total\` and the summary at exit; not in the books of the route, and it does not change the exit code.

A tap weakens nothing that the route promises, and promises nothing itself. A message that its source delivers again is copied again, and a link
that is lost may bring copies twice; tries of the route's own sinks do not. What a later step filters or fails was copied all the same. Neither \`/readyz\` nor
\`--until-idle\` waits for a tap. At the end, what waits gets 1 s to go out while its link is open, and the link 2 s to close.`,
  value: group('Of its queue.', {
    maxMessages: whole('Copies that the sink has not confirmed, at most; beyond it the newest are dropped.', {
      default: 1000,
      min: 1,
      max: 1_000_000,
    }),
    maxBytes: size('Bytes of them, at most; a larger message is never copied.', { default: 4 * 2 ** 20 }),
  }),
  example: {
    steps: '- tap: print',
    before: 'body: {"order":7}',
    after: 'body: {"order":7}',
  },
  explain: ({ maxMessages }, sink) =>
    `copies each message, as it is here, to ${sink}, best effort: nothing waits for it, and a copy that finds ${maxMessages} waiting, or cannot be sent, is dropped and counted`,
  compile: () => (messages, aside) => {
    for (const message of messages) aside.tap(message);
    return messages;
  },
});
