/**
 * Whose a log in the data directory is, as it is written on the command line: a route by its name, anything else by a mark and a name, such as
 * `queue:alarms` or `stage:orders/delay-2`.
 */
import { readdirSync } from 'node:fs';
import { nameHint, namePattern } from '../config/layout.ts';
import { MqferryError } from '../errors.ts';
import { codeOf } from './fs.ts';

/** How its files are laid out. */
export type Layout = 'buffer' | 'stage' | 'keys';

interface Kind {
  readonly mark: string;
  readonly layout: Layout;
  /** `name`: without the mark. Throws CONFIG_INVALID when none can have this name. */
  directory(dataDir: string, name: string): string;
  /** `the queue alarms`. */
  title(name: string): string;
  /** What holds messages there although it is in no config, and how the owner of such a log is written. */
  readonly lack: readonly [text: string, pattern: string];
  /** The names for which there is a place. */
  names(dataDir: string): readonly string[];
}

const kinds = {
  route: {
    mark: '',
    layout: 'buffer',
    directory: (dataDir, name) => `${dataDir}/routes/${routeName(name)}/buffer`,
    title: (name) => `the buffer of route ${name}`,
    lack: ['there is no such route with a disk buffer:', '<new>'],
    names: (dataDir) => routesIn(dataDir),
  },
  dead: {
    mark: 'dead:',
    layout: 'buffer',
    directory: (dataDir, name) => `${dataDir}/routes/${routeName(name)}/dead`,
    title: (name) => `the dead letters of route ${name}`,
    lack: ['that route is not there, or does not say `deadLetter: disk`: write it again and see `mqferry dlq ls`, or', 'dead:<new>'],
    names: (dataDir) => routesIn(dataDir),
  },
  stage: {
    mark: 'stage:',
    layout: 'stage',
    directory: (dataDir, name) => ofStep(dataDir, name, 'stages'),
    title: (name) => `the stage ${stepOf(name)} of route ${routeOf(name)}`,
    lack: ['no route has it: write the step again, or', 'stage:<route>/<stage>'],
    names: (dataDir) => stepsIn(dataDir, 'stages'),
  },
  keys: {
    mark: 'keys:',
    layout: 'keys',
    directory: (dataDir, name) => ofStep(dataDir, name, 'keys'),
    title: (name) => `the keys of ${stepOf(name)} of route ${routeOf(name)}`,
    lack: ['no route has it: write the step again, or', 'keys:<route>/<step>'],
    names: (dataDir) => stepsIn(dataDir, 'keys'),
  },
  claims: {
    mark: 'claims:',
    layout: 'stage',
    directory: (dataDir, name) => `${dataDir}/claims/${queueName(name)}`,
    title: (name) => `the bodies ${name} of claimCheck`,
    lack: ['no route has a `claimCheck` with this store: write it again, or', 'claims:<new>'],
    names: (dataDir) => namesIn(`${dataDir}/claims`),
  },
  pool: {
    mark: 'pool:',
    layout: 'stage',
    directory: (dataDir, name) => `${dataDir}/pools/${queueName(name)}`,
    title: (name) => `the queue ${name} of many readers`,
    lack: ['no route names it with `readers: many`: let one read it, or', 'pool:<new>'],
    names: (dataDir) => namesIn(`${dataDir}/pools`),
  },
  queue: {
    mark: 'queue:',
    layout: 'buffer',
    directory: (dataDir, name) => `${dataDir}/queues/${queueName(name)}`,
    title: (name) => `the queue ${name}`,
    lack: ['no route names it with `store: disk`: let one read it, or', 'queue:<new>'],
    names: (dataDir) => namesIn(`${dataDir}/queues`).filter((name) => queuePattern.test(name)),
  },
} satisfies Record<string, Kind>;

export type OwnerKind = keyof typeof kinds;

export const queueOwner = (queue: string): string => `${kinds.queue.mark}${queue}`;
export const poolOwner = (queue: string): string => `${kinds.pool.mark}${queue}`;
export const deadOwner = (route: string): string => `${kinds.dead.mark}${route}`;
export const stageOwner = (route: string, stage: string): string => `${kinds.stage.mark}${route}/${stage}`;
export const keysOwner = (route: string, step: string): string => `${kinds.keys.mark}${route}/${step}`;
export const claimsOwner = (store: string): string => `${kinds.claims.mark}${store}`;

export function kindOf(owner: string): OwnerKind {
  return (Object.keys(kinds) as OwnerKind[]).find((name) => kinds[name].mark !== '' && owner.startsWith(kinds[name].mark)) ?? 'route';
}

export function markOf(owner: string): string {
  return kinds[kindOf(owner)].mark;
}

export function layoutOf(owner: string): Layout {
  return kinds[kindOf(owner)].layout;
}

/** Where its files lie. Throws CONFIG_INVALID when none can have this name. */
export function bufferDirectory(dataDir: string, owner: string): string {
  return kinds[kindOf(owner)].directory(dataDir, nameOf(owner));
}

/** `the buffer of route orders`, `the dead letters of route orders`, `the queue alarms`. */
export function bufferName(owner: string): string {
  return kinds[kindOf(owner)].title(nameOf(owner));
}

/** What is missing in the config, and how the owner of such a log is written. */
export function lackOf(owner: string): readonly [text: string, pattern: string] {
  return kinds[kindOf(owner)].lack;
}

/** Those that may have files in the data directory. */
export function ownersIn(dataDir: string): string[] {
  return Object.values(kinds).flatMap(({ mark, names }) => names(dataDir).map((name) => `${mark}${name}`));
}

/** The routes that the data directory knows; none when there is no such directory. */
export function knownRoutes(dataDir: string): readonly string[] {
  return namesIn(`${dataDir}/routes`);
}

/** The name, which is also that of a directory. Throws CONFIG_INVALID when no queue can have it. */
export function queueName(name: string): string {
  if (queuePattern.test(name)) return name;
  const rule = 'write a letter or digit, then at most 62 letters, digits, `.`, `_` or `-`';
  throw new MqferryError('CONFIG_INVALID', `"${name.slice(0, 80)}" cannot be the name of a queue on disk: ${rule}`);
}

/** `delay` of `stage:orders/delay-2`. */
export function kindOfStep(owner: string): string {
  return stepOf(nameOf(owner)).replace(/-\d+$/, '');
}

const queuePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

function nameOf(owner: string): string {
  return owner.slice(markOf(owner).length);
}

function routeOf(name: string): string {
  return name.split('/', 2)[0] ?? '';
}

function stepOf(name: string): string {
  return name.split('/', 2)[1] ?? '';
}

function ofStep(dataDir: string, name: string, folder: 'stages' | 'keys'): string {
  return `${dataDir}/routes/${routeName(routeOf(name))}/${folder}/${routeName(stepOf(name))}`;
}

/** A route's name comes from a command line, too, where it may be a path that leads to something else. */
function routeName(name: string): string {
  if (namePattern.test(name)) return name;
  throw new MqferryError('CONFIG_INVALID', `"${name.slice(0, 80)}" cannot be the name of a route: a name is ${nameHint}`);
}

function routesIn(dataDir: string): readonly string[] {
  return knownRoutes(dataDir).filter((name) => namePattern.test(name));
}

function stepsIn(dataDir: string, folder: 'stages' | 'keys'): readonly string[] {
  return routesIn(dataDir).flatMap((route) => namesIn(`${dataDir}/routes/${route}/${folder}`).map((step) => `${route}/${step}`));
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
