/**
 * A process with a step that remembers, killed again and again at random moments, between two queues on disk of its own: no broker. `KILLS=200`
 * for many.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openBuffer } from '../../src/buffer/buffer.ts';
import { dumpBuffer } from '../../src/buffer/inspect.ts';
import { bufferDirectory, queueOwner } from '../../src/buffer/instance.ts';
import { Message } from '../../src/message.ts';
import { silent } from '../buffer/life.ts';
import { folder, start } from '../cli/mqferry.ts';
import { Arrivals, bodyOf, stages } from './stage-ledger.ts';

const kills = Number(process.env['KILLS'] ?? (process.env['CI'] === 'true' ? 12 : 4));
/** As many as some seconds of this rate: enough for all lives. */
const rate = 400;
const messages = 200 + kills * 150;

test.each(stages)(
  `%s: ${kills} SIGKILLs between queues on disk, nothing is lost or made up, and copies are made of the same`,
  { timeout: 120_000 + kills * 3000 },
  async (_, steps, more) => {
    const data = folder();
    await fill(data);
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
    for (let kill = 0; kill < kills; kill++) {
      const life = start(run);
      await sleep(250 + Math.random() * 700); // a moment of its own each time: nothing is waited for
      life.child.kill('SIGKILL');
      await life.ended;
    }
    const { code, err } = await start([...run, '--until-idle', '1s']).ended;
    expect(code, err).toBe(0);
    const arrivals = new Arrivals();
    arrivals.sent = messages;
    for await (const { message } of dumpBuffer(bufferDirectory(data, queueOwner('out')))) arrivals.add(message.body as Buffer);
    expect(arrivals.wrong).toEqual([]);
    expect(arrivals.of.size).toBe(messages);
  },
);

/** The queue that is read, with all that will ever be in it. */
async function fill(data: string): Promise<void> {
  const buffer = await openBuffer(
    bufferDirectory(data, queueOwner('in')),
    { maxBytes: 1 << 28, maxMessages: undefined, sync: 'always', everyMs: 0 },
    { log: silent },
  );
  const near = await buffer.near.open(new AbortController().signal);
  await near.write(Array.from({ length: messages }, (_, n) => new Message({ body: Buffer.from(bodyOf(n)) })));
  await near.close();
  await buffer.close();
}
