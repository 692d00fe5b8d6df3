/** Makes messages by itself: for trials, demos and load. */
import {
  BadSetting,
  type Carries,
  defineConnector,
  duration,
  map,
  propertyNames,
  size,
  template,
  text,
  whole,
} from '../../src/connector.ts';
import { Generator } from './source.ts';

const carries: Carries = { headers: 'typed', repeats: false, key: true, properties: propertyNames, maxBytes: Number.POSITIVE_INFINITY };

const sizeMax = 2 ** 30;

export const generate = defineConnector({
  name: 'generate',
  summary: 'Makes messages by itself, for trials and load.',
  source: {
    fields: {
      interval: duration('Time between two messages; 0 is as fast as the route takes them.', { default: 1000 }),
      count: whole('Stops after this many messages. Left out: it goes on for ever.', { optional: true, min: 1 }),
      body: template('The body. `origin.sequence` counts from 1.', { default: '{"sequence":${{ origin.sequence }}}' }),
      size: size('Bodies that are shorter are filled up with blanks to this many bytes.', { optional: true }),
      key: template('The key.', { optional: true }),
      headers: map('Headers by name.', template('The value of the header.'), { default: {} }),
      contentType: text('The media type of the body.', { optional: true, example: 'application/json' }),
    },
    create: (config) => {
      if ((config.size ?? 0) > sizeMax) throw new BadSetting('size', 'size is more than 1 GiB, which no message has');
      // One per end and not per link: the sequence goes on after a reconnect.
      const generator = new Generator(config);
      return {
        can: {
          settles: 'each',
          redelivers: 'never',
          stableIds: [],
          carries,
          notes: ['Messages are made up as they are read: what was not delivered when the route stops does not come again.'],
        },
        open: async () => generator.open(),
      };
    },
  },
});
