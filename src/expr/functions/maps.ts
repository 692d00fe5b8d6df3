/** Maps. Every map made here is a Map: a key may have any name. */
import { spend } from '../budget.ts';
import { fail } from '../failure.ts';
import { textOf } from '../result.ts';
import type { Entry } from './registry.ts';

export type AnyMap = ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>>;
type List = readonly unknown[];

const pathMax = 32;

export const maps: readonly Entry[] = [
  ['size(map): double', 'how many keys', 'size({"a": 1}) == 1', (x: AnyMap) => entriesOf(x).length],
  ['map.size(): double', 'how many keys', '{"a": 1}.size() == 1', (x: AnyMap) => entriesOf(x).length],
  ['keys(map): list', 'its keys', 'keys({"a": 1}) == ["a"]', (x: AnyMap) => entriesOf(x).map(([key]) => key)],
  ['values(map): list', 'its values', 'values({"a": 1}) == [1]', (x: AnyMap) => entriesOf(x).map(([, value]) => value)],
  ['entries(map): list', 'each as {key, value}', 'entries({"a": 1}) == [{"key": "a", "value": 1}]', entries],
  ['fromEntries(list): map', 'a map of a list of {key, value}', 'fromEntries([{"key": "a", "value": 1}]) == {"a": 1}', fromEntries],
  ['toMap(list, list): map', 'a map of a list of keys and one of values', 'toMap(["a", "b"], [1, 2]) == {"a": 1, "b": 2}', toMap],
  ['merge(map, map): map', 'both; the second wins', 'merge({"a": 1, "b": 1}, {"b": 2}) == {"a": 1, "b": 2}', merge],
  [
    'mergeDeep(map, map): map',
    'the same, and maps that both have are merged, too',
    'mergeDeep({"o": {"a": 1}}, {"o": {"b": 2}}) == {"o": {"a": 1, "b": 2}}',
    mergeDeep,
  ],
  [
    'pick(map, list): map',
    'only these keys',
    'pick({"a": 1, "b": 2}, ["a"]) == {"a": 1}',
    (x: AnyMap, keys: List) => filtered(x, keys, true),
  ],
  [
    'removeFields(map, list): map',
    'all but these keys; `a.b` is `b` in `a`',
    'removeFields({"a": 1, "o": {"b": 2, "c": 3}}, ["a", "o.b"]) == {"o": {"c": 3}}',
    removeFields,
  ],
  [
    'setField(map, string, dyn): map',
    'with this key set; `a.b` is `b` in `a`, which is made when it is not there',
    'setField({"o": {"a": 1}}, "o.b", 2) == {"o": {"a": 1, "b": 2}}',
    (x: AnyMap, path: string, value: unknown) => setField(x, pathOf(path), value),
  ],
  [
    'mapKeys(map, map): map',
    'keys renamed by a map of old to new names; the rest stays',
    'mapKeys({"a": 1, "b": 2}, {"a": "x"}) == {"x": 1, "b": 2}',
    mapKeys,
  ],
  [
    'denormalize(map): map',
    'one level deep, with names such as `a.b` and `list.0`',
    'denormalize({"o": {"a": 1}, "l": [2]}) == {"o.a": 1, "l.0": 2}',
    denormalize,
  ],
];

export function entriesOf(map: AnyMap): [unknown, unknown][] {
  const found: [unknown, unknown][] = map instanceof Map ? [...map] : Object.entries(map);
  spend(found.length >> 1);
  return found;
}

export function isAnyMap(value: unknown): value is AnyMap {
  return value instanceof Map || (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype);
}

export function fieldOf(item: unknown, key: string): unknown {
  if (item instanceof Map && item.has(key)) return item.get(key);
  if (typeof item !== 'object' || item === null || Array.isArray(item)) fail('the list must have maps in it');
  return Object.hasOwn(item, key) ? (item as Record<string, unknown>)[key] : fail('an element does not have this key');
}

/** The name that a value is as a key. */
export function keyOf(value: unknown): string {
  return typeof value === 'string' ? value : textOf(value);
}

function entries(map: AnyMap): Map<string, unknown>[] {
  const found = entriesOf(map);
  spend(found.length * 3);
  return found.map(
    ([key, value]) =>
      new Map([
        ['key', key],
        ['value', value],
      ]),
  );
}

function fromEntries(list: List): Map<string, unknown> {
  spend(list.length * 4);
  return new Map(list.map((item) => [keyOf(fieldOf(item, 'key')), fieldOf(item, 'value')]));
}

function toMap(keys: List, values: List): Map<string, unknown> {
  spend(keys.length * 4);
  if (keys.length !== values.length) fail('there must be as many values as keys');
  return new Map(keys.map((key, i) => [keyOf(key), values[i]]));
}

function merge(a: AnyMap, b: AnyMap): Map<unknown, unknown> {
  return new Map([...entriesOf(a), ...entriesOf(b)]);
}

function mergeDeep(a: AnyMap, b: AnyMap): Map<unknown, unknown> {
  const merged = new Map(entriesOf(a));
  for (const [key, value] of entriesOf(b)) {
    const before = merged.get(key);
    merged.set(key, isAnyMap(before) && isAnyMap(value) ? mergeDeep(before, value) : value);
  }
  return merged;
}

function filtered(map: AnyMap, keys: List, isWanted: boolean): Map<unknown, unknown> {
  const named = new Set(keys);
  return new Map(entriesOf(map).filter(([key]) => named.has(key) === isWanted));
}

function removeFields(map: AnyMap, names: List): Map<unknown, unknown> {
  let rest = filtered(map, names, false);
  for (const name of names) if (typeof name === 'string' && name.includes('.')) rest = removePath(rest, pathOf(name));
  return rest;
}

function removePath(map: AnyMap, [name, ...deeper]: readonly string[]): Map<unknown, unknown> {
  const copy = new Map(entriesOf(map));
  const inner = copy.get(name);
  if (deeper.length === 0) copy.delete(name);
  else if (isAnyMap(inner)) copy.set(name, removePath(inner, deeper));
  return copy;
}

function setField(map: AnyMap, [name, ...deeper]: readonly string[], value: unknown): Map<unknown, unknown> {
  const copy = new Map(entriesOf(map));
  const inner = copy.get(name) ?? new Map();
  if (deeper.length > 0 && !isAnyMap(inner)) fail('a part of this path is there, and is no map');
  return copy.set(name, deeper.length === 0 ? value : setField(inner as AnyMap, deeper, value));
}

function pathOf(text: string): string[] {
  const path = text.split('.');
  if (path.length > pathMax || path.includes('')) fail('this is not a path such as a.b.c');
  return path;
}

function mapKeys(map: AnyMap, names: AnyMap): Map<unknown, unknown> {
  const renamed = new Map(entriesOf(names));
  return new Map(entriesOf(map).map(([key, value]) => [renamed.has(key) ? keyOf(renamed.get(key)) : key, value]));
}

function denormalize(map: AnyMap): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  spread(map, '', flat);
  return flat;
}

/** An empty list or map stays what it is. */
function spread(value: unknown, prefix: string, into: Map<string, unknown>): void {
  const inner = Array.isArray(value) ? [...value.entries()] : isAnyMap(value) ? entriesOf(value) : [];
  if (inner.length === 0 && prefix !== '') into.set(prefix, value);
  spend(inner.length * 4);
  for (const [key, item] of inner) spread(item, prefix === '' ? keyOf(key) : `${prefix}.${keyOf(key)}`, into);
}
