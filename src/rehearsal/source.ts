import type { Batch, Room, Source, SourceEnd } from '../connector.ts';
import type { VirtualClock } from '../engine/virtual-clock.ts';
import type { Message } from '../message.ts';

/** A message and when it comes, in milliseconds since the start. */
export interface Arrival {
  readonly message: Message;
  readonly atMs: number;
}

/** A source that has these messages, each from its time on, and then is at its end. It declares what the real one declares. */
export function givenSource(can: SourceEnd['can'], arrivals: readonly Arrival[], clock: VirtualClock): SourceEnd {
  let next = 0;
  const take = (room: Room): Message[] => {
    const messages: Message[] = [];
    for (let bytes = 0; next < arrivals.length && messages.length < room.messages && bytes < room.bytes; next++) {
      const { message, atMs } = arrivals[next] as Arrival;
      if (atMs > clock.now()) break;
      messages.push(message);
      bytes += message.bytes;
    }
    return messages;
  };
  const read = async (room: Room, signal: AbortSignal): Promise<Batch | null> => {
    while (next < arrivals.length && !signal.aborted) {
      const messages = take(room);
      if (messages.length > 0) return { messages, ack() {} };
      await clock.sleep((arrivals[next] as Arrival).atMs - clock.now(), signal);
    }
    return null;
  };
  return { can, open: async (): Promise<Source> => ({ read, close: async () => {} }) };
}
