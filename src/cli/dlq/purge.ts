import { createInterface } from 'node:readline/promises';
import { DataDirectory } from '../../buffer/data-directory.ts';
import { dropBuffer } from '../../buffer/instance.ts';
import type { Log } from '../../connector.ts';
import type { CompiledRoute } from '../../index.ts';
import { type LetterStore, lettersOf } from '../../route/letter-source.ts';
import { Selection } from '../../route/selection.ts';
import { dataFiles } from '../data-keys.ts';
import { Leave } from '../exit-codes.ts';
import { say } from '../say.ts';
import { linkTimeoutMs, unreachable } from './letters.ts';
import { contextOf, type OpenPlace } from './places.ts';
import { choiceOf, type ReplayOptions } from './replay.ts';
import { brokerStore, giveRoom, logStore, ownOrLeave, scan } from './store.ts';

export interface PurgeOptions extends Pick<ReplayOptions, 'dataDir' | 'when' | 'idleMs'> {
  /** Do not ask. */
  readonly yes: boolean;
}

/** Deletes letters, once somebody has said yes to their number. */
export async function purge(route: CompiledRoute, place: OpenPlace, options: PurgeOptions): Promise<void> {
  const selection = new Selection(choiceOf(route, place, { when: options.when, maxReplays: Number.POSITIVE_INFINITY }));
  const gone = place.kind === 'broker' ? await ofBroker(route, place, selection, options) : await ofLog(route, place, selection, options);
  await say(`deleted ${letters(gone)} of route ${route.name} (${place.name})\n`);
}

type PlaceOf<K> = Extract<OpenPlace, { kind: K }>;

async function ofLog(route: CompiledRoute, place: PlaceOf<'log'>, selection: Selection, options: PurgeOptions): Promise<number> {
  const data = new DataDirectory(options.dataDir, silent, dataFiles());
  await ownOrLeave(data);
  try {
    const found = await scan(data.path, place, selection, Number.POSITIVE_INFINITY);
    if (found.chosen === 0) return 0;
    await ask(letters(found.chosen), route, place, options);
    if (place.queue === undefined && selection.refused.size === 0) return (await dropBuffer(data.path, place.owner)).messages;
    giveRoom(data, place, route.name);
    return await takeAway(logStore(data, place, route.name, found), selection, options.idleMs);
  } finally {
    await data.release();
  }
}

async function ofBroker(route: CompiledRoute, place: PlaceOf<'broker'>, selection: Selection, options: PurgeOptions): Promise<number> {
  const reading = { route: route.name, window: route.model.window, log: silent, signal: AbortSignal.timeout(linkTimeoutMs) };
  const count = await place.back.count?.(contextOf(reading)).catch(unreachable);
  if (count === 0) return 0;
  const most = count === undefined ? 'an unknown number of dead letters' : `at most ${letters(count)}`;
  await ask(most, route, place, options);
  return takeAway(brokerStore(place, { ...reading, signal: never }), selection, options.idleMs);
}

/** Acks what is chosen and sends it nowhere. */
async function takeAway(store: LetterStore, selection: Selection, idleMs: number): Promise<number> {
  const end = lettersOf(store, selection, { limit: Number.POSITIVE_INFINITY, everyMs: 0 });
  const source = await end.open(AbortSignal.timeout(linkTimeoutMs)).catch(unreachable);
  let count = 0;
  try {
    for (;;) {
      const idle = store.unacked === 'rewritten' ? never : AbortSignal.timeout(idleMs); // a log ends by itself, however slow its disk
      const batch = await source.read({ messages: 250, bytes: 16 * 1024 * 1024 }, idle);
      if (!batch && store.unacked === 'marked' && source.isCaughtUp === false) continue;
      if (!batch) return count;
      count += batch.messages.length;
      batch.ack();
    }
  } finally {
    await source.close();
  }
}

async function ask(what: string, route: CompiledRoute, place: OpenPlace, { yes, when }: PurgeOptions): Promise<void> {
  if (yes) return;
  const which = when ? ' for which --when is true' : '';
  const question = `Delete ${what} of route ${route.name} (${place.name})${which}, for good?`;
  if (!process.stdin.isTTY) throw new Leave('usage', `${question} Say so by --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `).finally(() => terminal.close());
  if (!/^y(es)?$/i.test(answer.trim())) throw new Leave('failed', 'nothing was deleted');
}

const letters = (count: number): string => `${count} dead ${count === 1 ? 'letter' : 'letters'}`;
const never = new AbortController().signal;
const silent: Log = { error() {}, warn() {}, info() {}, debug() {} };
