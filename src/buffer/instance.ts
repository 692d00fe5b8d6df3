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
 *   queues/<queue>/          a queue on disk between routes, the same
 *   lives/<route>.json       how the last life of a route ended, see lives.ts
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { nameHint, namePattern } from '../config/layout.ts';
import { MqferryError } from '../errors.ts';
import { readJson, replaceJson } from './durable-file.ts';
import { codeOf, realFiles } from './fs.ts';
import { type BufferSize, sizeOfBuffer } from './inspect.ts';
import { sizeOfKeys } from './keys/inspect.ts';
import { sizeOfStage } from './stage/inspect.ts';

interface Instance {
  readonly id: string;
}

export interface RouteState {
  /** By end: `source`, `sink` ... Made at the first start and kept, whatever the instance's id becomes. */
  readonly clientIds: Readonly<Record<string, string>>;
}

const queueMark = 'queue:';
const deadMark = 'dead:';
const stageMark = 'stage:';
const keysMark = 'keys:';
const claimsMark = 'claims:';
const queuePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** How the owner of a buffer is written when it is a queue; a route is written by its name. */
export const queueOwner = (queue: string): string => `${queueMark}${queue}`;

export const isQueue = (owner: string): boolean => owner.startsWith(queueMark);

/** How the owner of a log is written when it is the dead letters of a route. */
export const deadOwner = (route: string): string => `${deadMark}${route}`;

export const isDead = (owner: string): boolean => owner.startsWith(deadMark);

/** How the owner of a log is written when it is a stage of a route. */
export const stageOwner = (route: string, stage: string): string => `${stageMark}${route}/${stage}`;

export const isStage = (owner: string): boolean => owner.startsWith(stageMark);

/** How the owner of a log is written when it is what a step of a route knows messages by. */
export const keysOwner = (route: string, step: string): string => `${keysMark}${route}/${step}`;

export const isKeys = (owner: string): boolean => owner.startsWith(keysMark);

/** How the owner of a log is written when it is a store of bodies. */
export const claimsOwner = (store: string): string => `${claimsMark}${store}`;

export const isClaims = (owner: string): boolean => owner.startsWith(claimsMark);

/** Where the buffer of a route, its dead letters, a stage, keys or a queue lie. Throws CONFIG_INVALID when none can have this name. */
export function bufferDirectory(dataDir: string, owner: string): string {
  if (isStage(owner) || isKeys(owner)) {
    const [route = '', step = ''] = stepParts(owner);
    return `${dataDir}/routes/${routeName(route)}/${isKeys(owner) ? 'keys' : 'stages'}/${routeName(step)}`;
  }
  if (isClaims(owner)) return `${dataDir}/claims/${queueName(owner.slice(claimsMark.length))}`;
  if (isDead(owner)) return `${dataDir}/routes/${routeName(owner.slice(deadMark.length))}/dead`;
  if (!isQueue(owner)) return `${dataDir}/routes/${routeName(owner)}/buffer`;
  return `${dataDir}/queues/${queueName(owner.slice(queueMark.length))}`;
}

/** Route and step. */
function stepParts(owner: string): string[] {
  return owner.slice(owner.indexOf(':') + 1).split('/', 2);
}

/** A route's name comes from a command line, too, where it may be a path that leads to something else. */
function routeName(name: string): string {
  if (namePattern.test(name)) return name;
  throw new MqferryError('CONFIG_INVALID', `"${name.slice(0, 80)}" cannot be the name of a route: a name is ${nameHint}`);
}

/** The name, which is also that of a directory. Throws CONFIG_INVALID when no queue can have it. */
export function queueName(name: string): string {
  if (queuePattern.test(name)) return name;
  const rule = 'write a letter or digit, then at most 62 letters, digits, `.`, `_` or `-`';
  throw new MqferryError('CONFIG_INVALID', `"${name.slice(0, 80)}" cannot be the name of a queue on disk: ${rule}`);
}

