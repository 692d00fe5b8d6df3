/** `"%s has %d".format([...])`, as CEL's string extension has it. */
import { spend, spendText } from '../budget.ts';
import { fail } from '../failure.ts';
import { textOf } from '../result.ts';

const digitsMax = 100;
const depthMax = 32;
const clause = /%(?:\.(\d{1,4}))?(.)|%/gs;

export function format(template: string, values: readonly unknown[]): string {
  let next = 0;
  const take = (): unknown => (next < values.length ? values[next++] : fail('format() has fewer values than the text has clauses'));
  spend(template.length >> 4);
  return template.replace(clause, (_, digits: string | undefined, kind: string | undefined) => {
    if (kind === '%' && digits === undefined) return '%';
    const formatKind = kinds[kind ?? ''] ?? fail('format() knows %s %d %f %e %x %X %o %b and %%');
    const text = formatKind(take(), digits === undefined ? 6 : digitsOf(digits));
    spendText(text.length);
    return text;
  });
}

const kinds: Readonly<Record<string, (value: unknown, digits: number) => string>> = {
  s: (value) => shown(value, 0),
  d: (value) => named(value) ?? whole(value).toString(),
  f: (value, digits) => named(value) ?? number(value).toFixed(digits),
  e: (value, digits) =>
    named(value) ??
    number(value)
      .toExponential(digits)
      .replace(/e([+-])(\d)$/, 'e$10$2'),
  x: (value) => hex(value),
  X: (value) => hex(value).toUpperCase(),
  o: (value) => whole(value).toString(8),
  b: (value) => (typeof value === 'boolean' ? String(Number(value)) : whole(value).toString(2)),
};

function digitsOf(text: string): number {
  return Number(text) <= digitsMax ? Number(text) : fail(`format() writes at most ${digitsMax} digits`);
}

/** Numbers that are none have a name. */
function named(value: unknown): string | undefined {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : undefined;
}

function number(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'bigint' ? Number(value) : fail('this clause of format() needs a number');
}

function whole(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  return Number.isInteger(value) ? BigInt(value as number) : fail('this clause of format() needs a whole number');
}

function hex(value: unknown): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : whole(value).toString(16);
}

/** Lists and maps too, keys in order. */
function shown(value: unknown, depth: number): string {
  if (value === null) return 'null';
  const name = named(value);
  if (name !== undefined || typeof value !== 'object') return name ?? textOf(value);
  if (depth > depthMax) fail('the value is nested too deep for %s');
  if (Array.isArray(value)) {
    spend(value.length * 2);
    return `[${value.map((item) => shown(item, depth + 1)).join(', ')}]`;
  }
  if (!(value instanceof Map) && Object.getPrototypeOf(value) !== Object.prototype) return textOf(value);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  spend(entries.length * 6);
  const pairs = entries.map(([key, item]) => [shown(key, depth + 1), shown(item, depth + 1)] as const);
  return `{${pairs
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join(': '))
    .join(', ')}}`;
}
