/** A process with a stage that is killed again and again at random moments, between two mosquittos. `KILLS=200` for many. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Broker, until } from '../brokers/broker.ts';
import { mosquittoLogin, startMosquitto } from '../brokers/mosquitto.ts';
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

let source: Broker;
let sink: Broker;
beforeAll(async () => {
  [source, sink] = [await startMosquitto(), await startMosquitto()];
});
afterAll(() => Promise.all([source?.dispose(), sink?.dispose()]));

test.each(stages)(
  `%s: ${kills} SIGKILLs, nothing is lost or made up, and copies are made of the same`,
  { timeout: 60_000 + kills * secondsEach * 1000 },
  async (_, steps) => {
    const ledger = await openLedger();
    const data = folder();
    const run = ['run', ledger.writeRoute(data, steps), '--no-admin', '--data', data];
    await makeSession(run);
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

/** From here on the source broker keeps what is published for it. */
async function makeSession(run: readonly string[]): Promise<void> {
  const { code, err } = await start([...run, '--until-idle', '100ms']).ended;
  expect(code, err).toBe(0);
}

/** Something has arrived in this life, or it has ended by itself, which is wrong. */
async function arrivesOrEnds({ child, err }: Started, ledger: { readonly count: () => number }): Promise<void> {
  const before = ledger.count();
  await until('something arrives', () => ledger.count() > before || child.exitCode !== null, 30_000);
  expect(child.exitCode, err()).toBeNull();
}

async function openLedger() {
  const session = `in-${Math.random()}`.slice(0, 20);
  const connect = (broker: Broker, options: object = {}) =>
    connectAsync(`mqtt://127.0.0.1:${broker.ports['tcp']}`, { ...mosquittoLogin, ...options });
  const [publisher, reader] = [await connect(source), await connect(sink, { clientId: 'reader', clean: false })];
  onTestFinished(async () => {
    await Promise.all([publisher.endAsync(true), reader.endAsync(true)]);
  });
  const published: number[] = [];
  const arrived = new Set<number>();
  const groups = new Map<string, string>();
  const wrong: string[] = [];
  let count = 0;
  reader.on('message', (_, payload) => {
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
  await reader.subscribeAsync(`${session}/out`, { qos: 1 });
  let sent = 0;
  let isPublishing = true;
  return {
    published,
    arrived,
    wrong,
    count: () => count,
    stopPublishing: () => (isPublishing = false),
    /** Some hundred a second. Call it when the session is there. */
    async publish() {
      while (isPublishing) {
        const n = sent++;
        const until = Date.now() + Math.floor(Math.random() * 600);
        await publisher.publishAsync(`${session}/in`, JSON.stringify({ n, until, filling: 'x'.repeat(n % 900) }), { qos: 1 });
        published.push(n);
        await sleep(2);
      }
    },
    writeRoute(dir: string, steps: string): string {
      const file = join(dir, 'r.yaml');
      const login = `username: ${mosquittoLogin.username}, password: ${mosquittoLogin.password}`;
      const mqtt = ({ ports }: Broker) => `connection: { url: 'mqtt://127.0.0.1:${ports['tcp']}', ${login} }`;
      writeFileSync(
        file,
        `
routes:
  r:
    quarantine: { after: 0 } # it is killed more often than a message would be
    source: { mqtt: { ${mqtt(source)}, topics: ${session}/in } }
    steps:
${steps.replace(/^/gm, '      ')}
    sink: { mqtt: { ${mqtt(sink)}, topic: ${session}/out } }
`,
      );
      return file;
    },
  };
}