/** `the buffer of route orders`, `the dead letters of route orders`, `the queue alarms`. */
export function bufferName(owner: string): string {
  const [route, step] = stepParts(owner);
  if (isStage(owner)) return `the stage ${step} of route ${route}`;
  if (isClaims(owner)) return `the bodies ${owner.slice(claimsMark.length)} of claimCheck`;
  if (isKeys(owner)) return `the keys of ${step} of route ${route}`;
  if (isDead(owner)) return `the dead letters of route ${owner.slice(deadMark.length)}`;
  return isQueue(owner) ? `the queue ${owner.slice(queueMark.length)}` : `the buffer of route ${owner}`;
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

/** The routes that the data directory knows; none when there is no such directory. */
export function knownRoutes(dataDir: string): readonly string[] {
  return namesIn(`${dataDir}/routes`);
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

export interface KnownBuffer extends BufferSize {
  /** The route, `dead:<route>`, `stage:<route>/<stage>`, `keys:<route>/<step>`, `claims:<store>`, or `queue:<name>`. */
  readonly owner: string;
}

/** All buffers and queues of a data directory and what they hold. Changes nothing. */
export function listBuffers(dataDir: string): Promise<readonly KnownBuffer[]> {
  return buffersOf(dataDir, ownersIn(dataDir));
}

async function buffersOf(dataDir: string, owners: readonly string[]): Promise<readonly KnownBuffer[]> {
  const buffers: KnownBuffer[] = [];
  for (const owner of owners) buffers.push({ owner, ...(await sizeOf(dataDir, owner)) });
  return buffers;
}

function sizeOf(dataDir: string, owner: string): Promise<BufferSize> {
  const directory = bufferDirectory(dataDir, owner);
  if (isKeys(owner)) return sizeOfKeys(directory);
  return isStage(owner) || isClaims(owner) ? sizeOfStage(directory) : sizeOfBuffer(directory);
}

function ownersIn(dataDir: string): string[] {
  const queues = namesIn(`${dataDir}/queues`).filter((name) => queuePattern.test(name));
  const routes = knownRoutes(dataDir).filter((name) => namePattern.test(name));
  const stages = routes.flatMap((route) => namesIn(`${dataDir}/routes/${route}/stages`).map((stage) => stageOwner(route, stage)));
  const keys = routes.flatMap((route) => namesIn(`${dataDir}/routes/${route}/keys`).map((step) => keysOwner(route, step)));
  const claims = namesIn(`${dataDir}/claims`).map(claimsOwner);
  return [...routes, ...routes.map(deadOwner), ...stages, ...keys, ...claims, ...queues.map(queueOwner)].filter((owner) =>
    existsSync(bufferDirectory(dataDir, owner)),
  );
}

/** The buffers that hold messages but belong to none of these. */
export async function orphanedBuffers(dataDir: string, owners: readonly string[]): Promise<readonly KnownBuffer[]> {
  const buffers = await buffersOf(
    dataDir,
    ownersIn(dataDir).filter((owner) => !owners.includes(owner) && !isKeys(owner)), // no message is lost with keys
  );
  return buffers.filter(({ messages }) => messages > 0);
}

/** The buffer of `from` becomes that of `to`, which must have none, or an empty one. Hold the lock. Throws CONFIG_INVALID. */
export async function adoptBuffer(dataDir: string, from: string, to: string): Promise<BufferSize> {
  const source = existing(dataDir, from);
  const mark = [stageMark, keysMark, claimsMark].find((one) => from.startsWith(one) || to.startsWith(one));
  if (
    mark !== undefined &&
    (!from.startsWith(mark) || !to.startsWith(mark) || (mark !== claimsMark && kindOfStep(from) !== kindOfStep(to)))
  )
    throw new MqferryError('CONFIG_INVALID', `${bufferName(from)} can only be given to one of the same kind, written ${mark}…`);
  const target = bufferDirectory(dataDir, to);
  if (existsSync(target)) {
    const { messages } = await sizeOf(dataDir, to);
    if (messages > 0) throw new MqferryError('CONFIG_INVALID', `${bufferName(to)} holds ${messages} messages itself; let it drain first`);
    rmSync(target, { recursive: true });
  }
  await realFiles.makeDirectory(dirname(target));
  renameSync(source, target);
  await realFiles.syncDirectory(dirname(target));
  await realFiles.syncDirectory(dirname(source));
  return sizeOf(dataDir, to);
}

/** `delay` of `stage:orders/delay-2`. */
function kindOfStep(owner: string): string | undefined {
  return stepParts(owner)[1]?.replace(/-\d+$/, '');
}

/** Removes a buffer and what it holds; returns what that was. Hold the lock. Throws CONFIG_INVALID. */
export async function dropBuffer(dataDir: string, owner: string): Promise<BufferSize> {
  const directory = existing(dataDir, owner);
  const size = await sizeOf(dataDir, owner);
  rmSync(directory, { recursive: true });
  await realFiles.syncDirectory(dirname(directory));
  return size;
}

function existing(dataDir: string, owner: string): string {
  const directory = bufferDirectory(dataDir, owner);
  if (existsSync(directory)) return directory;
  const known = ownersIn(dataDir).join(', ') || 'none at all';
  throw new MqferryError('CONFIG_INVALID', `${bufferName(owner)} is not in ${dataDir}; there is ${known}`);
}
