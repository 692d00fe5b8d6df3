/** Lists, and sizes. */
import { spend } from '../budget.ts';
import { fail } from '../failure.ts';
import { countOf } from './characters.ts';
import { fieldOf, keyOf } from './maps.ts';
import type { Entry } from './registry.ts';

type List = readonly unknown[];

export const lists: readonly Entry[] = [
  ['size(string): double', 'how many characters', 'size("hé") == 2', countOf],
  ['size(bytes): double', 'how many bytes', 'size(b"ab") == 2', (x: Uint8Array) => x.length],
  ['size(list): double', 'how many elements', 'size([1, 2]) == 2', (x: List) => x.length],
  ['string.size(): double', 'how many characters', '"hé".size() == 2', countOf],
  ['bytes.size(): double', 'how many bytes', 'b"ab".size() == 2', (x: Uint8Array) => x.length],
  ['list.size(): double', 'how many elements', '[1, 2].size() == 2', (x: List) => x.length],
  [
    'bytes.at(double): double',
    'the byte at this place',
    'b"ab".at(1) == 98',
    (x: Uint8Array, i: number) => x[i] ?? fail('there are fewer bytes'),
  ],
  ['sum(list): double', 'of numbers; 0 for none', 'sum([1, 2.5]) == 3.5', sum],
  ['avg(list): double', 'of numbers', 'avg([1, 2]) == 1.5', (x: List) => sum(filled(x)) / x.length],
  ['min(list): dyn', 'the least of numbers, texts or times', 'min([3, 1, 2]) == 1', (x: List) => outermost(x, (a, b) => a < b)],
  ['max(list): dyn', 'the greatest', 'max(["a", "b"]) == "b"', (x: List) => outermost(x, (a, b) => a > b)],
  ['first(list): dyn', 'the first element', 'first([3, 1]) == 3', (x: List) => filled(x)[0]],
  ['last(list): dyn', 'the last element', 'last([3, 1]) == 1', (x: List) => filled(x).at(-1)],
  [
    'slice(list, double, double): list',
    'from one place to before another; the first is 0, negative ones count from the end',
    'slice([1, 2, 3], 1, 3) == [2, 3]',
    (x: List, from: number, to: number) => x.slice(from, to),
  ],
  ['reverse(list): list', 'back to front', 'reverse([1, 2]) == [2, 1]', (x: List) => x.toReversed()],
  ['distinct(list): list', 'each number, text or truth value once', 'distinct([1, 2, 1]) == [1, 2]', distinct],
  ['flatten(list): list', 'the elements of the lists in it, one level', 'flatten([1, [2, 3]]) == [1, 2, 3]', (x: List) => x.flat()],
  ['zip(list, list): list', 'pairs of what stands at the same place', 'zip(["a", "b"], [1, 2]) == [["a", 1], ["b", 2]]', zip],
  ['sort(list): list', 'numbers, texts or times, the least first', 'sort([3, 1, 2]) == [1, 2, 3]', (x: List) => sorted(x, (item) => item)],
  [
    'sortBy(list, string): list',
    'maps, by the value of this key',
    'sortBy([{"n": 2}, {"n": 1}], "n") == [{"n": 1}, {"n": 2}]',
    (x: List, key: string) => sorted(x, (item) => fieldOf(item, key)),
  ],
  [
    'groupBy(list, string): map',
    'maps, in lists by the value of this key',
    'groupBy([{"k": "a"}, {"k": "b"}], "k") == {"a": [{"k": "a"}], "b": [{"k": "b"}]}',
    groupBy,
  ],
  ['enumerate(list): list', 'each element as {i, v}: its place and itself', 'enumerate(["a"]) == [{"i": 0, "v": "a"}]', enumerate],
];

function filled(list: List): List {
  return list.length > 0 ? list : fail('the list is empty');
}

function sum(list: List): number {
  spend(list.length >> 1);
  return list.reduce<number>((total, item) => total + numberOf(item), 0);
}

function numberOf(item: unknown): number {
  if (typeof item === 'bigint') fail('a whole number in the list is beyond 2^53: compare it or make it text');
  return typeof item === 'number' ? item : fail('the list must have numbers in it');
}

type Key = number | bigint | string;

function outermost(list: List, wins: (a: Key, b: Key) => boolean): unknown {
  let best = filled(list)[0];
  spend(list.length);
  assertOneKind(list.map(keyToSort));
  for (const item of list) if (wins(keyToSort(item), keyToSort(best))) best = item;
  return best;
}

function sorted(list: List, by: (item: unknown) => unknown): unknown[] {
  // Each element is compared with about so many others.
  spend((list.length * Math.ceil(Math.log2(list.length + 1))) >> 1);
  const keyed = list.map((item) => [keyToSort(by(item)), item] as const);
  assertOneKind(keyed.map(([key]) => key));
  return keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, item]) => item);
}

function keyToSort(value: unknown): Key {
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint') return value;
  return value instanceof Date ? value.getTime() : fail('only numbers, texts and times can be put in order');
}

function assertOneKind(keys: readonly Key[]): void {
  const isText = typeof keys[0] === 'string';
  if (keys.some((key) => (typeof key === 'string') !== isText)) fail('numbers and texts cannot be put in order together');
}

function zip(a: List, b: List): unknown[][] {
  spend(a.length);
  return a.length === b.length ? a.map((item, i) => [item, b[i]]) : fail('the lists must be of the same length');
}

function groupBy(list: List, key: string): Map<string, unknown[]> {
  const groups = new Map<string, unknown[]>();
  spend(list.length * 4);
  for (const item of list) {
    const name = keyOf(fieldOf(item, key));
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

function distinct(list: List): unknown[] {
  spend(list.length * 2);
  return [...new Set(list)];
}

function enumerate(list: List): Map<string, unknown>[] {
  spend(list.length * 3);
  return list.map(
    (v, i) =>
      new Map<string, unknown>([
        ['i', i],
        ['v', v],
      ]),
  );
}
