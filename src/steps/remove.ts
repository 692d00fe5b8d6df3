import { list, text } from '../config/fields.ts';
import { Draft } from './draft.ts';
import { defineStep, eachMessage } from './step.ts';
import { parseTargets } from './target.ts';

export const remove = defineStep({
  name: 'remove',
  summary: 'Removes headers, properties, the key or parts of a JSON body. What is not there is no error.',
  value: list('What is removed, as `set` names it: `header.<name>`, `body.<path>`, `key` ...', text('What is removed.')),
  example: {
    steps: '- remove: [header.x-debug, body.note]',
    before: 'header.x-debug: 1\nbody: {"orderId":7,"note":"x"}',
    after: 'body: {"orderId":7}',
  },
  touches: (names) => names.map((part) => ({ part, sets: false })),
  explain: (names) => `removes ${names.join(', ')}`,
  compile(names) {
    const targets = parseTargets(names, (_, index) => index);
    return eachMessage('remove', (message) => {
      const draft = new Draft(message);
      for (const target of targets) draft.set(target, null);
      return draft.finish();
    });
  },
});
