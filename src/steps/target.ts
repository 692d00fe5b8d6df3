/** What `set` and `remove` may change: `key`, a property, `header.<name>`, `body`, `body.<path>`. */
import { closest, distance } from 'fastest-levenshtein';
import { BadSetting, MqferryError } from '../errors.ts';
import { type Properties, propertyNames } from '../message.ts';

export type Target =
  | { readonly kind: 'key' | 'body' }
  | { readonly kind: 'property'; readonly name: keyof Properties }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'path'; readonly path: readonly string[] };

/** Reads a target; all after `header.` is the header's name. Throws CONFIG_INVALID. */
export function parseTarget(text: string): Target {
  if (text === 'key' || text === 'body') return { kind: text };
  if (text.startsWith('header.') && text.length > 'header.'.length) return { kind: 'header', name: text.slice('header.'.length) };
  if (text.startsWith('body.')) return { kind: 'path', path: parsePath(text) };
  const name = propertyNames.find((property) => property === text);
  if (name !== undefined) return { kind: 'property', name };
  throw new BadSetting(text, `"${text}" is no part of a message — ${remedy(text)}`);
}

/** Refuses none, the same target twice, and `body` beside a part of it. Throws CONFIG_INVALID; in a list the place is the index. */
export function parseTargets(
  texts: readonly string[],
  placeOf: (text: string, index: number) => string | number = (text) => text,
): Target[] {
  if (texts.length === 0) throw new MqferryError('CONFIG_INVALID', 'nothing is named here, so nothing would happen');
  const targets = texts.map((text, i) => parsedAt(text, placeOf(text, i)));
  const twice = texts.findIndex((text, i) => texts.indexOf(text) !== i);
  const again = texts[twice];
  if (again !== undefined) throw new BadSetting(placeOf(again, twice), `"${again}" stands here twice`);
  const part = targets.findIndex(({ kind }) => kind === 'path');
  if (targets.some(({ kind }) => kind === 'body') && part >= 0) {
    const place = placeOf(texts[part] as string, part);
    throw new BadSetting(place, '`body` and a part of it cannot be changed in the same step: use two steps');
  }
  return targets;
}

function parsedAt(text: string, place: string | number): Target {
  try {
    return parseTarget(text);
  } catch (error) {
    throw new BadSetting(place, (error as Error).message);
  }
}

function parsePath(text: string): string[] {
  const path = text.slice('body.'.length).split('.');
  if (path.includes('')) throw new BadSetting(text, `"${text}" has an empty part: write body.a.b`);
  return path;
}

/** What people take for a part of the message that is one of the route. */
const destinations = /^(?:topic|queue|exchange|routingKey|partition|destination|origin\b.*)$/;

function remedy(text: string): string {
  if (/^headers?\b/.test(text)) return `did you mean "header.${text.replace(/^headers?[.[]?/, '') || 'name'}"?`;
  if (destinations.test(text)) return 'where a message goes is said by the sink, in which `${{ … }}` is evaluated';
  const [first = '', ...rest] = text.split('.');
  const head = closest(first, ['header', 'body']);
  if (rest.length > 0 && distance(first, head) <= 2) return `did you mean "${[head, ...rest].join('.')}"?`;
  const near = closest(text, ['key', 'body', ...propertyNames]);
  if (distance(text, near) <= 2) return `did you mean "${near}"?`;
  return `write header.<name>, body, body.<path>, key, or one of ${propertyNames.join(', ')}`;
}
