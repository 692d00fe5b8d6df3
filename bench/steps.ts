/** What steps cost: routes as the config has them, in this process, with nothing before and nothing behind. */
import { compileRoutes } from '../src/index.ts';
import { type Header, Message } from '../src/message.ts';
import { headers } from './end.ts';
import { atMost, type Row, row, unjudged } from './rows.ts';
import { median } from './trial.ts';

const messages = 40_000;
/** As many as a source hands over at once. */
const batch = 250;
const warmUps = 3;
const rounds = 9;

/** By name: the steps, and CPU microseconds that they may cost for one message more than none. */
const measured: readonly (readonly [name: string, steps: string, bar: number | undefined])[] = [
  ['no steps', '[]', undefined],
  ['filter by a header', `[{ filter: 'header.region == "eu"' }]`, 1],
  ['filter by the body', "[{ filter: 'body.total >= 0' }]", undefined],
  [
    'set of 3 and map',
    `[{ set: { header.customer: '\${{ body.customer }}', key: 'k-\${{ body.id }}', body.seen: true } }, { map: { id: body.id, seen: body.seen, items: body.items } }]`,
    20,
  ],
];

/** Each in turn, round after round; the median of what each costs more than no steps in the same round. */
export async function steps(): Promise<Row[]> {
  const runs = await Promise.all(measured.map(async ([, yaml]) => runOf(yaml)));
  const bodies = Array.from({ length: messages }, (_, n) => order(n));
  for (let i = 0; i < warmUps; i++) for (const run of runs) costOf(run, bodies);
  const costs = measured.map((): number[] => []);
  for (let i = 0; i < rounds; i++) for (const [at, run] of runs.entries()) costs[at]?.push(costOf(run, bodies));
  const bare = costs[0] as readonly number[];
  return measured.map(([name, , bar], at) => {
    const more = median((costs[at] as readonly number[]).map((cost, i) => cost - (bare[i] as number)));
    if (at === 0) return row('steps', name, rounds, [unjudged('CPU', median(bare), 'µs')]);
    return row('steps', name, rounds, [
      bar === undefined ? unjudged('more than none', more, 'µs') : atMost('more than none', more, 'µs', bar),
    ]);
  });
}

const ownHeaders: readonly Header[] = [...Object.entries(headers), ['region', 'eu']];

/** About 1 KiB of JSON with some fifty values in it: what is to be parsed costs by the value, not by the byte. */
function order(n: number): Buffer {
  const items = Array.from({ length: 11 }, (_, i) => ({
    sku: `sku-${n % 97}-${i}`,
    count: i + 1,
    price: (n % 500) / 100,
    note: 'as ordered before',
    gift: i % 2 === 0,
  }));
  return Buffer.from(
    JSON.stringify({
      id: n,
      customer: `c-${n % 997}`,
      total: (n % 5000) / 100,
      region: 'eu',
      address: { city: 'Berlin', zip: '10115' },
      items,
    }),
  );
}

type Run = (given: readonly Message[]) => readonly (readonly Message[])[];

async function runOf(yaml: string): Promise<Run> {
  const text = `routes: { bench: { source: generate, steps: ${yaml}, sink: print } }`;
  const { routes, problems } = await compileRoutes({ routes: { texts: [{ name: 'steps.yaml', text }] } });
  if (problems.length > 0 || !routes[0]) throw new Error(problems.map(({ message }) => message).join('\n'));
  const { share } = (await routes[0].plan()).pumps[0];
  if (typeof share !== 'function') throw new Error('these steps wait');
  const fail = (_: Message, error: Error): never => {
    throw error;
  };
  return (given) => share(given, { fail, drop: () => {}, tap: () => {} });
}

/** CPU microseconds of one message: made as a source makes it, through the steps, its body taken as a sink takes it. */
function costOf(run: Run, bodies: readonly Buffer[]): number {
  const before = process.cpuUsage();
  let bytes = 0;
  for (let at = 0; at < bodies.length; at += batch) {
    const given = bodies.slice(at, at + batch).map((one) => new Message({ body: one, headers: ownHeaders }));
    for (const out of run(given)) for (const message of out) bytes += message.body?.length ?? 0;
  }
  const { user, system } = process.cpuUsage(before);
  if (bytes === 0) throw new Error('nothing came out of these steps');
  return (user + system) / bodies.length;
}
