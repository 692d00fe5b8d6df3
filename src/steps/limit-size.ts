import { group, size } from '../config/fields.ts';
import { sizeText } from '../config/values.ts';
import { MqferryError } from '../errors.ts';
import { setAside, shedding } from './shedding.ts';
import { defineStep, eachMessage } from './step.ts';

export const limitSize = defineStep({
  name: 'limitSize',
  summary: 'Sets messages aside that are too large for what comes behind.',
  value: group('How large, and what becomes of what is larger.', {
    maxBytes: size('The largest body that passes.', { example: '1MiB' }),
    ...shedding,
  }),
  example: { steps: '- limitSize: { maxBytes: 4 }', before: 'body: hello', after: 'TOO_LARGE' },
  touches: 'nothing',
  explain: ({ maxBytes, then }) => `${then === 'drop' ? 'drops' : 'fails'} messages whose body is larger than ${sizeText(maxBytes)}`,
  compile: ({ maxBytes, then }) =>
    eachMessage('limitSize', (message, aside) => {
      const bytes = message.body?.length ?? 0;
      if (bytes <= maxBytes) return message;
      return setAside(message, aside, then, new MqferryError('TOO_LARGE', `the body has ${bytes} bytes, ${maxBytes} is the limit`));
    }),
});
