/** A process with a stage that is killed again and again at random moments. The brokers, in this process, are the ledger. `KILLS=200` for many. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { startAedes } from '../brokers/aedes.ts';
import { until } from '../brokers/broker.ts';
import { folder, type Started, start } from '../cli/mqferry.ts';

const kills = Number(process.env['KILLS'] ?? (process.env['CI'] === 'true' ? 40 : 10));
const secondsEach = 3;

const stages: [string, string][] = [
  ['delay', "- delay: { for: 300ms }\n- map: { id: 'string(origin.bufferSequence)', of: '[body.n]' }"],
  ['delay until', "- delay: { until: '${{ body.until }}' }\n- map: { id: 'string(origin.bufferSequence)', of: '[body.n]' }"],
  [
    'aggregate',
    "- aggregate: { by: '${{ body.n % 7 }}', count: 5, after: 400ms }\n- map: { id: 'string(origin.bufferSequence)', of: 'body.map(x, x.n)' }",
  ],
];

test.each(stages)(
  `%s: ${kills} SIGKILLs, nothing is lost or made up, and copies are made of the same`,
  { timeout: 60_000 + kills * secondsEach * 1000 },
  async (_, steps) => {
    const ledger = await openLedger();
    const data = folder();
    const run = ['run', ledger.writeRoute(data, steps), '--no-admin', '--data', data];
    const publishing = ledger.publish();
    for (let kill = 0; kill < kills; kill++) {
      const life = start(run);
      await arrivesOrEnds(life, ledger);
      await sleep(Math.random() * 500); // a moment of its own each time: nothing is waited for
      life.child.kill('SIGKILL');
      await life.ended;
    }
    ledger.stopPublishing();
    await publishing;
    const last = start(run);
    await until('all that was published has arrived', () => ledger.published.every((n) => ledger.arrived.has(n)), 60_000);
    last.child.kill('SIGTERM');
    const { code, err } = await last.ended;
    expect(code, err).toBe(0);
    expect(ledger.wrong).toEqual([]);
    expect(ledger.published.length).toBeGreaterThan(kills * 20);
  },
);

/** Something has arrived in this life, or it has ended by itself, which is wrong. */
async function arrivesOrEnds({ child, err }: Started, ledger: { readonly count: () => number }): Promise<void> {
  const before = ledger.count();
  await until('something arrives', () => ledger.count() > before || child.exitCode !== null, 30_000);
  expect(child.exitCode, err()).toBeNull();
}

async function openLedger() {
  const [source, sink] = [await startAedes(), await startAedes()];
  const publisher = await connectAsync(`mqtt://127.0.0.1:${source.port}`);
  onTestFinished(async () => {
    await publisher.endAsync(true);
    await Promise.all([source.close(), sink.close()]);
  });
  const published: number[] = [];
  const arrived = new Set<number>();
  const groups = new Map<string, string>();
  const wrong: string[] = [];
  let count = 0;
  sink.aedes.on('publish', ({ topic, payload }) => {
    if (topic !== 'out') return;
    count++;
    const { id, of } = JSON.parse(String(payload)) as { id: string; of: number[] };
    const before = groups.get(id) ?? of.join();
    groups.set(id, of.join());
    if (before !== of.join()) wrong.push(`${id} was ${before}, now ${of.join()}`);
    for (const n of of) {
      if (n >= sent) wrong.push(`${n} was never published`);
      arrived.add(n);
    }
  });
  const subscribed = new Promise((resolve) => source.aedes.once('subscribe', resolve));
  let sent = 0;
  let isPublishing = true;
  return {
    published,
    arrived,
    wrong,
    count: () => count,
    stopPublishing: () => (isPublishing = false),
    /** Some hundred a second, as soon as somebody has subscribed. */
    async publish() {
      await subscribed;
      while (isPublishing) {
        const n = sent++;
        const until = Date.now() + Math.floor(Math.random() * 600);
        await publisher.publishAsync('in', JSON.stringify({ n, until, filling: 'x'.repeat(n % 900) }), { qos: 1 });
        published.push(n);
        await sleep(2);
      }
    },
    writeRoute(dir: string, steps: string): string {
      const file = join(dir, 'r.yaml');
      const mqtt = (port: number) => `connection: { url: 'mqtt://127.0.0.1:${port}', version: 3.1.1 }`;
      writeFileSync(
        file,
        `
routes:
  r:
    source: { mqtt: { ${mqtt(source.port)}, topics: in } }
    steps:
${steps.replace(/^/gm, '      ')}
    sink: { mqtt: { ${mqtt(sink.port)}, topic: out, onUnmappable: drop } }
`,
      );
      return file;
    },
  };
}
