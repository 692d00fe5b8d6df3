import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Engine, RouteView } from '../engine/engine.ts';
import type { MemoryStats, RoutePlan, StorePlan, StoreStats } from '../engine/plan.ts';
import type { RouteRun } from '../engine/route-run.ts';
import type { LinkStatus } from '../engine/supervise.ts';

const outcomes = ['delivered', 'filtered', 'dropped', 'deadLettered', 'returned'] as const;

/**
 * The metrics of an engine, read from its books when they are asked for: nothing is counted twice, and nothing per message.
 * Names follow Prometheus: base units, `_total`, labels only from the config.
 */
export function metricsOf(engine: Engine, version: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  new Gauge({ name: 'mqferry_build_info', help: 'Version of mqferry and Node.', labelNames: ['version', 'node'], registers }).set(
    { version, node: process.version },
    1,
  );
  const now = () => performance.now();
  for (const { name, help, labels, read } of [...countersOf(), ...gaugesOf(now)]) {
    const isCounter = name.endsWith('_total');
    const labelNames = ['route', ...labels];
    const samples = (route: RouteView) => (route.run || name === 'mqferry_route_state' ? read(route) : []);
    if (isCounter) {
      new Counter({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          for (const route of engine.routes) for (const [own, value] of samples(route)) this.inc({ route: route.name, ...own }, value);
        },
      });
    } else
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          for (const route of engine.routes) for (const [own, value] of samples(route)) this.set({ route: route.name, ...own }, value);
        },
      });
  }
  return registry;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  read(route: RouteView): readonly (readonly [Record<string, string>, number])[];
}

/** A metric of the run of a route. */
function metric(
  name: string,
  help: string,
  labels: readonly string[],
  read: (run: RouteRun) => [Record<string, string>, number][],
): Metric {
  return { name, help, labels, read: (route) => (route.run ? read(route.run) : []) };
}

function countersOf(): Metric[] {
  return [
    metric('mqferry_messages_read_total', 'Deliveries read from the source.', [], (run) => [[{}, run.books.read]]),
    metric('mqferry_deliveries_total', 'Deliveries by how they ended; the same figures as the books.', ['outcome'], (run) =>
      outcomes.map((outcome) => [{ outcome }, run.books[outcome]]),
    ),
    metric('mqferry_messages_refused_total', 'Messages that a sink refused.', ['end'], (run) =>
      run.outboxes.map((box) => [{ end: box.status.end }, box.refused]),
    ),
    metric('mqferry_messages_retried_total', 'Messages written again after a refusal or a lost link.', ['end'], (run) =>
      run.outboxes.map((box) => [{ end: box.status.end }, box.retried]),
    ),
    metric('mqferry_messages_postponed_total', 'Messages that were kept to be tried again later, each time.', [], (run) => [
      [{}, run.books.postponed],
    ]),
    metric('mqferry_messages_quarantined_total', 'Messages that were not handled, as they seem to end the process.', [], (run) =>
      run.quarantine ? [[{}, run.quarantine.refused]] : [],
    ),
    metric('mqferry_step_copies_total', 'Messages that a step has taken for copies.', ['step'], (run) =>
      memorySample(run, (stats) => stats.copies),
    ),
    metric('mqferry_step_timeouts_total', 'Calls of a step that nobody has answered in time.', ['step'], (run) =>
      memorySample(run, (stats) => stats.timedOut),
    ),
    metric('mqferry_connection_failures_total', 'Times that a link was lost or could not be opened.', ['end'], (run) =>
      linksOf(run).map((link) => [{ end: link.end }, link.failures]),
    ),
    metric('mqferry_breaker_openings_total', 'Times that the breaker of a sink has opened.', ['end'], (run) =>
      breakersOf(run).map(([end, breaker]) => [{ end }, breaker.openings]),
    ),
    metric('mqferry_tap_messages_total', 'Copies that a tap has delivered, or dropped.', ['end', 'outcome'], (run) =>
      [...run.taps.values()].flatMap(({ status: { end }, copied, dropped }): [Record<string, string>, number][] => [
        [{ end, outcome: 'copied' }, copied],
        [{ end, outcome: 'dropped' }, dropped],
      ]),
    ),
  ];
}

