/** Lists and maps. Every map made here is a Map: a key may have any name. */
import { fail } from '../failure.ts';
import { textOf } from '../result.ts';
import type { Entry } from './registry.ts';

type AnyMap = ReadonlyMap<unknown, unknown> | Readonly<Record<string, unknown>>;
type List = readonly unknown[];

export const collections: readonly Entry[] = [
  ['size(string): double', 'how many characters', characters],
  ['size(bytes): double', 'how many bytes', (x: Uint8Array) => x.length],
  ['size(list): double', 'how many elements', (x: List) => x.length],
  ['size(map): double', 'how many keys', (x: AnyMap) => entriesOf(x).length],
  ['string.size(): double', 'how many characters', characters],
  ['bytes.size(): double', 'how many bytes', (x: Uint8Array) => x.length],
  ['list.size(): double', 'how many elements', (x: List) => x.length],
  ['map.size(): double', 'how many keys', (x: AnyMap) => entriesOf(x).length],
  ['bytes.at(double): double', 'the byte at this place', (x: Uint8Array, i: number) => x[i] ?? fail('there are fewer bytes')],
  ['sum(list): double', 'of numbers; 0 for none', (x: List) => numbers(x).reduce((a, b) => a + b, 0)],
  ['avg(list): double', 'of numbers', (x: List) => numbers(filled(x)).reduce((a, b) => a + b, 0) / x.length],
  ['min(list): dyn', 'the least of numbers, texts or times', (x: List) => sorted(filled(x))[0]],
  ['max(list): dyn', 'the greatest', (x: List) => sorted(filled(x)).at(-1)],
  ['first(list): dyn', 'the first element', (x: List) => filled(x)[0]],
  ['last(list): dyn', 'the last element', (x: List) => filled(x).at(-1)],
  [
    'slice(list, double, double): list',
    'from one place to before another; the first is 0',
    (x: List, from: number, to: number) => x.slice(from, to),
  ],
  ['reverse(list): list', 'back to front', (x: List) => x.toReversed()],
  ['distinct(list): list', 'each number, text or truth value once', (x: List) => [...new Set(x)]],
  ['flatten(list): list', 'the elements of the lists in it, one level', (x: List) => x.flat()],
  ['sort(list): list', 'numbers, texts or times, the least first', sorted],
  ['sortBy(list, string): list', 'maps, by the value of this key', (x: List, key: string) => sorted(x, (item) => fieldOf(item, key))],
  ['groupBy(list, string): map', 'maps, in lists by the value of this key', groupBy],
  [
    'enumerate(list): list',
    'each element as {i, v}: its place and itself',
    (x: List) =>
      x.map(
        (v, i) =>
          new Map<string, unknown>([
            ['i', i],
            ['v', v],
          ]),
      ),
  ],
  ['keys(map): list', 'its keys', (x: AnyMap) => entriesOf(x).map(([key]) => key)],
  ['values(map): list', 'its values', (x: AnyMap) => entriesOf(x).map(([, value]) => value)],
  [
    'entries(map): list',
    'each as {key, value}',
    (x: AnyMap) =>
      entriesOf(x).map(
        ([key, value]) =>
          new Map([
            ['key', key],
            ['value', value],
          ]),
      ),
  ],
  [
    'fromEntries(list): map',
    'a map of a list of {key, value}',
    (x: List) => new Map(x.map((item) => [keyOf(fieldOf(item, 'key')), fieldOf(item, 'value')])),
  ],
  ['toMap(list, list): map', 'a map of a list of keys and one of values', toMap],
  ['merge(map, map): map', 'both; the second wins', (a: AnyMap, b: AnyMap) => new Map([...entriesOf(a), ...entriesOf(b)])],
  ['pick(map, list): map', 'only these keys', (x: AnyMap, keys: List) => new Map(entriesOf(x).filter(([key]) => keys.includes(key)))],
  [
    'removeFields(map, list): map',
    'all but these keys',
    (x: AnyMap, keys: List) => new Map(entriesOf(x).filter(([key]) => !keys.includes(key))),
  ],
];

function characters(x: string): number {
  let count = 0;
  for (const _ of x) count++;
  return count;
}

function entriesOf(map: AnyMap): [unknown, unknown][] {
  return map instanceof Map ? [...map] : Object.entries(map);
}

function fieldOf(item: unknown, key: string): unknown {
  if (item instanceof Map && item.has(key)) return item.get(key);
  if (typeof item !== 'object' || item === null || Array.isArray(item)) fail('the list must have maps in it');
  return Object.hasOwn(item, key) ? (item as Record<string, unknown>)[key] : fail('an element does not have this key');
}

function keyOf(value: unknown): string {
  return typeof value === 'string' ? value : textOf(value);
}

function filled(list: List): List {
  return list.length > 0 ? list : fail('the list is empty');
}

function numbers(list: List): number[] {
  return list.map((item) => (typeof item === 'number' ? item : fail('the list must have numbers in it')));
}

function sorted(list: List, by: (item: unknown) => unknown = (item) => item): unknown[] {
  const keyed = list.map((item) => [comparable(by(item)), item] as const);
  const kind = typeof keyed[0]?.[0];
  if (keyed.some(([key]) => typeof key !== kind)) fail('numbers and texts cannot be put in order together');
  return keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, item]) => item);
}

function comparable(value: unknown): number | string {
  if (typeof value === 'number' || typeof value === 'string') return value;
  return value instanceof Date ? value.getTime() : fail('only numbers, texts and times can be put in order');
}

function groupBy(list: List, key: string): Map<string, unknown[]> {
  const groups = new Map<string, unknown[]>();
  for (const item of list) {
    const name = keyOf(fieldOf(item, key));
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

function toMap(keys: List, values: List): Map<string, unknown> {
  if (keys.length !== values.length) fail('there must be as many values as keys');
  return new Map(keys.map((key, i) => [keyOf(key), values[i]]));
}
