/** Queues inside the process that join routes: one route's sink is another's source. In memory, or on disk. */
import {
  BadSetting,
  type Carries,
  defineConnector,
  MqferryError,
  oneOf,
  propertyNames,
  type SinkCan,
  type SourceCan,
  size,
  text,
  whole,
} from '../../src/connector.ts';
import { misfits } from './agree.ts';
import { diskSink, diskSource } from './disk.ts';
import { place } from './message.ts';
import { localSink } from './sink.ts';
import { localSource } from './source.ts';

export { resetLocalQueues } from './queue.ts';

/** Messages stay objects: nothing is lost on the way. */
const carries: Carries = { headers: 'typed', repeats: true, key: true, properties: propertyNames, maxBytes: Number.POSITIVE_INFINITY };

const inMemory =
  'A local queue is held in memory: what is in it is lost when the process ends. Write `store: disk` at every end that names it to keep it.';

const memorySource: SourceCan = {
  settles: 'each',
  redelivers: 'inOrder',
  diesWithProcess: true,
  stableIds: place,
  carries,
  notes: [inMemory],
};

const memorySink: SinkCan = {
  keepsOrder: 'lane',
  writes: 'many',
  maxWrite: { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
  confirms: 'none', // in memory: what it has taken dies with the process
  routed: true,
  carries,
  notes: [inMemory],
};

const messagesInMemory = 10_000;

const store = oneOf(
  '`memory`: what is in the queue is lost when the process ends. `disk`: it is kept in the data directory. The same at every end of a queue.',
  ['memory', 'disk'],
  { default: 'memory' },
);

const readers = oneOf(
  'With `store: disk`. `one`: one route reads it, in order. `many`: each message goes to one of the routes that read it, those with a higher `priority` first. The same at every end of a queue.',
  ['one', 'many'],
  { default: 'one' },
);

/** Of a queue in memory. */
function mustBeDefault(given: 'one' | 'many'): void {
  if (given === 'many') throw new BadSetting('readers', 'any number of routes may read a queue in memory; `readers` is for one on disk');
}

export const local = defineConnector({
  name: 'local',
  summary: 'Queues inside the process, in memory or on disk, that join routes.',
  source: {
    fields: { queue: text('The queue to read.'), store, readers },
    create({ queue, store, readers }, context) {
      if (store === 'disk') return diskSource(queue, readers, context);
      mustBeDefault(readers);
      return { can: memorySource, open: async () => localSource(queue) };
    },
  },
  sink: {
    fields: {
      queue: text('The queue to write to. Any number of routes may.'),
      store,
      readers,
      maxMessages: whole(
        `Messages that may be in the queue, unsettled ones included; when it is full, the route waits. Absent: ${messagesInMemory} in memory, no limit on disk.`,
        { optional: true, min: 1 },
      ),
      maxBytes: size(
        'With `store: disk`, the bytes of its files, at most; when it is full, the route waits. Written at one sink, it holds for the queue. Absent: 1GiB.',
        { optional: true },
      ),
    },
    create({ queue, store, readers, maxMessages, maxBytes }, context) {
      if (store === 'disk')
        return diskSink(
          queue,
          { readers, ...(maxMessages !== undefined && { maxMessages }), ...(maxBytes !== undefined && { maxBytes }) },
          context,
        );
      if (maxBytes !== undefined) throw new BadSetting('maxBytes', 'maxBytes is for a queue on disk: write `store: disk` too');
      mustBeDefault(readers);
      return { can: memorySink, open: async () => localSink(queue, maxMessages ?? messagesInMemory) };
    },
    readBack({ queue, store, readers }) {
      if (readers === 'many')
        throw new MqferryError('CONFIG_INVALID', `what is in the queue ${queue} of many readers is only for them: leave \`readers\` out`);
      if (store === 'disk') return { queue };
      throw new MqferryError(
        'CONFIG_INVALID',
        `the queue ${queue} is in the memory of the process that runs the route: write \`store: disk\``,
      );
    },
  },
  misfits,
});
