/** A → B → A over real brokers: two routes of mqferry, the second of which trusts the first; what comes back is compared with what was read. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  type AnyConnector,
  type Carries,
  defineConnector,
  type Header,
  type Message,
  propertyNames,
  type Source,
  type SourceEnd,
} from '../../src/connector.ts';
import { createEngine } from '../../src/index.ts';
import { until } from '../brokers/broker.ts';
import { differences } from './compare.ts';
import { type Family, messages } from './messages.ts';
import { type Site, sinkAt, sourceAt } from './sites.ts';

export interface Result {
  readonly from: string;
  readonly to: string;
  readonly sent: number;
  readonly arrived: number;
  /** Messages that came back otherwise, beyond what is declared. */
  readonly different: number;
  /** Went to the dead letter on either way. */
  readonly refused: number;
  /** How many messages met each declared difference. */
  readonly declared: Readonly<Record<string, number>>;
  /** The first few sentences of what was wrong. */
  readonly examples: readonly string[];
  readonly seconds: number;
}

export interface Options {
  readonly count: number;
  readonly seed: number;
}

/** All came back, and as they were. */
export function isWhole({ sent, arrived, refused, different }: Result): boolean {
  return arrived === sent && refused === 0 && different === 0;
}

const publishedAtOnce = 500;
const examplesMax = 8;
let pairs = 0;

