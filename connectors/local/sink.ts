import { notConnected, type Sink } from '../../src/connector.ts';
import { localQueue } from './queue.ts';

/** Writes to a local queue; a write resolves when all of its messages are in the queue. */
export function localSink(name: string, maxMessages: number): Sink {
  const queue = localQueue(name);
  const owner = {};
  let isClosed = false;
  return {
    async write(messages) {
      if (isClosed) throw notConnected(`the link to the local queue ${name} is closed`);
      await queue.put(messages, maxMessages, owner);
      return [];
    },
    async close() {
      isClosed = true;
      queue.giveUp(owner);
    },
  };
}
