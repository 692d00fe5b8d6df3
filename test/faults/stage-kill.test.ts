/**
 * A process with a step that remembers, killed again and again at random moments, between two queues on disk of its own: no broker. `KILLS=200`
 * for many.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder } from '../cli/mqferry.ts';
import { arrivalsIn, fillQueue, liveThrough, stages } from './stage-ledger.ts';

const kills = Number(process.env['KILLS'] ?? (process.env['CI'] === 'true' ? 12 : 4));
/** As many as some seconds of this rate: enough for all lives. */
const rate = 400;
const messages = 200 + kills * 150;

test.each(stages)(
  `%s: ${kills} SIGKILLs between queues on disk, nothing is lost or made up, and copies are made of the same`,
  { timeout: 120_000 + kills * 3000 },
  async (_, steps, more) => {
    const data = folder();
    await fillQueue(data, 'in', messages);
    const route = join(data, 'r.yaml');
    writeFileSync(
      route,
      `
routes:
  r:
    quarantine: { after: 0 } # it is killed more often than a message would be
    source: { local: { queue: in, store: disk } }
    steps:
      - throttle: { rate: ${rate}/s }
${steps.replace(/^/gm, '      ')}
    sink: { local: { queue: out, store: disk } }
    ${more}
`,
    );
    const run = ['run', route, '--no-admin', '--data', data];
    await liveThrough(kills, run);
    const arrivals = await arrivalsIn(data, 'out', messages);
    expect(arrivals.wrong).toEqual([]);
    expect(arrivals.of.size).toBe(messages);
  },
);
