/**
 * Four routes in one process for an hour, a fault every twenty seconds: nothing may be lost, and memory, file handles and sockets may not grow.
 *
 *     npm run faults:soak [-- --minutes 60 --seed N --write]
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePorts, until } from '../../brokers/broker.ts';
import { randomOf } from '../../buffer/sim-fs.ts';
import { startProxy, type TcpProxy } from '../proxy.ts';
import { Ferry } from './ferry.ts';
import { Ledger, parcels } from './ledger.ts';
import { sendAll } from './send.ts';
import type { Subject } from './subject.ts';
import { kafkaSubject } from './subjects/kafka.ts';
import { mqttSubject } from './subjects/mqtt.ts';
import { rabbitmqSubject } from './subjects/rabbitmq.ts';
import { stompSubject } from './subjects/stomp.ts';

const { values: options } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' }, write: { type: 'boolean' } },
});
const minutes = Number(options.minutes);
const seed = Number(options.seed);
const random = randomOf(seed);
const faultEveryMs = 20_000;
const sampleEveryMs = 5000;
const perSecond = 50;
/** What V8 and the clients take at first is no growth. */
const warmUp = 0.25;

interface Way {
  readonly name: string;
  readonly source: Subject;
  readonly sink: Subject;
  readonly from: string;
  readonly to: string;
  readonly ledger: Ledger;
  readonly proxies: readonly [TcpProxy, TcpProxy];
}

interface Sample {
  readonly minute: number;
  readonly rssMiB: number;
  readonly handles: number;
  readonly sockets: number;
}

const subjects = [await rabbitmqSubject(), await kafkaSubject(), await mqttSubject(), await stompSubject()] as const;
// A broker has one address that Kafka tells its clients: one proxy in front of each, for all routes.
const proxies = await Promise.all(subjects.map(({ proxy }) => startProxy(proxy.target, proxy.port)));
const ways: Way[] = [];
for (let i = 0; i < subjects.length; i++) {
  const [source, sink] = [subjects[i], subjects[(i + 1) % subjects.length]] as [Subject, Subject];
  const own = [proxies[i], proxies[(i + 1) % proxies.length]] as [TcpProxy, TcpProxy];
  const name = `${source.protocol}-${sink.protocol}`;
  await source.prepare(`${name}.from`);
  await sink.prepare(`${name}.to`);
  const isBuffered = i % 2 === 0;
  const ids = source.protocol === 'kafka' ? 'all' : isBuffered ? 'buffer' : 'none';
  ways.push({ name, source, sink, from: `${name}.from`, to: `${name}.to`, ledger: new Ledger(ids, source.lanes), proxies: own });
}
const [adminPort] = (await freePorts(1)) as [number];
const ferry = new Ferry(config(), adminPort);
ferry.spawn();
await ferry.ready();

const began = performance.now();
const elapsed = () => (performance.now() - began) / 60_000;
let isOver = false;
const faults = new Map<string, number>();
const samples: Sample[] = [];
const sending = ways.map(({ source, from, ledger }) =>
  sendAll(
    source,
    from,
    parcels(1, () => isOver),
    ledger,
    perSecond,
  ),
);
const drains = await Promise.all(ways.map(({ sink, to, ledger }) => drainAgain(sink, to, ledger)));
await Promise.all([harm(), watch(), sleep(minutes * 60_000)]);
isOver = true;
await Promise.all(sending);
const problems: string[] = [];
for (const { name, ledger } of ways)
  await until(`all of ${name} has arrived`, () => ledger.missing === 0, 180_000).catch((error: unknown) => problems.push(String(error)));
for (const stop of drains) await stop();
const exit = await ferry.stop();
if (exit !== 0) problems.push(`mqferry ended with ${exit}:\n${ferry.log()}`);
const report = judge();
console.log(report);
if (options.write) writeFileSync('docs/soak.md', report);
for (const proxy of proxies) await proxy.close();
for (const { broker } of subjects) await broker.dispose();
ferry.dispose();
process.exit(problems.length > 0 ? 1 : 0);

function config(): string {
  const routes = ways.map(
    ({ name, source, sink, from, to }, i) => `  ${name}:
    source:
      ${source.source(from).replace('connection: from', `connection: ${source.protocol}`)}
${i % 2 === 0 ? '    buffer: { disk: { maxBytes: 1GiB } }\n' : ''}    sink:
      ${sink.sink(to).replace('connection: to', `connection: ${sink.protocol}`)}
    onError:
      retry: { attempts: 50, backoff: 200ms..2s }
`,
  );
  const connections = subjects.map((subject, i) => `  ${subject.protocol}: ${subject.connection((proxies[i] as TcpProxy).port, true)}`);
  return `connections:\n${connections.join('\n')}\nroutes:\n${routes.join('')}`;
}

