import { randomUUID } from 'node:crypto';
import { DataDirectory } from '../../buffer/data-directory.ts';
import { clientId } from '../../buffer/instance.ts';
import { MemoryKeys } from '../../buffer/keys/memory-keys.ts';
import { systemClock } from '../../clock.ts';
import type { Log } from '../../connector.ts';
import { Engine } from '../../engine/engine.ts';
import type { CompiledRoute } from '../../index.ts';
import type { Message } from '../../message.ts';
import { CallLines } from '../../route/calls.ts';
import { type LetterStore, lettersOf } from '../../route/letter-source.ts';
import { compileReplay, type Replay } from '../../route/replay.ts';
import { sectionsOf, stagesOf } from '../../route/sections.ts';
import { Selection } from '../../route/selection.ts';
import type { Surroundings } from '../../route/surroundings.ts';
import { stepKinds } from '../../steps/index.ts';
import { Tables } from '../../table.ts';
import { dataFiles } from '../data-keys.ts';
import { Leave } from '../exit-codes.ts';
import { type LogLevel, openLog } from '../log.ts';
import { Signals, surviveStrays, toTheEnd } from '../run.ts';
import { summary } from '../summary.ts';
import { fileSource } from './json-lines.ts';
import type { OpenPlace } from './places.ts';
import { asItIs, brokerStore, giveRoom, logStore, ownOrLeave, scan, trusted } from './store.ts';

export interface ReplayOptions {
  readonly dataDir: string;
  readonly when?: ((letter: Message) => unknown) | undefined;
  readonly maxReplays: number;
  readonly limit: number;
  readonly everyMs: number;
  /** A broker that gives nothing for so long has given all. */
  readonly idleMs: number;
  readonly connectTimeout: number;
  readonly drain: number;
  readonly logLevel: LogLevel;
  readonly allowScripts: boolean;
}

/** A place in the config, or a file that `export` has written. */
export type From = OpenPlace | { readonly kind: 'file'; readonly path: string };

/** Sends letters again through their route. Leaves by exit code; returns when each that was chosen has arrived. */
export async function replay(route: CompiledRoute, from: From, options: ReplayOptions): Promise<void> {
  refuseMemory(route);
  refuseCalls(route);
  const log = await openLog(options.logLevel, process.stderr.isTTY ? 'pretty' : 'json');
  surviveStrays(log);
  const signals = new Signals();
  const data = new DataDirectory(options.dataDir, log, dataFiles());
  const stopping = new AbortController();
  const around = surroundings(data, log, stopping.signal, options.allowScripts);
  try {
    const { replay: plan, kept } = await replayOf(route, from, { data, around, options });
    if (!plan) return void process.stderr.write(`nothing of route ${route.name} to replay${keptText(kept)}\n`);
    const handle = compileReplay(route.model, plan, around);
    if (from.kind === 'log') giveRoom(data, from, route.name);
    if (data.isNeeded) await ownOrLeave(data);
    const engine = new Engine([handle], log);
    const stop = (deadlineMs: number, now?: AbortSignal) => engine.stop(deadlineMs, now).finally(() => stopping.abort());
    const { connectTimeout, drain, idleMs } = options;
    const told = async () => `${summary(engine)}${keptText(kept)}${limitText(route, from, kept)}`;
    await toTheEnd({ engine, start: () => engine.start(), stop }, signals, { untilIdle: idleMs, connectTimeout, drain }, told);
  } finally {
    stopping.abort();
    await data.release();
  }
}

/** What the letters of a place are asked. A log of the route alone holds nothing else; a file is what the user says it is. */
export function choiceOf(route: CompiledRoute, from: From, { when, maxReplays }: Pick<ReplayOptions, 'when' | 'maxReplays'>) {
  const isShared = from.kind === 'broker' || (from.kind === 'log' && from.queue !== undefined);
  const behind = stagesOf(route.model).at(-1)?.name;
  return { when, maxReplays, behind, ...(isShared && { route: route.name, before: new Date().toISOString() }) };
}

interface Around {
  readonly data: DataDirectory;
  readonly around: Surroundings;
  readonly options: ReplayOptions;
}

