/** Queues inside the process that join routes: one route's sink is another's source. In memory. */
import { type Carries, defineConnector, propertyNames, text, whole } from '../../src/connector.ts';
import { localSink } from './sink.ts';
import { localSource } from './source.ts';

export { resetLocalQueues } from './queue.ts';

/** Messages stay objects: nothing is lost on the way. */
const carries: Carries = { headers: 'typed', repeats: true, key: true, properties: propertyNames, maxBytes: Number.POSITIVE_INFINITY };

const inMemory = 'A local queue is held in memory: what is in it is lost when the process ends. Join the routes into one, or use a broker.';

export const local = defineConnector({
  name: 'local',
  summary: 'Queues inside the process, in memory, that join routes.',
  source: {
    fields: { queue: text('The queue to read.') },
    create: ({ queue }) => ({
      can: { settles: 'each', redelivers: 'inOrder', diesWithProcess: true, stableIds: true, carries, notes: [inMemory] },
      open: async () => localSource(queue),
    }),
  },
  sink: {
    fields: {
      queue: text('The queue to write to.'),
      maxMessages: whole('Messages that may be in the queue, unsettled ones included; when it is full, the route waits.', {
        default: 10_000,
        min: 1,
      }),
    },
    create: ({ queue, maxMessages }) => ({
      can: {
        keepsOrder: 'lane',
        writes: 'many',
        maxWrite: { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
        confirms: 'none', // in memory: what it has taken dies with the process
        routed: true,
        carries,
        notes: [inMemory],
      },
      open: async () => localSink(queue, maxMessages),
    }),
  },
});
