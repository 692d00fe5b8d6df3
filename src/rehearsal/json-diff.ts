/** Where two values differ. */
export interface Difference {
  /** What it is about: `json.items[1].sku`, `header.region`, `key`. */
  readonly what: string;
  /** As they are printed. */
  readonly expected: string;
  readonly found: string;
}

export const nothing = 'nothing';

/** Compares JSON values; `contains`: maps may have more names than expected. */
export function jsonDiff(what: string, expected: unknown, found: unknown, contains: boolean): Difference[] {
  if (isMap(expected) && isMap(found)) return mapDiff(what, expected, found, contains);
  if (Array.isArray(expected) && Array.isArray(found)) return listDiff(what, expected, found, contains);
  return same(expected, found) ? [] : [{ what, expected: shown(expected), found: shown(found) }];
}

function mapDiff(what: string, expected: Tree, found: Tree, contains: boolean): Difference[] {
  const differences: Difference[] = [];
  for (const [name, value] of Object.entries(expected)) {
    const place = `${what}.${name}`;
    if (Object.hasOwn(found, name)) differences.push(...jsonDiff(place, value, found[name], contains));
    else differences.push({ what: place, expected: shown(value), found: nothing });
  }
  for (const [name, value] of contains ? [] : Object.entries(found))
    if (!Object.hasOwn(expected, name)) differences.push({ what: `${what}.${name}`, expected: nothing, found: shown(value) });
  return differences;
}

function listDiff(what: string, expected: readonly unknown[], found: readonly unknown[], contains: boolean): Difference[] {
  const differences: Difference[] = [];
  for (let i = 0; i < Math.max(expected.length, found.length); i++) {
    const place = `${what}[${i}]`;
    if (i >= found.length) differences.push({ what: place, expected: shown(expected[i]), found: nothing });
    else if (i >= expected.length) differences.push({ what: place, expected: nothing, found: shown(found[i]) });
    else differences.push(...jsonDiff(place, expected[i], found[i], contains));
  }
  return differences;
}

type Tree = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function same(expected: unknown, found: unknown): boolean {
  // A bigint and a number are the same when they are the same number.
  if (isNumber(expected) && isNumber(found)) return !(expected < found) && !(expected > found);
  return expected === found;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** As JSON, on one line. */
export function shown(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)) ?? nothing;
}
