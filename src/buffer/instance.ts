/**
 * What mqferry remembers of itself between runs, in the data directory:
 *
 *   instance.json            an id; the names of sessions at brokers are made of it
 *   lock                     see lock.ts
 *   routes/<route>/state.json, routes/<route>/buffer/
 *   routes/<route>/dead/     its dead letters, laid out as a buffer
 *   routes/<route>/stages/<stage>/   what a step keeps beyond its ack, see stage/stage-log.ts
 *   routes/<route>/keys/<step>/      what a step knows messages by, see keys/key-log.ts
 *   claims/<store>/          bodies that claimCheck keeps, laid out as a stage, see claims/claims.ts
 *   pools/<queue>/           a queue on disk that many routes read, laid out as a stage, see pool.ts
 *   queues/<queue>/          a queue on disk between routes, the same
 *   lives/<route>.json       how the last life of a route ended, see lives.ts
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { MqferryError } from '../errors.ts';
import { readJson, replaceJson } from './durable-file.ts';
import { type FileSystem, realFiles } from './fs.ts';
import { type BufferSize, sizeOfBuffer } from './inspect.ts';
import { sizeOfKeys } from './keys/inspect.ts';
import { bufferDirectory, bufferName, kindOfStep, layoutOf, markOf, ownersIn } from './owners.ts';
import { sizeOfStage } from './stage/inspect.ts';

interface Instance {
  readonly id: string;
}

export interface RouteState {
  /** By end: `source`, `sink` ... Made at the first start and kept, whatever the instance's id becomes. */
  readonly clientIds: Readonly<Record<string, string>>;
}

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

export interface KnownBuffer extends BufferSize {
  /** See owners.ts. */
  readonly owner: string;
}

/** All buffers and queues of a data directory and what they hold. Changes nothing. */
export function listBuffers(dataDir: string, files = realFiles): Promise<readonly KnownBuffer[]> {
  return buffersOf(dataDir, existingIn(dataDir), files);
}

async function buffersOf(dataDir: string, owners: readonly string[], files: FileSystem): Promise<readonly KnownBuffer[]> {
  const buffers: KnownBuffer[] = [];
  for (const owner of owners) buffers.push({ owner, ...(await sizeOf(dataDir, owner, files)) });
  return buffers;
}

function sizeOf(dataDir: string, owner: string, files: FileSystem): Promise<BufferSize> {
  const directory = bufferDirectory(dataDir, owner);
  return { buffer: sizeOfBuffer, stage: sizeOfStage, keys: sizeOfKeys }[layoutOf(owner)](directory, files);
}

function existingIn(dataDir: string): string[] {
  return ownersIn(dataDir).filter((owner) => existsSync(bufferDirectory(dataDir, owner)));
}

/** The buffers that hold messages but belong to none of these. */
export async function orphanedBuffers(dataDir: string, owners: readonly string[], files = realFiles): Promise<readonly KnownBuffer[]> {
  const buffers = await buffersOf(
    dataDir,
    existingIn(dataDir).filter((owner) => !owners.includes(owner) && layoutOf(owner) !== 'keys'), // no message is lost with keys
    files,
  );
  return buffers.filter(({ messages }) => messages > 0);
}

/** The buffer of `from` becomes that of `to`, which must have none, or an empty one. Hold the lock. Throws CONFIG_INVALID. */
export async function adoptBuffer(dataDir: string, from: string, to: string, files = realFiles): Promise<BufferSize> {
  const source = existing(dataDir, from);
  const isSame =
    layoutOf(from) === 'buffer' ? layoutOf(to) === 'buffer' : markOf(from) === markOf(to) && kindOfStep(from) === kindOfStep(to);
  if (!isSame) {
    const like = layoutOf(from) === 'buffer' ? to : from;
    throw new MqferryError('CONFIG_INVALID', `${bufferName(from)} can only be given to one of the same kind, written ${markOf(like)}…`);
  }
  const target = bufferDirectory(dataDir, to);
  if (existsSync(target)) {
    const { messages } = await sizeOf(dataDir, to, files);
    if (messages > 0) throw new MqferryError('CONFIG_INVALID', `${bufferName(to)} holds ${messages} messages itself; let it drain first`);
    rmSync(target, { recursive: true });
  }
  await realFiles.makeDirectory(dirname(target));
  renameSync(source, target);
  await realFiles.syncDirectory(dirname(target));
  await realFiles.syncDirectory(dirname(source));
  return sizeOf(dataDir, to, files);
}

/** Removes a buffer and what it holds; returns what that was. Hold the lock. Throws CONFIG_INVALID. */
export async function dropBuffer(dataDir: string, owner: string, files = realFiles): Promise<BufferSize> {
  const directory = existing(dataDir, owner);
  const size = await sizeOf(dataDir, owner, files);
  rmSync(directory, { recursive: true });
  await realFiles.syncDirectory(dirname(directory));
  return size;
}

function existing(dataDir: string, owner: string): string {
  const directory = bufferDirectory(dataDir, owner);
  if (existsSync(directory)) return directory;
  const known = existingIn(dataDir).join(', ') || 'none at all';
  throw new MqferryError('CONFIG_INVALID', `${bufferName(owner)} is not in ${dataDir}; there is ${known}`);
}
