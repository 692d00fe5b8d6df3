/** A process with a step that remembers, killed again and again at random moments, between two mosquittos. `KILLS=200` for many. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Broker, until } from '../brokers/broker.ts';
import { mosquittoLogin, startMosquitto } from '../brokers/mosquitto.ts';
import { folder, type Started, start } from '../cli/mqferry.ts';
import { Arrivals, bodyOf, stages } from './stage-ledger.ts';

const kills = Number(process.env['KILLS'] ?? (process.env['CI'] === 'true' ? 20 : 8));
const secondsEach = 3;

let source: Broker;
let sink: Broker;
beforeAll(async () => {
  [source, sink] = [await startMosquitto(), await startMosquitto()];
});
afterAll(() => Promise.all([source?.dispose(), sink?.dispose()]));

test.each(stages)(
  `%s: ${kills} SIGKILLs, nothing is lost or made up, and copies are made of the same`,
  { timeout: 60_000 + kills * secondsEach * 1000 },
  async (_, steps, more) => {
    const ledger = await openLedger();
    const data = folder();
    const run = ['run', ledger.writeRoute(data, steps, more), '--no-admin', '--data', data];
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
    await until('all that was published has arrived', () => ledger.published.every((n) => ledger.arrivals.of.has(n)), 60_000);
    last.child.kill('SIGTERM');
    const { code, err } = await last.ended;
    expect(code, err).toBe(0);
    expect(ledger.arrivals.wrong).toEqual([]);
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
  const arrivals = new Arrivals();
  reader.on('message', (_, payload) => arrivals.add(payload));
  await reader.subscribeAsync(`${session}/out`, { qos: 1 });
  let sent = 0;
  let isPublishing = true;
  return {
    published,
    arrivals,
    count: () => arrivals.count,
    stopPublishing: () => (isPublishing = false),
    /** Some hundred a second. Call it when the session is there. */
    async publish() {
      while (isPublishing) {
        const n = sent++;
        arrivals.sent = sent;
        await publisher.publishAsync(`${session}/in`, bodyOf(n), { qos: 1 });
        published.push(n);
        await sleep(2);
      }
    },
    writeRoute(dir: string, steps: string, more: string): string {
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
    ${more}
`,
      );
      return file;
    },
  };
}