export async function play(a: Site, b: Site, { count, seed }: Options): Promise<Result> {
  const started = performance.now();
  const id = `rt${process.pid}x${pairs++}`;
  const places = { from: `${id}-from`, mid: `${id}-mid`, to: `${id}-to` };
  await a.prepare(places.from);
  await b.prepare(places.mid);
  await a.prepare(places.to);
  const seen: Seen = { read: [], dead: [], back: [] };
  const dir = mkdtempSync(join(tmpdir(), 'mqferry-roundtrip-'));
  const home = await sourceAt(a, places.to).open(new AbortController().signal);
  const ferry = await createEngine({
    routes: { texts: [{ name: 'roundtrip.yaml', text: configOf(a, b, places) }] },
    connectors: { tapped: tapped(a.connector, seen.read), collect: collect(seen.dead) },
    dataDir: dir,
  });
  try {
    await ferry.start();
    await until('both routes are open', () => ferry.engine.isIdle, 60_000);
    await publish(a, places.from, generate(a, { count, seed }));
    await drain(home, count, seen);
    const verdict = judge(seen, a, b, performance.now() - started + 5000);
    return { from: a.name, to: b.name, sent: count, ...verdict, seconds: (performance.now() - started) / 1000 };
  } finally {
    await ferry.stop(5000);
    await home.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Seen {
  /** What the first route has read. */
  readonly read: Message[];
  /** What either has set aside. */
  readonly dead: Message[];
  readonly back: Message[];
}

/** The same ones for the same seed. A number tells them apart, where there are headers for it. */
function generate({ family, sink }: Site, { count, seed }: Options): Message[] {
  return fc.sample(messages(family, sink), { numRuns: count, seed }).map((message, n) => numbered(message, n, family));
}

const numberName = 'x-n';

function numbered(message: Message, n: number, family: Family): Message {
  if (family === 'mqtt3') return message;
  const number: Header = [numberName, family === 'kafka' ? Buffer.from(String(n)) : String(n)];
  return message.change({ headers: [number, ...message.headers.filter(([name]) => name !== numberName)] }).asReceived();
}

async function publish(site: Site, place: string, all: readonly Message[]): Promise<void> {
  const sink = await sinkAt(site, place).open(new AbortController().signal);
  for (let at = 0; at < all.length; at += publishedAtOnce) {
    const refusals = await sink.write(all.slice(at, at + publishedAtOnce));
    // A generator that makes what its own broker refuses proves nothing.
    if (refusals[0]) throw new Error(`${site.name} does not take a message that was made for it: ${refusals[0].error.message}`);
  }
  await sink.close();
}

const quietMs = 30_000;

/** Until all have come that will, or nothing more comes. */
async function drain(source: Source, count: number, { back, dead }: Seen): Promise<void> {
  while (back.length < count - dead.length) {
    const batch = await source.read({ messages: 1000, bytes: 64 * 1024 * 1024 }, AbortSignal.timeout(quietMs));
    if (batch === null) return;
    back.push(...batch.messages);
    batch.ack();
  }
}

function configOf(a: Site, b: Site, { from, mid, to }: { from: string; mid: string; to: string }): string {
  // What has neither headers nor properties carries the whole message in its body.
  const isBare = b.sink.headers === 'none' && a.sink.headers !== 'none';
  const onError = { deadLetter: { collect: {} } };
  return JSON.stringify({
    connections: { tap: { tapped: a.connection }, a: { [a.connector.name]: a.connection }, b: { [b.connector.name]: b.connection } },
    routes: {
      there: {
        source: { tapped: { connection: 'tap', ...a.sourceOf(from) } },
        ...(isBare && { steps: ['envelope'] }),
        sink: { [b.connector.name]: { connection: 'b', ...b.sinkOf(mid) } },
        onError,
      },
      back: {
        source: { [b.connector.name]: { connection: 'b', ...b.sourceOf(mid), trusted: true } },
        ...(isBare && { steps: ['unwrap'] }),
        sink: { [a.connector.name]: { connection: 'a', ...a.sinkOf(to) } },
        onError,
      },
    },
  });
}

/** The connector, with a copy of all that its source reads. */
function tapped(connector: AnyConnector, read: Message[]): AnyConnector {
  const { source } = connector;
  if (!source) throw new Error(`${connector.name} has no source`);
  return {
    ...connector,
    name: 'tapped',
    source: {
      ...source,
      create(config: never, context: never): SourceEnd {
        const end = source.create(config, context);
        return {
          can: end.can,
          async open(signal) {
            const link = await end.open(signal);
            const own = link.read.bind(link);
            link.read = async (room, aborted) => {
              const batch = await own(room, aborted);
              if (batch) read.push(...batch.messages);
              return batch;
            };
            return link;
          },
        };
      },
    },
  };
}

const everything: Carries = { headers: 'typed', repeats: true, key: true, properties: propertyNames, maxBytes: Number.POSITIVE_INFINITY };

function collect(into: Message[]): AnyConnector {
  return defineConnector({
    name: 'collect',
    summary: 'Keeps what it is given.',
    sink: {
      fields: {},
      create: () => ({
        can: {
          keepsOrder: 'lane',
          writes: 'many',
          maxWrite: { messages: 1000, bytes: 1e9 },
          confirms: 'stored',
          routed: true,
          carries: everything,
        },
        open: async () => ({
          async write(given) {
            into.push(...given);
            return [];
          },
          close: async () => {},
        }),
      }),
    },
  });
}

type Verdict = Pick<Result, 'arrived' | 'refused' | 'different' | 'declared' | 'examples'>;

function judge({ read, dead, back }: Seen, a: Site, b: Site, slackMs: number): Verdict {
  const examples = dead.map((letter) => `${String(letter.header(numberName))}: refused: ${String(letter.header('mqf-error-message'))}`);
  const declared: Record<string, number> = {};
  let different = 0;
  const wanted = new Map(read.map((message, i) => [numberOf(message, i), message]));
  for (const [i, got] of back.entries()) {
    const number = numberOf(got, i);
    const want = wanted.get(number);
    wanted.delete(number);
    const found = want === undefined ? { wrong: ['it was not sent, or came before'], declared: [] } : differences(want, got, a, b, slackMs);
    for (const name of found.declared) declared[name] = (declared[name] ?? 0) + 1;
    if (found.wrong.length === 0) continue;
    different++;
    examples.push(`${number}: ${found.wrong.join('; ')}`);
  }
  return { arrived: back.length, refused: dead.length, different, declared, examples: examples.slice(0, examplesMax) };
}

/** By its header, else by its place. */
function numberOf(message: Message, place: number): string {
  const number = message.header(numberName);
  return number === undefined ? `#${place}` : String(number);
}
