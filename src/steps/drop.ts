import { defineStep } from './step.ts';

export const drop = defineStep({
  name: 'drop',
  summary: 'Drops every message that comes here; each is counted as dropped.',
  value: undefined,
  example: { steps: '- drop', before: 'body: anything', after: 'dropped' },
  touches: 'nothing',
  explain: () => 'drops every message',
  compile: () => (messages, aside) => {
    for (const message of messages) aside.drop(message);
    return [];
  },
});
