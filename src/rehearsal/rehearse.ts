/** One test: the compiled route, run by the engine between ends in memory, in virtual time. */
import type { RouteBooks } from '../engine/books.ts';
import { Engine } from '../engine/engine.ts';
import type { PumpPlan, RoutePlan, SinkPlan } from '../engine/plan.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { type CompiledRoute, compileRoute } from '../route/compile.ts';
import type { CompiledSink } from '../route/ends.ts';
import { provideCalls } from '../route/stores.ts';
import type { TestCase } from './cases.ts';
import type { Coverage } from './coverage.ts';
import type { Fault, Given } from './fields.ts';
import { givenMessage } from './messages.ts';
import { allNames } from './names.ts';
import { RehearsedSink, type Taken } from './sink.ts';
import { type Arrival, givenSource } from './source.ts';
import { around, silent } from './surroundings.ts';
import type { TestFile } from './test-file.ts';

/** What has become of the messages of a test. */
export interface Outcome {
  /** `stuck`: not all messages had come to their end in time. */
  readonly state: 'done' | 'stopped' | 'stuck';
  readonly reason: string | undefined;
  readonly books: RouteBooks;
  readonly sinks: readonly End[];
  readonly deadLetters: readonly End[];
  readonly taps: readonly End[];
  /** Of the test itself. */
  readonly troubles: readonly string[];
}

export interface End {
  readonly name: string;
  readonly model: CompiledSink['model'];
  readonly taken: readonly Taken[];
}

export async function rehearse(file: TestFile, test: TestCase, allowScripts: boolean, coverage: Coverage): Promise<Outcome> {
  const clock = new VirtualClock(test.startMs);
  const models = await file.load(clock);
  const model = models.find(({ name }) => name === test.routeName);
  if (!model) throw new Error(`route ${test.routeName} was there when the test was read`);
  const surroundings = around({ allowScripts, clock, watch: coverage.watch(test.routeName) });
  for (const other of models) if (other !== model) provideCalls(other, { ...surroundings, watch: undefined });
  const route = compileRoute(coverage.watched(model), surroundings);
  const sinks = rehearsedSinks(route, test, clock);
  const arrivals = arrivalsOf(test.given);
  const taps = route.taps.map(({ end, model: tap }) => new RehearsedSink(end.can, tap, [], clock, () => 0));
  const plan = async () => tapped(rehearsed(await route.plan(), arrivals, sinks, clock), taps);
  const engine = new Engine([{ name: route.name, plan }], silent, clock);
  await engine.start();
  const limitMs = (arrivals.at(-1)?.atMs ?? 0) + test.within;
  const hasEnded = await clock.time.run(() => engine.isOver || engine.isFinished, limitMs);
  return outcomeOf(engine, route, sinks, taps, hasEnded);
}

async function outcomeOf(
  engine: Engine,
  route: CompiledRoute,
  sinks: readonly RehearsedSink[],
  taps: readonly RehearsedSink[],
  hasEnded: boolean,
): Promise<Outcome> {
  const { state, reason, books, run } = engine.routes[0]!;
  const down = run?.links.filter((link) => link.error !== undefined).map((link) => `${link.end}: ${link.error}`) ?? [];
  await engine.stop(0, AbortSignal.abort());
  if (!books) throw new Error(`route ${route.name} did not start: ${reason}`);
  const end = ({ name, model }: CompiledSink, i: number): End => ({ name, model, taken: sinks[i]!.taken });
  return {
    state: state === 'failed' ? 'stopped' : hasEnded ? 'done' : 'stuck',
    reason: state === 'failed' || hasEnded ? reason : down.join('; '),
    books,
    sinks: route.sinks.map(end),
    deadLetters: route.deadLetters.map((one, i) => end(one, route.sinks.length + i)),
    taps: route.taps.map(({ name, model }, i) => ({ name, model, taken: taps[i]!.taken })),
    troubles: sinks.flatMap(({ troubles }) => troubles),
  };
}

/** The sinks and the dead-letter destinations, in one list. */
function rehearsedSinks({ sinks, deadLetters }: CompiledRoute, test: TestCase, clock: VirtualClock): RehearsedSink[] {
  const names = allNames(sinks, deadLetters);
  const faults = new Map<number, readonly Fault[]>(Object.entries(test.faults).map(([name, list]) => [names.get(name)![0]!, list]));
  let count = 0;
  return [...sinks, ...deadLetters].map(
    ({ end, model }, i) => new RehearsedSink(end.can, model, faults.get(i) ?? [], clock, () => count++),
  );
}

function arrivalsOf(given: readonly Given[]): Arrival[] {
  let atMs = 0;
  return given.flatMap((one) => {
    atMs += one.after;
    return Array.from({ length: one.repeat }, () => ({ message: givenMessage(one), atMs }));
  });
}

/** The plan with other ends: its steps, order, mapping, limits and remedies are those of production. */
function rehearsed(plan: RoutePlan, arrivals: readonly Arrival[], ends: readonly RehearsedSink[], clock: VirtualClock): RoutePlan {
  const rest = [...ends];
  const inPlace = (sink: SinkPlan): SinkPlan => ({ ...sink, end: rest.shift() as RehearsedSink });
  const pumps = plan.pumps.map((pump, i): PumpPlan => {
    const source = i === 0 ? givenSource(pump.source.can, arrivals, clock) : pump.source;
    return { ...pump, source, sinks: i === plan.pumps.length - 1 ? pump.sinks.map(inPlace) : pump.sinks };
  }) as [PumpPlan, ...PumpPlan[]];
  const letters = new Map(plan.deadLetters.map((sink) => [sink, inPlace(sink)]));
  return {
    ...plan,
    pumps,
    deadLetters: [...letters.values()],
    remedy: (failure) => {
      const { retry, way } = plan.remedy(failure);
      return { retry, way: typeof way === 'string' ? way : (letters.get(way) as SinkPlan) };
    },
  };
}

/** Best effort as ever, but at no broker. */
function tapped(plan: RoutePlan, ends: readonly RehearsedSink[]): RoutePlan {
  const taps = plan.taps?.map((tap, i) => ({ ...tap, sink: { ...tap.sink, end: ends[i] as RehearsedSink } }));
  return { ...plan, ...(taps && { taps }) };
}
