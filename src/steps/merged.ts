/** One message out of several: their bodies, and what they have alike. */
import { isDeepStrictEqual } from 'node:util';
import { hopsOf } from '../envelope/stamps.ts';
import { MqferryError } from '../errors.ts';
import { type Header, Message, type MessageInit, propertyNames } from '../message.ts';
import { readJson } from './json.ts';

export const mergeWays = ['list', 'lines'] as const;

interface Merge {
  /** Throws STEP_FAILED for a message that could not be part of it. */
  check(message: Message): void;
  make(members: readonly Message[], why: string): Message;
}

export const mergeInto: Readonly<Record<(typeof mergeWays)[number], Merge>> = {
  list: {
    check: mustBeJson,
    make: (members, why) => aggregated(members, why, bodiesBetween(members, ['[', ',', ']']), jsonType),
  },
  lines: { check: () => undefined, make: (members, why) => aggregated(members, why, bodiesBetween(members, ['', '\n', ''])) },
};

/** Throws STEP_FAILED. */
export function mustBeJson(message: Message): void {
  if (message.body === null) throw new MqferryError('STEP_FAILED', 'a tombstone has no JSON');
  readJson(message);
}

export const jsonType: Partial<MessageInit> = { contentType: 'application/json' };

function aggregated(members: readonly Message[], why: string, body: Buffer, more?: Partial<MessageInit>): Message {
  const own: Header[] = [
    ['aggregate-count', members.length],
    ['aggregate-why', why],
  ];
  return merged(members, body, own, more);
}

/** With this body, what all have alike, and headers of its own. */
export function merged(members: readonly Message[], body: Buffer, own: readonly Header[], more: Partial<MessageInit> = {}): Message {
  const added = [...own];
  // A loop ends by the message in it that has gone farthest; none of their ids is that of this one.
  const hops = Math.max(...members.map(({ headers }) => hopsOf(headers)));
  if (hops > 0) added.push(['mqf-hops', hops]);
  const names = new Set([...added.map(([name]) => name), 'mqf-hops', 'mqf-id']);
  const headers = [...alikeHeaders(members).filter(([name]) => !names.has(name)), ...added];
  return new Message({ ...alike(members), headers, body, ...more });
}

function bodiesBetween(members: readonly Message[], [open, between, close]: readonly [string, string, string]): Buffer {
  const pieces: Buffer[] = [Buffer.from(open)];
  for (const [i, { body }] of members.entries()) {
    if (i > 0) pieces.push(Buffer.from(between));
    if (body !== null) pieces.push(body);
  }
  pieces.push(Buffer.from(close));
  return Buffer.concat(pieces);
}

/** Key, lane and properties that are the same in all. */
function alike(members: readonly Message[]): Partial<MessageInit> {
  const [first, ...others] = members as [Message, ...Message[]];
  const found: [string, unknown][] = [];
  for (const name of ['key', 'lane', ...propertyNames] as const)
    if (others.every((one) => isDeepStrictEqual(one[name], first[name]))) found.push([name, first[name]]);
  return Object.fromEntries(found) as Partial<MessageInit>;
}

/** Headers that all have, with the same value, the first of each name. */
function alikeHeaders(members: readonly Message[]): Header[] {
  const [first, ...others] = members as [Message, ...Message[]];
  const seen = new Set<string>();
  return first.headers.filter(([name, value]) => {
    if (seen.has(name)) return false;
    seen.add(name);
    return others.every((one) => isDeepStrictEqual(one.header(name), value));
  });
}
