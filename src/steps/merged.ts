/** One message out of several: their bodies, and what they have alike. */
import { isDeepStrictEqual } from 'node:util';
import { hopsOf } from '../envelope/stamps.ts';
import { MqferryError } from '../errors.ts';
import { type Header, Message, type MessageInit, propertyNames } from '../message.ts';
import { readJson } from './json.ts';

export const joinWays = ['list', 'lines'] as const;

interface Join {
  /** Throws STEP_FAILED for a message that could not be part of it. */
  check(message: Message): void;
  make(members: readonly Message[], why: string): Message;
}

export const joinInto: Readonly<Record<(typeof joinWays)[number], Join>> = {
  list: {
    check(message) {
      if (message.body === null) throw new MqferryError('STEP_FAILED', 'a tombstone has no JSON');
      readJson(message);
    },
    make: (members, why) => joined(members, why, ['[', ',', ']'], { contentType: 'application/json' }),
  },
  lines: { check: () => undefined, make: (members, why) => joined(members, why, ['', '\n', '']) },
};

function joined(
  members: readonly Message[],
  why: string,
  [open, between, close]: readonly [string, string, string],
  more: Partial<MessageInit> = {},
): Message {
  const pieces: Buffer[] = [Buffer.from(open)];
  for (const [i, { body }] of members.entries()) {
    if (i > 0) pieces.push(Buffer.from(between));
    if (body !== null) pieces.push(body);
  }
  pieces.push(Buffer.from(close));
  const own: Header[] = [
    ['aggregate-count', members.length],
    ['aggregate-why', why],
  ];
  // A loop ends by the message in it that has gone farthest; none of their ids is that of this one.
  const hops = Math.max(...members.map(({ headers }) => hopsOf(headers)));
  if (hops > 0) own.push(['mqf-hops', hops]);
  const names = new Set([...own.map(([name]) => name), 'mqf-hops', 'mqf-id']);
  const headers = [...alikeHeaders(members).filter(([name]) => !names.has(name)), ...own];
  return new Message({ ...alike(members), headers, body: Buffer.concat(pieces), ...more });
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
