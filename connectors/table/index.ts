/** Tables inside the process that one route feeds and `enrich` steps of others look things up in. */
import {
  type Carries,
  defineConnector,
  expression,
  MqferryError,
  propertyNames,
  type SinkCan,
  size,
  template,
  text,
  whole,
} from '../../src/connector.ts';
import { tableSink } from './sink.ts';

/** Whatever a message has, the expressions of `key` and `value` can read. */
const carries: Carries = { headers: 'typed', repeats: true, key: true, properties: propertyNames, maxBytes: Number.POSITIVE_INFINITY };

const can: SinkCan = {
  keepsOrder: 'lane',
  writes: 'many',
  maxWrite: { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
  confirms: 'none', // in memory: what it has taken dies with the process
  routed: true,
  carries,
  notes: [
    'A table is held in memory and is empty after a start. Feed it from what can be read from the beginning each time: retained messages of MQTT, or a Kafka group with a new name.',
  ],
};

export const table = defineConnector({
  name: 'table',
  summary: 'Tables inside the process, in memory, that one route feeds and `enrich` steps of others look things up in.',
  sink: {
    fields: {
      name: text('The table. Any number of routes may feed it.', {
        pattern: /^[A-Za-z][A-Za-z0-9_-]{0,62}$/,
        hint: 'a letter, then at most 62 letters, digits, _ or -',
        example: 'products',
      }),
      key: template('What an entry is found by. A later message with the same key takes its place.', {
        default: '${{ key }}',
        example: '${{ body.sku }}',
      }),
      value: expression('What is kept. A tombstone, and null, remove the entry.', { slot: 'any', default: 'body' }),
      maxEntries: whole('Entries, at most. A message that would make one more is refused for good: it goes the way of `onError`.', {
        default: 100_000,
        min: 1,
      }),
      maxBytes: size('Bytes of all entries, counted as those of the messages they came with, at most; beyond it as with `maxEntries`.', {
        default: 64 * 2 ** 20,
      }),
    },
    create(config, context) {
      if (!context.table) throw new MqferryError('CONFIG_INVALID', 'there are no tables here');
      const kept = context.table(config.name);
      return { can, open: async () => tableSink(kept, config) };
    },
    feeds: ({ name }) => name,
  },
});
