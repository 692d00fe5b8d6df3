/** What to say of a call that CEL finds no function for. */
import { closest, distance } from 'fastest-levenshtein';
import { functionDocs } from './environment.ts';
import { ExpressionError, readable } from './failure.ts';

/** CEL's own, which have no entry among ours. */
const celFunctions = [
  'has',
  'all',
  'exists',
  'exists_one',
  'map',
  'filter',
  'contains',
  'startsWith',
  'endsWith',
  'trim',
  'bool',
  'double',
  'bytes',
  'orValue',
];

/** What people write who come from other languages. */
const habits: Readonly<Record<string, string>> = {
  includes: 'contains',
  has: 'contains',
  length: 'size',
  count: 'size',
  len: 'size',
  toLowerCase: 'lowerAscii',
  lower: 'lowerAscii',
  toUpperCase: 'upperAscii',
  upper: 'upperAscii',
  toString: 'string',
  parseInt: 'int',
  some: 'exists',
  any: 'exists',
  every: 'all',
  match: 'matches',
  test: 'matches',
};

/** Of an error such as `found no matching overload for 'dyn.startWith(string)'`, at the name; undefined for another error. */
export function unknownFunction(summary: string, text: string, offset: number): ExpressionError | undefined {
  const [, called] = /^found no matching overload for '(.*)'$/.exec(summary) ?? [];
  const name = called && /(\w+)\([^()]*(?:\([^()]*\)[^()]*)*\)$/.exec(called)?.[1]?.replace(/^safe_/, '');
  if (!called || !name) return undefined;
  const isMethod = /\w[>\])]?\.(?:safe_)?\w+\(/.test(called);
  const found = text.slice(offset).search(new RegExp(`${isMethod ? '\\.\\s*' : ''}\\b${name}\\s*\\(`));
  const at = found < 0 ? offset : offset + found + (isMethod ? 1 : 0);
  const names = new Set([...functionDocs.flatMap(([signature]) => /(\w+)\(/.exec(signature)?.[1] ?? []), ...celFunctions]);
  if (names.has(name)) return new ExpressionError(`"${name}" cannot be called like this: ${readable(`there is no ${called}`)}`, at);
  const near = habits[name] ?? closest(name, [...names]);
  const isNear = name in habits || distance(name, near) <= Math.max(1, Math.floor(name.length / 4));
  return new ExpressionError(`there is no function "${name}"${isNear ? ` — did you mean ${near}?` : ''}`, at);
}
