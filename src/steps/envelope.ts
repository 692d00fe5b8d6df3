import { defineStep, eachMessage } from './step.ts';
import { bare, writeWhole } from './whole-message.ts';

export const envelope = defineStep({
  name: 'envelope',
  summary:
    'Puts the whole message into its body, as JSON with the old body in base64, for a broker that carries neither headers nor properties.',
  notes:
    'Headers, properties and key are in the body, and nowhere else; `unwrap` puts all of it back, types, order and tombstone too. Behind it, expressions read `body.properties.id` and the like; `set: { key: … }` gives the new message what its broker needs. The body grows by a third.',
  value: undefined,
  example: {
    steps: '- envelope',
    before: 'id: o1\nheader.region: eu\nbody: hello',
    after: 'body: {"mqferry":1,"body":"aGVsbG8=","key":null,"properties":{"id":"o1"},"headers":[["region","eu","s"]]}',
  },
  explain: () => 'puts the whole message into its body, as JSON',
  compile: () => eachMessage('envelope', (message) => message.change({ ...bare, body: writeWhole(message) })),
});
