/** A process with two routes that read one queue on disk, killed again and again at random moments: no broker. `KILLS=200` for many. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder } from '../cli/mqferry.ts';
import { arrivalsIn, fillQueue, liveThrough } from './stage-ledger.ts';

const kills = Number(process.env['KILLS'] ?? (process.env['CI'] === 'true' ? 12 : 4));
const messages = 200 + kills * 150;
const window = 20;

test(`${kills} SIGKILLs: nothing is lost or made up, and what comes again is what was under way`, {
  timeout: 120_000 + kills * 3000,
}, async () => {
  const data = folder();
  await fillQueue(data, 'in', messages);
  const file = join(data, 'r.yaml');
  const pool = '{ queue: between, store: disk, readers: many }';
  const route = (source: string, steps: string, sink: string) =>
    `{ quarantine: { after: 0 }, window: { messages: ${window} }, source: { local: ${source} }, steps: [${steps}], sink: { local: ${sink} } }`;
  writeFileSync(
    file,
    `
routes:
  fill: ${route('{ queue: in, store: disk }', '{ throttle: { rate: 400/s } }', pool)}
  left: ${route(pool, "{ map: { id: 'string(body.n)', of: '[body.n]' } }", '{ queue: out, store: disk }')}
  right: ${route(pool, "{ map: { id: 'string(body.n)', of: '[body.n]' } }", '{ queue: out, store: disk }')}
`,
  );
  const run = ['run', file, '--no-admin', '--data', data];
  await liveThrough(kills, run);
  const arrivals = await arrivalsIn(data, 'out', messages);
  expect(arrivals.wrong).toEqual([]);
  expect(arrivals.of.size).toBe(messages);
  // What fill, left and right had under way; acks that the disk did not know yet.
  expect(arrivals.count - messages).toBeLessThanOrEqual(kills * (3 * window + 1000));
});
