/**
 * What mqferry remembers of itself between runs, in the data directory:
 *
 *   instance.json            an id; the names of sessions at brokers are made of it
 *   lock                     see lock.ts
 *   routes/<route>/state.json, routes/<route>/buffer/
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { MqferryError } from '../errors.ts';
import { readJson, replaceJson } from './durable-file.ts';
import { codeOf, realFiles } from './fs.ts';
import { type BufferSize, sizeOfBuffer } from './inspect.ts';

interface Instance {
  readonly id: string;
}

export interface RouteState {
  /** By end: `source`, `sink` ... Made at the first start and kept, whatever the instance's id becomes. */
  readonly clientIds: Readonly<Record<string, string>>;
}

export const bufferDirectory = (dataDir: string, route: string): string => `${dataDir}/routes/${route}/buffer`;
const statePath = (dataDir: string, route: string): string => `${dataDir}/routes/${route}/state.json`;

/** The id of this data directory, made and stored the first time. */
export function instanceId(dataDir: string): string {
  const path = `${dataDir}/instance.json`;
  const known = readJson<Instance>(path);
  if (known) return known.id;
  const made: Instance = { id: randomBytes(8).toString('hex') };
  replaceJson(path, made);
  return made.id;
}

/** A name that every broker takes, MQTT 3.1.1 too: 23 letters and digits, the same for the same three. */
export function clientId(instance: string, route: string, end: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([instance, route, end]))
    .digest('hex');
  return `mqf${digest.slice(0, 20)}`;
}

/** The stored client id of an end, made and stored the first time. */
export function storedClientId(dataDir: string, route: string, end: string): string {
  const state = routeState(dataDir, route);
  const known = state.clientIds[end];
  if (known !== undefined) return known;
  const made = clientId(instanceId(dataDir), route, end);
  replaceJson(statePath(dataDir, route), { ...state, clientIds: { ...state.clientIds, [end]: made } });
  return made;
}

export function routeState(dataDir: string, route: string): RouteState {
  return readJson<RouteState>(statePath(dataDir, route)) ?? { clientIds: {} };
}

/** The routes that the data directory knows; none when there is no such directory. */
export function knownRoutes(dataDir: string): readonly string[] {
  try {
    return readdirSync(`${dataDir}/routes`).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

export interface KnownBuffer extends BufferSize {
  readonly route: string;
  readonly directory: string;
}

/** All buffers of a data directory and what they hold. Changes nothing. */
export async function listBuffers(dataDir: string): Promise<readonly KnownBuffer[]> {
  const buffers: KnownBuffer[] = [];
  for (const route of knownRoutes(dataDir)) {
    const directory = bufferDirectory(dataDir, route);
    if (existsSync(directory)) buffers.push({ route, directory, ...(await sizeOfBuffer(directory)) });
  }
  return buffers;
}

/** The buffers that hold messages but belong to none of these routes. */
export async function orphanedBuffers(dataDir: string, routes: readonly string[]): Promise<readonly KnownBuffer[]> {
  const buffers = await listBuffers(dataDir);
  return buffers.filter(({ route, messages }) => messages > 0 && !routes.includes(route));
}

/** The buffer of `from` becomes that of `to`, which must have none, or an empty one. Hold the lock. Throws CONFIG_INVALID. */
export async function adoptBuffer(dataDir: string, from: string, to: string): Promise<BufferSize> {
  const source = existing(dataDir, from);
  const target = bufferDirectory(dataDir, to);
  if (existsSync(target)) {
    const { messages } = await sizeOfBuffer(target);
    if (messages > 0)
      throw new MqferryError('CONFIG_INVALID', `the buffer of route ${to} holds ${messages} messages itself; let it drain first`);
    rmSync(target, { recursive: true });
  }
  await realFiles.makeDirectory(`${dataDir}/routes/${to}`);
  renameSync(source, target);
  await realFiles.syncDirectory(`${dataDir}/routes/${to}`);
  await realFiles.syncDirectory(`${dataDir}/routes/${from}`);
  return sizeOfBuffer(target);
}

/** Removes a buffer and what it holds; returns what that was. Hold the lock. Throws CONFIG_INVALID. */
export async function dropBuffer(dataDir: string, route: string): Promise<BufferSize> {
  const directory = existing(dataDir, route);
  const size = await sizeOfBuffer(directory);
  rmSync(directory, { recursive: true });
  await realFiles.syncDirectory(`${dataDir}/routes/${route}`);
  return size;
}

function existing(dataDir: string, route: string): string {
  const directory = bufferDirectory(dataDir, route);
  if (existsSync(directory)) return directory;
  const known = knownRoutes(dataDir).filter((name) => existsSync(bufferDirectory(dataDir, name)));
  throw new MqferryError(
    'CONFIG_INVALID',
    `there is no buffer of a route ${route} in ${dataDir}; there is ${known.join(', ') || 'none at all'}`,
  );
}
