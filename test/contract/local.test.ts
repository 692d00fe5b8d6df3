import { describe, test } from 'vitest';
import { local, resetLocalQueues } from '../../connectors/local/index.ts';
import type { Message, Sink, SinkEnd, SourceEnd } from '../../src/connector.ts';
import { sinkContract, sourceContract, testContext, testSettings } from '../../src/testkit/index.ts';

const { signal } = new AbortController();
const sourceEnd = (queue: string): SourceEnd => local.source!.create(testSettings(local.source!.fields, { queue }) as never, testContext());
const sinkEnd = (queue: string): SinkEnd => local.sink!.create(testSettings(local.sink!.fields, { queue }) as never, testContext());

let queues = 0;
const dispose = async () => resetLocalQueues();

sourceContract(
  { describe, test },
  {
    name: 'local',
    can: sourceEnd('any').can,
    async open() {
      const queue = `q${++queues}`;
      const writer: Sink = await sinkEnd(queue).open(signal);
      const publish = async (messages: readonly Message[]) => void (await writer.write(messages));
      return { end: sourceEnd(queue), publish, dispose };
    },
  },
);

sinkContract(
  { describe, test },
  {
    name: 'local',
    can: sinkEnd('any').can,
    async open() {
      const queue = `q${++queues}`;
      const drain = async (count: number) => {
        const reader = await sourceEnd(queue).open(signal);
        const messages: Message[] = [];
        while (messages.length < count) {
          const batch = await reader.read({ messages: count - messages.length, bytes: 1e9 }, signal);
          messages.push(...batch!.messages);
          batch!.ack();
        }
        await reader.close();
        return messages;
      };
      return { end: sinkEnd(queue), drain, dispose };
    },
  },
);
