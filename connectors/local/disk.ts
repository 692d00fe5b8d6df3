/** Queues on disk: the durable queue that the process lends, with messages that come out of it as out of one in memory. */
import {
  type EndContext,
  MqferryError,
  type Queue,
  type QueueLimits,
  type SinkEnd,
  type Source,
  type SourceEnd,
} from '../../src/connector.ts';
import { place, received } from './message.ts';

export function diskSink(name: string, limits: QueueLimits, context: EndContext): SinkEnd {
  return queueOf(name, limits, context).near;
}

export function diskSource(name: string, readers: 'one' | 'many', context: EndContext): SourceEnd {
  const { far } = queueOf(name, { prefetch: context.window.messages, readers }, context);
  const { can } = far;
  const redelivers = readers === 'many' ? 'anyOrder' : can.redelivers;
  return { can: { ...can, redelivers, stableIds: place }, open: async (signal) => reading(await far.open(signal), name) };
}

function queueOf(name: string, limits: QueueLimits, { queue }: EndContext): Queue {
  if (!queue) throw new MqferryError('CONFIG_INVALID', `the queue ${name} is on disk, and there is no data directory here`);
  return queue(name, limits);
}

function reading(link: Source, name: string): Source {
  return {
    async read(room, signal) {
      const batch = await link.read(room, signal);
      if (batch === null) return null;
      const messages = batch.messages.map((message) => {
        const { bufferId, bufferSequence } = message.origin;
        return received(message, name, bufferId as string, bufferSequence as number);
      });
      return { messages, ack: () => batch.ack() };
    },
    close: () => link.close(),
  };
}
