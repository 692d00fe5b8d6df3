/** Where the dead letters of a route lie, by its config. */
import { deadOwner, queueOwner } from '../../buffer/owners.ts';
import { isDeadDisk } from '../../config/dead-disk.ts';
import { withDefaults } from '../../config/defaults.ts';
import type { EndModel } from '../../config/model.ts';
import type { EndContext, Log, ReadBack, Room, SourceEnd } from '../../connector.ts';
import { describeError, MqferryError } from '../../errors.ts';
import type { CompiledRoute } from '../../index.ts';
import { makeSource, nameOf } from '../../route/ends.ts';
import { Leave } from '../exit-codes.ts';
import { type LoadOptions, loadRoutes } from '../load.ts';

interface Named {
  /** `disk`; `rabbitmq shop, queue orders.dead`. */
  readonly name: string;
}

/** A log in the data directory. Its owner is written as `mqferry buffer` has it. */
export interface LogPlace extends Named {
  readonly kind: 'log';
  readonly owner: string;
  /** Absent: it is the log of the dead letters of this route. Else a queue, which others may write too. */
  readonly queue?: string;
}

export interface BrokerPlace extends Named {
  readonly kind: 'broker';
  /** Of the dead letter in the config. */
  readonly model: EndModel;
  readonly back: Exclude<ReadBack, { queue: string }>;
}

/** Nothing comes back from there. */
export interface ClosedPlace extends Named {
  readonly kind: 'closed';
  readonly why: string;
}

export type Place = LogPlace | BrokerPlace | ClosedPlace;
export type OpenPlace = LogPlace | BrokerPlace;

/** Each once, in the order of the config. */
export function placesOf(route: CompiledRoute): readonly Place[] {
  const places = route.deadLetters.map(({ model }) => placeOf(route.name, model));
  return [...new Map(places.map((place) => [keyOf(place), place])).values()];
}

function placeOf(route: string, model: EndModel): Place {
  if (isDeadDisk(model)) return { kind: 'log', name: 'disk', owner: deadOwner(route) };
  const name = nameOf(model);
  try {
    const back: ReadBack | undefined = model.connector.sink?.readBack?.(model.config as never, `mqferry-dlq-${route}`);
    if (!back) return { kind: 'closed', name, why: `${model.connector.name} gives nothing back that was sent there` };
    if ('queue' in back) return { kind: 'log', name: `${name}, queue ${back.queue}`, owner: queueOwner(back.queue), queue: back.queue };
    return { kind: 'broker', name: `${name}, ${back.name}`, model, back };
  } catch (error) {
    if (!(error instanceof MqferryError) || error.code !== 'CONFIG_INVALID') throw error;
    return { kind: 'closed', name, why: describeError(error) };
  }
}

function keyOf(place: Place): string {
  if (place.kind === 'log') return place.owner;
  return place.kind === 'closed' ? place.name : JSON.stringify([place.name, place.back.config]);
}

export interface WhichPlace extends LoadOptions {
  /** A part of its name. */
  readonly destination?: string;
}

/** The one that is meant. Leaves when that cannot be told, or nothing comes back from it. */
export async function findPlace(
  name: string,
  paths: readonly string[],
  options: WhichPlace,
): Promise<{ readonly route: CompiledRoute; readonly place: OpenPlace }> {
  const route = await findRoute(name, paths, options);
  const all = placesOf(route);
  const meant = all.filter((place) => place.name.includes(options.destination ?? ''));
  const [place, another] = meant;
  if (!place)
    throw new Leave('usage', `route ${name} has ${all.length === 0 ? 'no dead letters: its onError names no deadLetter' : listed(all)}`);
  if (another) throw new Leave('usage', `route ${name} has ${listed(meant)}; choose by --destination`);
  if (place.kind === 'closed') throw new Leave('usage', `the dead letters of route ${name} in ${place.name}: ${place.why}`);
  return { route, place };
}

export async function findRoute(name: string, paths: readonly string[], options: LoadOptions): Promise<CompiledRoute> {
  const routes = await loadRoutes(paths, options);
  const route = routes.find((one) => one.name === name);
  if (route) return route;
  throw new Leave('usage', `there is no route ${name}; there are ${routes.map((one) => one.name).join(', ')}`);
}

function listed(places: readonly Place[]): string {
  return `${places.length} destinations of dead letters: ${places.map((place) => place.name).join('; ')}`;
}

export interface Reading {
  readonly route: string;
  readonly window: Room;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Makes the source; connects to nothing. */
export function sourceOf({ model, back }: BrokerPlace, reading: Reading): SourceEnd {
  const fields = model.connector.source?.fields ?? {};
  const config = { ...withDefaults(fields, back.config), connection: back.config['connection'] };
  return makeSource({ ...model, config }, contextOf(reading));
}

/** With a client id of its own, so that the links of a running route are left alone. */
export function contextOf(reading: Reading): EndContext {
  return { ...reading, clientId: `mqf-dlq-${process.pid}` };
}
