/** What `set` and `remove` may change: `key`, a property, `header.<name>`, `body`, `body.<path>`. */
import { closest } from 'fastest-levenshtein';
import { MqferryError } from '../errors.ts';
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
  throw new MqferryError('CONFIG_INVALID', `"${text}" is nothing that can be set — did you mean "${nearest(text)}"?`);
}

/** Refuses the same target twice, and `body` beside a part of it. Throws CONFIG_INVALID. */
export function parseTargets(texts: readonly string[]): Target[] {
  const targets = texts.map(parseTarget);
  const twice = texts.find((text, i) => texts.indexOf(text) !== i);
  if (twice !== undefined) throw new MqferryError('CONFIG_INVALID', `"${twice}" stands here twice`);
  if (targets.some(({ kind }) => kind === 'body') && targets.some(({ kind }) => kind === 'path')) {
    throw new MqferryError('CONFIG_INVALID', '`body` and a part of it cannot be changed in the same step: use two steps');
  }
  return targets;
}

function parsePath(text: string): string[] {
  const path = text.slice('body.'.length).split('.');
  if (path.includes('')) throw new MqferryError('CONFIG_INVALID', `"${text}" has an empty part: write body.a.b`);
  return path;
}

function nearest(text: string): string {
  if (/^headers?\b/.test(text)) return `header.${text.replace(/^headers?[.[]?/, '') || 'name'}`;
  return closest(text, ['key', 'body', ...propertyNames]);
}
