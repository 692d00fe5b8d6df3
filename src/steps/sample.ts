import { crc32 } from 'node:zlib';
import { group, template, whole } from '../config/fields.ts';
import { defineStep, eachMessage } from './step.ts';

export const sample = defineStep({
  name: 'sample',
  summary:
    'Lets one message of so many pass; the others count as filtered. Without `by`, every n-th as they come, so that a copy after a fault may be judged otherwise; with `by`, always the same ones.',
  value: group('How many, and by what.', {
    oneIn: whole('One message in so many passes.', { min: 1, max: 1_000_000, example: 10 }),
    by: template('Messages for which this text is the same pass all or not at all: it is hashed.', {
      optional: true,
      example: '${{ key }}',
    }),
  }),
  example: { steps: "- sample: { oneIn: 2, by: '${{ body.customerId }}' }", before: 'body: {"customerId":8}', after: 'filtered' },
  touches: 'nothing',
  explain: ({ oneIn, by }) => `lets one message in ${oneIn} pass${by === undefined ? '' : ', chosen by the hash of a text'}`,
  compile({ oneIn, by }) {
    let count = 0;
    return eachMessage('sample', (message) => {
      const place = by === undefined ? count++ : crc32(by(message));
      return place % oneIn === 0 ? message : null;
    });
  },
});
