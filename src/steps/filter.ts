import { expression } from '../config/fields.ts';
import { defineStep, eachMessage } from './step.ts';

export const filter = defineStep({
  name: 'filter',
  summary: 'Keeps the messages for which an expression is true; of a list, all must be true.',
  value: expression('What must be true, e.g. `body.total >= 100`.', { slot: 'boolean', listAll: true }),
  example: {
    steps: '- filter: body.total >= 100',
    before: 'body: {"total":50}',
    after: 'filtered',
  },
  touches: 'nothing',
  explain: (condition) => `keeps messages for which ${condition.text}`,
  compile: (condition) => eachMessage('filter', (message) => (condition(message) === true ? message : null)),
});
