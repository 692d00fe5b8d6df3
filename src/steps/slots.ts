/** What may be put where, as far as an expression's type is known before there is a message. */
import type { Yields } from '../config/fields.ts';
import { MqferryError } from '../errors.ts';
import type { Target } from './target.ts';

const text = ['text', 'number', 'bytes'] as const;
const time = ['time', 'number', 'text'] as const;

const accepted: Readonly<Record<string, readonly Yields[]>> = {
  timestamp: time,
  expiresAt: time,
  priority: ['number', 'text'],
  persistent: ['boolean', 'text'],
};

const names: Readonly<Record<Yields, string>> = {
  any: 'any value',
  boolean: 'true or false',
  number: 'a number',
  text: 'text',
  bytes: 'bytes',
  list: 'a list',
  map: 'a map',
  time: 'a time',
  duration: 'a duration',
};

/** Refuses what can never be set there. `name`: the target as it is written. Throws CONFIG_INVALID with the name as its `key`. */
export function assertFits(target: Target, name: string, yields: Yields = 'any'): void {
  if (target.kind === 'path') assertJson(name, yields, name);
  if (target.kind !== 'key' && target.kind !== 'property') return;
  const fits = (target.kind === 'property' && accepted[target.name]) || text;
  if (yields === 'any' || (fits as readonly Yields[]).includes(yields)) return;
  refuse(`${name} must be ${fits.map((one) => names[one]).join(' or ')}, but this is ${names[yields]}`, name);
}

/** Refuses what can never be a part of a JSON body. */
export function assertJson(name: string, yields: Yields = 'any', key?: string): void {
  if (yields === 'bytes') refuse(`${name} would be bytes, which have no JSON; use base64.encode(...)`, key);
}

/** Refuses what can never be a list. */
export function assertList(yields: Yields = 'any', key?: string): void {
  if (yields !== 'list' && yields !== 'any') refuse(`this must be a list, but it is ${names[yields]}`, key);
}

function refuse(sentence: string, key: string | undefined): never {
  throw Object.assign(new MqferryError('CONFIG_INVALID', sentence), { key });
}
