/**
 * A process to be killed: of the numbers that it reads, the odd ones die and are kept on disk. Says on stdout `a <number>`: acked at its source, all up
 * to this one; `d <number>`: delivered.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AnyConnector, defineConnector, Message, whole } from '../../src/connector.ts';
import { createEngine } from '../../src/index.ts';

const [dataDir, from] = process.argv.slice(2) as [string, string];
const carries = { headers: 'typed', repeats: true, key: true, properties: ['id'], maxBytes: 1e9 } as const;

const ledger: AnyConnector = defineConnector({
  name: 'ledger',
  summary: '',
  source: {
    fields: { from: whole('') },
    create: ({ from }) => ({
      can: { settles: 'inOrder', redelivers: 'inOrder', stableIds: [], carries },
      async open() {
        let next = from;
        return {
          async read(room, signal) {
            await sleep(1, undefined, { signal }).catch(() => undefined);
            if (signal.aborted) return null;
            const numbers = Array.from({ length: Math.min(room.messages, 7) }, () => next++);
            const messages = numbers.map((n) => new Message({ body: Buffer.from(`{"n":${n}}`) }));
            return { messages, ack: () => void writeSync(1, `a ${numbers.at(-1)}\n`) };
          },
          close: async () => undefined,
        };
      },
    }),
  },
  sink: {
    fields: {},
    create: () => ({
      can: { keepsOrder: 'lane', writes: 'many', maxWrite: { messages: 100, bytes: 1e9 }, confirms: 'stored', routed: true, carries },
      open: async () => ({
        async write(messages) {
          writeSync(1, messages.map((message) => `d ${(message.json() as { n: number }).n}\n`).join(''));
          return [];
        },
        close: async () => undefined,
      }),
    }),
  },
});

const config = `
routes:
  a: { window: 50, source: { ledger: { from: ${from} } }, steps: [ filter: body.n % 2 == 0 || body.missing ], sink: ledger, onError: { deadLetter: disk } }
`;
const ferry = await createEngine({ routes: { texts: [{ name: 'kill.yaml', text: config }] }, connectors: { ledger }, dataDir });
await ferry.start();
