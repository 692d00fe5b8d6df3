import { inbound } from '../envelope.ts';
import { defineStep, eachMessage } from './step.ts';
import { readWhole } from './whole-message.ts';

/** An id or a reason that a stranger has written would be believed from here on. */
const untrusted = inbound(false);

export const unwrap = defineStep({
  name: 'unwrap',
  summary: 'Takes the message out of the body that `envelope` has made; what it came in is gone. Anything else fails with `DECODE_FAILED`.',
  notes:
    'The headers are whatever the body says, so a header that begins with `mqf-` is data: it becomes `mqf-h-mqf-…`, as any of a source that is not `trusted`. `mqf-hops` counts on.',
  value: undefined,
  example: {
    steps: '- unwrap',
    before: 'body: {"mqferry":1,"body":"aGVsbG8=","key":null,"properties":{"id":"o1"},"headers":[["region","eu","s"]]}',
    after: 'id: o1\nheader.region: eu\nbody: hello',
  },
  touches: 'nothing',
  explain: () => 'takes the message out of the envelope in its body',
  compile: () => eachMessage('unwrap', (message) => untrusted(message.change(readWhole(message.body)))),
});