/** Goes on after a restart of the broker. */
async function drainAgain(sink: Subject, place: string, ledger: Ledger): Promise<() => Promise<void>> {
  let stop = await sink.drain(place, (arrival) => ledger.arrived(arrival));
  let isStopped = false;
  let seen = -1;
  void (async () => {
    for (; !isStopped; await sleep(15_000)) {
      const { arrived, duplicated } = ledger.counts;
      if (arrived + duplicated === seen && ledger.missing > 0) {
        await stop().catch(() => undefined);
        stop = await sink.drain(place, (arrival) => ledger.arrived(arrival)).catch(() => async () => undefined);
      }
      seen = arrived + duplicated;
    }
  })();
  return async () => {
    isStopped = true;
    await stop().catch(() => undefined);
  };
}

/** One fault after the other; never one that ends mqferry, as it is its growth that is looked for. */
async function harm(): Promise<void> {
  const kinds: Record<string, (proxy: TcpProxy, subject: Subject) => Promise<unknown>> = {
    cut: async (proxy) => proxy.cut(),
    'cut at a byte': (proxy) =>
      Promise.race([proxy.cutAfter(random() < 0.5 ? 'toClient' : 'toServer', 1 + Math.floor(random() * 5000)), sleep(10_000)]),
    'silence of 6 s': async (proxy) => {
      proxy.stall(true);
      await sleep(6000);
      proxy.stall(false);
    },
    latency: async (proxy) => {
      proxy.shape({ latencyMs: () => random() * 150 });
      await sleep(8000);
      proxy.shape({});
    },
    'SIGSTOP for 3 s': async () => {
      ferry.signal('SIGSTOP');
      await sleep(3000);
      ferry.signal('SIGCONT');
    },
    'restart of a broker': async (_, { broker, restartBy }) => {
      await broker.stop(restartBy);
      await broker.start();
    },
  };
  const names = Object.keys(kinds);
  while (elapsed() < minutes - 1) {
    const name = names[Math.floor(random() * names.length)] as string;
    const at = Math.floor(random() * subjects.length);
    const next = performance.now() + faultEveryMs;
    await kinds[name]?.(proxies[at] as TcpProxy, subjects[at] as Subject);
    faults.set(name, (faults.get(name) ?? 0) + 1);
    await sleep(Math.max(0, next - performance.now()));
  }
}

async function watch(): Promise<void> {
  for (; elapsed() < minutes; await sleep(sampleEveryMs)) {
    const pid = ferry.pid as number;
    const handles = readdirSync(`/proc/${pid}/fd`).length;
    const rssMiB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
    const sockets = proxies.reduce((sum, { links }) => sum + links, 0);
    samples.push({ minute: elapsed(), rssMiB, handles, sockets });
  }
}

function judge(): string {
  const settled = samples.filter(({ minute }) => minute > minutes * warmUp);
  const trends = (['rssMiB', 'handles', 'sockets'] as const).map((what) => {
    const values = settled.map((sample) => sample[what]);
    const half = Math.floor(values.length / 2);
    const [early, late] = [median(values.slice(0, half)), median(values.slice(half))];
    const spread = Math.max(...values) - Math.min(...values);
    // Flat: the second half is not above the first by more than a tenth, or by what it varies anyway.
    if (late > early * 1.1 && late - early > spread / 3) problems.push(`${what} grows: ${early} in the first half, ${late} in the second`);
    return `| ${what} | ${early.toFixed(0)} | ${late.toFixed(0)} | ${Math.min(...values).toFixed(0)} | ${Math.max(...values).toFixed(0)} |`;
  });
  const rows = ways.map(({ name, ledger }) => {
    const { sent, arrived, lost, phantom, corrupt, duplicated } = ledger.counts;
    if (lost + phantom + corrupt > 0) problems.push(`${name}: lost ${lost}, phantom ${phantom}, corrupt ${corrupt}`);
    problems.push(...ledger.wrongHeaders.map((wrong) => `${name}: ${wrong}`));
    return `| ${name} | ${sent} | ${arrived} | ${lost} | ${phantom} | ${corrupt} | ${duplicated} |`;
  });
  const total = [...faults.values()].reduce((sum, count) => sum + count, 0);
  return `# Soak

Written by \`npm run faults:soak -- --minutes ${minutes} --seed ${seed} --write\` on ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}. Four routes in one
process, two of them with a disk buffer; ${perSecond} messages a second through each; ${total} faults, one every ${faultEveryMs / 1000} s:
${[...faults].map(([name, count]) => `${name} (${count})`).join(', ')}.

**${problems.length === 0 ? 'Nothing was lost, and nothing grows.' : problems.join('; ')}**

| route | confirmed by the source broker | arrived | lost | phantom | corrupt | duplicated |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

Of the ${minutes} minutes the first quarter is left out; medians of the two halves of the rest:

| what | first half | second half | least | most |
| --- | --- | --- | --- | --- |
${trends.join('\n')}
`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
