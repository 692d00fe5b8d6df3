/**
 * A process to be killed: two routes write what they read into a queue on disk, a third reads it. Says on stdout what became of each message:
 * `a <name> <number>`: acked at its source, up to this one; `d <name> <number>`: delivered.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AnyConnector, defineConnector, Message, text, whole } from '../../../src/connector.ts';
import { createEngine } from '../../../src/index.ts';

const [dataDir, fromA, fromB, isLast] = process.argv.slice(2) as [string, string, string, string];
const carries = { headers: 'typed', repeats: true, key: true, properties: ['id'], maxBytes: 1e9 } as const;

/** A source that gives numbers from `from` on, as a broker does that knows what was acked; a sink that is slower than two of them. */
const ledger: AnyConnector = defineConnector({
  name: 'ledger',
  summary: '',
  source: {
    fields: { name: text(''), from: whole('') },
    create: ({ name, from }) => ({
      can: { settles: 'inOrder', redelivers: 'inOrder', stableIds: [], carries },
      async open() {
        let next = from;
        return {
          async read(room, signal) {
            await sleep(isLast ? 1e6 : 1, undefined, { signal }).catch(() => undefined);
            if (signal.aborted) return null;
            const count = Math.min(room.messages, 10);
            const messages = Array.from(
              { length: count },
              () => new Message({ id: `${name} ${next++}`, body: Buffer.alloc(500), lane: name }),
            );
            const last = messages.at(-1)?.id;
            return { messages, ack: () => void writeSync(1, `a ${last}\n`) };
          },
          close: async () => undefined,
        };
      },
    }),
  },
  sink: {
    fields: {},
    create: () => ({
      can: { keepsOrder: 'lane', writes: 1, maxWrite: { messages: 7, bytes: 1e9 }, confirms: 'stored', routed: true, carries },
      open: async () => ({
        async write(messages) {
          writeSync(1, messages.map(({ id }) => `d ${id}\n`).join(''));
          await sleep(isLast ? 0 : 2);
          return [];
        },
        close: async () => undefined,
      }),
    }),
  },
});

const config = `
routes:
  a: { guarantee: at-least-once, quarantine: { after: 0 }, source: { ledger: { name: a, from: ${fromA} } }, sink: { local: { queue: q, store: disk, maxBytes: 4MiB } } }
  b: { guarantee: at-least-once, quarantine: { after: 0 }, source: { ledger: { name: b, from: ${fromB} } }, sink: { local: { queue: q, store: disk } } }
  out: { guarantee: at-least-once, quarantine: { after: 0 }, order: lane, window: 60, source: { local: { queue: q, store: disk } }, sink: ledger }
`;
const ferry = await createEngine({ routes: { texts: [{ name: 'kill.yaml', text: config }] }, connectors: { ledger }, dataDir });
await ferry.start();
