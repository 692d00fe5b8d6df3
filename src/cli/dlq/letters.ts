/** Looking at dead letters: nothing is taken away, no lock is needed. */
import { existsSync } from 'node:fs';
import { dumpBuffer } from '../../buffer/inspect.ts';
import { bufferDirectory } from '../../buffer/owners.ts';
import type { Log } from '../../connector.ts';
import { inbound } from '../../envelope.ts';
import { describeError, MqferryError } from '../../errors.ts';
import type { Message } from '../../message.ts';
import { dataFiles } from '../data-keys.ts';
import { Leave } from '../exit-codes.ts';
import { type BrokerPlace, type OpenPlace, sourceOf } from './places.ts';

export interface Letter {
  /** Where it stands: its sequence in a log, else counted from 1. */
  readonly number: number;
  /** As it was before it was sent to where it lies. */
  readonly message: Message;
}

export interface Looking {
  readonly route: string;
  readonly dataDir: string;
  /** Letters that are looked at, at most. */
  readonly most: number;
  /** How long nothing must come from a broker until it is taken for all. */
  readonly idleMs: number;
}

/** The most that a broker is asked to hand out at once, and leave with us: AMQP has no greater number. */
export const mostUnacked = 65_535;

const trusted = inbound(true);
const silent: Log = { error() {}, warn() {}, info() {}, debug() {} };
const never = new AbortController().signal;

/** The letters, oldest first. Leaves when the broker cannot be reached. */
export async function* lettersAt(place: OpenPlace, looking: Looking): AsyncGenerator<Letter> {
  if (place.kind === 'broker') yield* ofBroker(place, looking);
  else yield* ofLog(place.owner, looking);
}

async function* ofLog(owner: string, { dataDir, most }: Looking): AsyncGenerator<Letter> {
  const directory = bufferDirectory(dataDir, owner);
  if (!existsSync(directory)) return;
  let count = 0;
  for await (const { sequence, message } of dumpBuffer(directory, dataFiles())) {
    if (count++ >= most) return;
    yield { number: sequence, message };
  }
}

async function* ofBroker(place: BrokerPlace, { route, most, idleMs }: Looking): AsyncGenerator<Letter> {
  const window = { messages: Math.min(most, mostUnacked), bytes: 16 * 1024 * 1024 };
  const end = sourceOf(place, { route, window, log: silent, signal: never });
  const source = await end.open(AbortSignal.timeout(linkTimeoutMs)).catch(unreachable);
  try {
    for (let count = 0; count < most; ) {
      const batch = await source.read({ messages: most - count, bytes: window.bytes }, AbortSignal.timeout(idleMs));
      if (!batch && source.isCaughtUp === false) continue;
      if (!batch) return;
      for (const message of batch.messages) yield { number: ++count, message: trusted(message) };
    }
  } finally {
    await source.close();
  }
}

/** For one look at a broker. */
export const linkTimeoutMs = 30_000;

export function unreachable(error: unknown): never {
  if (error instanceof MqferryError && ['NOT_CONNECTED', 'TIMEOUT'].includes(error.code)) throw new Leave('linkDown', describeError(error));
  throw error;
}
