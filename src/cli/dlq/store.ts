/** The letters of a place as the source of a replay or a purge. */
import { existsSync } from 'node:fs';
import type { DataDirectory } from '../../buffer/data-directory.ts';
import { dumpBuffer } from '../../buffer/inspect.ts';
import { bufferDirectory } from '../../buffer/owners.ts';
import type { DurableQueue } from '../../buffer/queue.ts';
import { inbound } from '../../envelope.ts';
import { MqferryError } from '../../errors.ts';
import type { Message } from '../../message.ts';
import type { LetterStore } from '../../route/letter-source.ts';
import type { Selection } from '../../route/selection.ts';
import { dataFiles } from '../data-keys.ts';
import { Leave } from '../exit-codes.ts';
import { type BrokerPlace, type LogPlace, type Reading, sourceOf } from './places.ts';

/** What a log holds of chosen letters: the first of all, and behind the last chosen one. */
export interface Scan {
  readonly start: number;
  readonly end: number;
  readonly chosen: number;
}

/** Looks through a log, which must be in nobody's hands, for the first `limit` letters that are chosen. */
export async function scan(dataDir: string, { owner }: LogPlace, selection: Selection, limit: number): Promise<Scan> {
  const directory = bufferDirectory(dataDir, owner);
  let [start, end, chosen] = [0, 0, 0];
  if (!existsSync(directory)) return { start, end, chosen };
  for await (const { sequence, message } of dumpBuffer(directory, dataFiles())) {
    if (start === 0) start = sequence;
    if (selection.judge(message)) continue;
    end = sequence + 1;
    if (++chosen >= limit) break;
  }
  return { start, end, chosen };
}

export function logStore(data: DataDirectory, place: LogPlace, route: string, { start, end }: Scan): LetterStore {
  const { far, near } = queueOf(data, place, route);
  return { unacked: 'rewritten', far, near, start, end };
}

/**
 * Lets the log hold more than its config says, whoever has said it: letters that are written behind the others make room only as those go.
 * Call it when all that name the log have been made.
 */
export function giveRoom(data: DataDirectory, place: LogPlace, route: string): void {
  queueOf(data, place, route).limit({ maxBytes: 2 ** 50, maxMessages: 2 ** 50 });
}

function queueOf(data: DataDirectory, { queue }: LogPlace, route: string): DurableQueue {
  return queue === undefined ? data.deadLetters(route, {}) : data.queue(queue, {});
}

export function brokerStore(place: BrokerPlace, reading: Reading): LetterStore {
  return { unacked: place.back.unacked, far: sourceOf(place, reading), open: trusted };
}

export const trusted = inbound(true);
export const asItIs = (letter: Message): Message => letter;

/** Owns the data directory. Leaves with 75 and what to do. */
export async function ownOrLeave(data: DataDirectory): Promise<void> {
  try {
    await data.own();
  } catch (error) {
    if (!(error instanceof MqferryError) || error.code !== 'DATA_LOCKED') throw error;
    const remedy = 'stop that mqferry, run this again, then start it; `dlq ls`, `show`, `export` and `replay --dry-run` work meanwhile';
    throw new Leave('locked', `the data directory ${data.path} is in use by another mqferry: ${remedy}`);
  }
}