interface Ready {
  /** Undefined when nothing is chosen. */
  readonly replay?: Replay;
  /** Which letters were not chosen, at the end. */
  readonly kept: Selection;
}

async function replayOf(route: CompiledRoute, from: From, { data, around, options }: Around): Promise<Ready> {
  const selection = new Selection(choiceOf(route, from, options));
  const pace = { limit: options.limit, everyMs: options.everyMs };
  if (from.kind === 'file') {
    const store: LetterStore = { unacked: 'returned', far: fileSource(from.path), open: asItIs };
    return { replay: { source: lettersOf(store, selection, pace), open: asItIs, hops: 0 }, kept: selection };
  }
  if (from.kind === 'broker') {
    const { window } = route.model;
    const reading = { route: route.name, window, log: around.log(route.name), signal: around.signal };
    return { replay: { source: lettersOf(brokerStore(from, reading), selection, pace), open: trusted, hops: 1 }, kept: selection };
  }
  await ownOrLeave(data);
  const kept = new Selection(choiceOf(route, from, options)); // sees all of the log, the other one only what is moved
  const found = await scan(data.path, from, kept, options.limit);
  if (found.chosen === 0) return { kept };
  const source = lettersOf(logStore(data, from, route.name, found), selection, pace);
  return { replay: { source, open: asItIs, hops: from.queue === undefined ? 0 : 1 }, kept };
}

function surroundings(data: DataDirectory, log: Log, signal: AbortSignal, allowScripts: boolean): Surroundings {
  const process = randomUUID();
  const tables = new Tables();
  return {
    log: () => log,
    // Never those of the running route, whose sessions would end.
    clientId: (route, end) => clientId(process, route, end),
    openBuffer: () => Promise.reject(new Error('a replay goes past the buffer')),
    openStage: () => Promise.reject(new Error('a replay goes past the stages')),
    claims: (store) => data.claims(store),
    calls: (name) => new CallLines().of(name), // none: see refuseCalls
    // Copies among what is replayed are found; those of the running route are its own.
    openKeys: async (_route, _step, limits) => new MemoryKeys(limits, systemClock),
    queue: (name, limits) => data.queue(name, limits),
    deadLetters: (route, limits) => data.deadLetters(route, limits),
    table: (name) => tables.table(name),
    signal,
    clock: systemClock,
    allowScripts,
  };
}

/** Queues in memory are those of another process: in this one they would be gone with what is in them. */
function refuseMemory({ name, sinks }: CompiledRoute): void {
  if (!sinks.some(({ model }) => model.connector.name === 'local' && model.config['store'] !== 'disk')) return;
  throw new Leave(
    'usage',
    `route ${name} writes to a queue in the memory of the process that runs it, which a replay cannot reach: write \`store: disk\``,
  );
}

/** Who asked has long been told that nobody answered, and would not know what to do with an answer. */
function refuseCalls({ name, model }: CompiledRoute): void {
  const replayed = stagesOf(model).length > 0 ? (sectionsOf(model).at(-1)?.steps ?? []) : model.steps;
  const step = replayed.find((one) => stepKinds[one.name]?.calls?.(one.value)?.role === 'asks');
  if (step) throw new Leave('usage', `route ${name} makes calls (\`${step.name}\`), and who asked waits no longer: they must ask again`);
}

/** Begins with a line break; empty when all were chosen. */
export function keptText(selection: Selection): string {
  const reasons = [...selection.refused].map(([why, count]) => `\n  ${count} ${why}`);
  return reasons.length === 0 ? '' : `\nletters that stay where they are:${reasons.join('')}`;
}

/** What a broker keeps from us while we hold letters that we have not chosen. */
function limitText({ model }: CompiledRoute, from: From, selection: Selection): string {
  const kept = [...selection.refused.values()].reduce((sum, count) => sum + count, 0);
  if (from.kind !== 'broker' || kept === 0) return '';
  if (from.back.unacked === 'marked') return '\n  what was replayed behind them comes again at the next replay';
  if (kept < model.window.messages) return '';
  return `\n  they fill the window of the route (${model.window.messages}): what is behind them was not looked at; write a greater \`window\`, or replay without --when`;
}
