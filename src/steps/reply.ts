import { type AnswerRules, CallKeeper } from '../buffer/calls/call-keeper.ts';
import { group, oneOf, template, text, whole } from '../config/fields.ts';
import { MqferryError } from '../errors.ts';
import { Message } from '../message.ts';
import { keptFields, limitsText } from './kept.ts';
import { asStepFailed, defineStage } from './step.ts';

export const callsName = text('The name of the calls: the same at all `request` steps and the one `reply` step that belong together.', {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  hint: 'write a letter or digit, then at most 62 letters, digits, `.`, `_` or `-`',
  example: 'prices',
});

export const reply = defineStage({
  name: 'reply',
  summary: 'Makes a reply the answer to the call of a `request` step: it gets the `replyTo` and the `correlationId` of who asked.',
  notes: `The sink then sends it where \`replyTo\` says: \`queue: '\${{ replyTo }}'\`, \`topic: '\${{ replyTo }}'\`. A call goes when its answer has arrived there; until then a restart sends the answer again. The first reply is the
answer: copies of it are filtered, of the last ${10_000} calls.

Who has waited for the \`timeout\` of their call is told so: the body is \`{"error":"timeout"}\`, and the header \`request-timeout\` is true; steps behind this one can write it as who asked expects it. Times are counted by a clock that nobody can set, and go on while mqferry
does not run. A reply that comes after that, or that nobody has asked for, is a stray.`,
  value: group('Whose calls, and how a reply says which.', {
    calls: callsName,
    call: template('What the reply was given as `correlationId` by the request. Absent: its `correlationId`.', {
      optional: true,
      example: '${{ header.inReplyTo }}',
    }),
    onTimeout: oneOf('What becomes of a call that nobody has answered in time.', ['answer', 'drop'], { default: 'answer' }),
    stray: oneOf('What becomes of a reply that nobody waits for.', ['fail', 'drop'], { default: 'fail' }),
    maxCalls: whole('Calls that wait, at most. When there are more, no more requests leave.', {
      default: 100_000,
      min: 1,
      max: 10_000_000,
      advanced: true,
    }),
    ...keptFields,
  }),
  example: {
    steps: '- request: { calls: prices }\n- reply: { calls: prices }',
    before: 'correlationId: 42\nbody: a reply that nobody has asked for',
    after: 'STEP_FAILED',
  },
  explain: ({ calls, onTimeout, stray, ...limits }) =>
    `makes it the answer to the call of ${calls} that it belongs to (${limitsText(limits)}), or ${stray === 'fail' ? 'fails' : 'drops'} it when nobody waits for it; a call that waits in vain is ${onTimeout === 'answer' ? 'answered by an error' : 'dropped'}`,
  calls: ({ calls, maxCalls }) => ({ name: calls, role: 'answers', maxCalls }),
  stage({ call, onTimeout, stray, maxMessages, maxBytes }) {
    const rules: AnswerRules = {
      nameIn(message) {
        try {
          return call ? call(message) : String(message.correlationId ?? '');
        } catch (error) {
          throw asStepFailed('reply', error);
        }
      },
      stranger() {
        if (stray === 'fail') throw new MqferryError('STEP_FAILED', 'reply: nobody waits for it: it answers no call that is known here');
      },
      answer: ({ replyTo, correlationId }, message) => message.change({ replyTo, correlationId }),
      late(message) {
        if (stray === 'drop') return null;
        return message.change({ fault: new MqferryError('STEP_FAILED', 'reply: it came too late: who asked was told that none had come') });
      },
      timeout: (asked) => (onTimeout === 'drop' ? null : timeoutAnswer(asked)),
    };
    return { maxMessages, maxBytes, orderLimit: undefined, keeper: () => new CallKeeper(rules) };
  },
});

function timeoutAnswer({ replyTo, correlationId }: Message): Message {
  return new Message({
    body: Buffer.from('{"error":"timeout"}'),
    headers: [['request-timeout', true]],
    contentType: 'application/json',
    replyTo,
    correlationId,
  });
}