function gaugesOf(now: () => number): Metric[] {
  return [
    {
      name: 'mqferry_route_state',
      help: '1 for the state the route is in.',
      labels: ['state'],
      read: (route) => [[{ state: route.state }, 1]],
    },
    metric('mqferry_connection_up', '1 while the link is open.', ['end'], (run) =>
      linksOf(run).map((link) => [{ end: link.end }, link.state === 'open' ? 1 : 0]),
    ),
    metric('mqferry_breaker_state', '1 for the state the breaker of a sink is in.', ['end', 'state'], (run) =>
      breakersOf(run).map(([end, breaker]) => [{ end, state: breaker.state }, 1]),
    ),
    metric('mqferry_tap_waiting_messages', 'Copies that the sink of a tap has not confirmed.', ['end'], (run) =>
      [...run.taps.values()].map((tap) => [{ end: tap.status.end }, tap.waiting]),
    ),
    metric('mqferry_inflight_messages', 'Read, and not yet ended.', [], (run) => [[{}, run.books.inFlight]]),
    metric('mqferry_window_used_messages', 'Messages that hold room in the window.', ['pump'], (run) =>
      run.pumps.map((pump, i) => [{ pump: pumpName(run, i) }, pump.window.messages]),
    ),
    metric('mqferry_window_limit_messages', 'The window.', [], (run) => [[{}, run.plan.window.messages]]),
    metric('mqferry_route_careful', '1 while it takes one message at a time, after an unclean stop.', [], (run) =>
      run.quarantine ? [[{}, run.quarantine.isCareful ? 1 : 0]] : [],
    ),
    metric('mqferry_oldest_unsettled_seconds', 'Age of the oldest delivery that has not been settled.', ['pump'], (run) =>
      run.pumps.map((pump, i) => [{ pump: pumpName(run, i) }, pump.oldestReadAt === undefined ? 0 : (now() - pump.oldestReadAt) / 1000]),
    ),
    metric('mqferry_buffer_messages', 'Messages in the buffer.', [], (run) => bufferSample(run, (stats) => stats.messages)),
    metric('mqferry_buffer_bytes', 'Bytes of the buffer.', [], (run) => bufferSample(run, (stats) => stats.bytes)),
    metric('mqferry_buffer_limit_bytes', 'Bytes at which the buffer is full.', [], (run) => bufferSample(run, (stats) => stats.limitBytes)),
    metric('mqferry_stage_messages', 'Messages that a stage keeps.', ['stage'], (run) => stageSample(run, (stats) => stats.messages)),
    metric('mqferry_stage_groups', 'Groups that are open in a stage.', ['stage'], (run) => stageSample(run, (stats) => stats.groups)),
    metric('mqferry_stage_bytes', 'Bytes of a stage.', ['stage'], (run) => stageSample(run, (stats) => stats.bytes)),
    metric('mqferry_stage_limit_bytes', 'Bytes at which a stage is full.', ['stage'], (run) =>
      stageSample(run, (stats) => stats.limitBytes),
    ),
    metric('mqferry_stage_oldest_seconds', 'Age of the oldest message in a stage.', ['stage'], (run) =>
      stageSample(run, (stats) => (stats.oldestMs ?? 0) / 1000),
    ),
    metric('mqferry_step_entries', 'What a step remembers, e.g. the keys of dedupe.', ['step'], (run) =>
      memorySample(run, (stats) => stats.entries),
    ),
    metric('mqferry_step_bytes', 'Bytes on disk of what a step remembers.', ['step'], (run) => memorySample(run, (stats) => stats.bytes)),
    metric('mqferry_step_oldest_seconds', 'Age of the oldest of what a step keeps, e.g. of the bodies of claimCheck.', ['step'], (run) =>
      memorySample(run, ({ oldestMs }) => (oldestMs === undefined ? undefined : oldestMs / 1000)),
    ),
    metric('mqferry_dead_letters', 'Dead letters that wait on disk.', [], (run) => deadSample(run, (stats) => stats.messages)),
    metric('mqferry_dead_letters_bytes', 'Bytes of the dead letters on disk.', [], (run) => deadSample(run, (stats) => stats.bytes)),
  ];
}

function linksOf(run: RouteRun): readonly LinkStatus[] {
  return [...run.links, ...[...run.taps.values()].map((tap) => tap.status)];
}

function breakersOf(run: RouteRun): readonly [end: string, breaker: NonNullable<LinkStatus['breaker']>][] {
  return linksOf(run).flatMap(({ end, breaker }): [string, NonNullable<LinkStatus['breaker']>][] => (breaker ? [[end, breaker]] : []));
}

function pumpName({ plan }: RouteRun, index: number): string {
  return plan.stores?.[index - 1]?.name ?? 'source';
}

function deadSample(run: RouteRun, pick: (stats: { messages: number; bytes: number }) => number): [Record<string, string>, number][] {
  const stats = run.plan.deadStore?.stats();
  return stats ? [[{}, pick(stats)]] : [];
}

type Samples = [Record<string, string>, number][];

function bufferSample({ plan }: RouteRun, pick: (stats: StoreStats) => number): Samples {
  return storesOf(plan, 'buffer').map((buffer) => [{}, pick(buffer.stats())]);
}

function stageSample({ plan }: RouteRun, pick: (stats: StoreStats) => number | undefined): Samples {
  return storesOf(plan, 'stage').flatMap((stage): Samples => {
    const value = pick(stage.stats());
    return value === undefined ? [] : [[{ stage: stage.name }, value]];
  });
}

function memorySample({ plan: { memories = [] } }: RouteRun, pick: (stats: MemoryStats) => number | undefined): Samples {
  return memories.flatMap((memory): Samples => {
    const value = pick(memory.stats());
    return value === undefined ? [] : [[{ step: memory.name }, value]];
  });
}

/** Those between the pumps, and those beside them. */
export function storesOf({ pumps, stores = [] }: RoutePlan, kind: StorePlan['kind']): readonly StorePlan[] {
  return [...stores, ...pumps.flatMap(({ later }) => later ?? [])].filter((store) => store.kind === kind);
}
