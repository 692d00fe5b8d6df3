import { MemoryClaims } from '../buffer/claims/memory-claims.ts';
import { MemoryKeys } from '../buffer/keys/memory-keys.ts';
import { queueName } from '../buffer/owners.ts';
import { DurableQueue } from '../buffer/queue.ts';
import { memoryStage } from '../buffer/stage/memory.ts';
import type { Log } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import { CallLines } from '../route/calls.ts';
import type { Surroundings } from '../route/surroundings.ts';
import { Tables } from '../table.ts';
import { rehearsedBuffer } from './buffer.ts';

export const silent: Log = { error() {}, warn() {}, info() {}, debug() {} };
const cannotRun = () => Promise.reject(new MqferryError('INTERNAL', 'a queue on disk is not used in a test'));

/** What a route needs of its process, without a process: nothing of it touches a disk or a network. */
export function around(more: Pick<Surroundings, 'allowScripts' | 'clock' | 'watch'>): Surroundings {
  const tables = new Tables();
  const lines = new CallLines();
  const claims = new Map<string, MemoryClaims>();
  return {
    log: () => silent,
    clientId: (route, end) => `${route}-${end}`,
    openBuffer: async (_route, model) => rehearsedBuffer(model),
    openStage: async (_route, stage, keeper, options) => memoryStage(stage, keeper, options, more.clock),
    claims: async (store) => {
      const known = claims.get(store) ?? new MemoryClaims();
      claims.set(store, known);
      return known;
    },
    calls: (name) => lines.of(name),
    openKeys: async (_route, _step, limits) => new MemoryKeys(limits, more.clock),
    queue: (name) => new DurableQueue(queueName(name), cannotRun),
    deadLetters: (route) => new DurableQueue(route, cannotRun),
    table: (name) => tables.table(name),
    signal: new AbortController().signal,
    ...more,
  };
}
