import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { local, resetLocalQueues } from '../../connectors/local/index.ts';
import { DataDirectory } from '../../src/buffer/data-directory.ts';
import { type HeaderValue, Message, type Sink, type SinkEnd, type SourceEnd } from '../../src/connector.ts';
import { captureLog, sinkContract, sourceContract, testContext, testSettings } from '../../src/testkit/index.ts';

const { signal } = new AbortController();
const path = mkdtempSync(join(tmpdir(), 'mqferry-local-'));
const data = new DataDirectory(path, captureLog());
const context = testContext({ queue: (name, limits) => data.queue(name, limits) });
afterAll(async () => {
  await data.release();
  rmSync(path, { recursive: true });
});

let deep: HeaderValue = 'x';
for (let i = 0; i < 200; i++) deep = [deep];
/** More nested than the disk takes. */
const refused = new Message({ body: null, headers: [['deep', deep]] });

let queues = 0;

for (const store of ['memory', 'disk']) {
  const sourceEnd = (queue: string): SourceEnd =>
    local.source!.create(testSettings(local.source!.fields, { queue, store }) as never, context);
  const sinkEnd = (queue: string): SinkEnd => local.sink!.create(testSettings(local.sink!.fields, { queue, store }) as never, context);

  sourceContract(
    { describe, test },
    {
      name: `local (${store})`,
      can: sourceEnd('any').can,
      offers: store === 'disk' ? ['cutLinks'] : [],
      async open() {
        const queue = `q${++queues}`;
        const writer: Sink = await sinkEnd(queue).open(signal);
        const publish = async (messages: readonly Message[]) => void (await writer.write(messages));
        const dispose = async () => {
          await writer.close();
          resetLocalQueues();
        };
        return { end: sourceEnd(queue), publish, dispose, cutLinks: () => data.release() };
      },
    },
  );

  sinkContract(
    { describe, test },
    {
      name: `local (${store})`,
      can: sinkEnd('any').can,
      offers: store === 'disk' ? ['refused'] : [],
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
        return { end: sinkEnd(queue), drain, dispose: async () => resetLocalQueues(), ...(store === 'disk' && { refused }) };
      },
    },
  );
}
