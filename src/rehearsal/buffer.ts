import { farCan, nearCan, type RouteBuffer } from '../buffer/buffer.ts';
import { memoryBuffer } from '../buffer/memory.ts';
import type { BufferModel } from '../config/model.ts';
import type { Message } from '../message.ts';

/** The buffer of a route in memory: one of disk declares what that declares, and what comes out of it has its place in `origin`. */
export function rehearsedBuffer(model: BufferModel): RouteBuffer {
  if (model.kind === 'memory') return memoryBuffer(model);
  const { maxBytes, maxMessages = Number.POSITIVE_INFINITY, sync } = model;
  const held = memoryBuffer({ maxBytes, maxMessages });
  let bufferSequence = 0;
  const stored = (message: Message) => message.asStored({ ...message.origin, bufferId: 'test', bufferSequence: ++bufferSequence });
  return {
    ...held,
    label: 'disk buffer',
    id: 'test',
    near: {
      can: nearCan(sync),
      open: async (signal) => {
        const sink = await held.near.open(signal);
        return { write: (messages) => sink.write(messages.map(stored)), close: () => sink.close() };
      },
    },
    far: { can: farCan(sync), open: (signal) => held.far.open(signal) },
  };
}
