/** Numbers: all are doubles, but whole numbers from headers and bodies that a double would round; they may only be compared and shown. */
import type { Environment } from '@marcbachmann/cel-js';
import { fail } from '../failure.ts';
import { isSafe } from '../result.ts';
import type { Entry } from './registry.ts';

const leastAndGreatestMax = 8;

export const numbers: readonly Entry[] = [
  [
    'int(dyn): dyn',
    'a whole number of text or a number, cut off after the point; of a time the whole seconds since 1970',
    'int("42") + 1 == 43',
    int,
  ],
  ['number(dyn): dyn', 'a number of text, written as in JSON', 'number("1.50") == 1.5', number],
  [
    'double(dyn): double',
    'the same, but a number beyond 2^53 is rounded, and `"NaN"` and `"Infinity"` are known',
    'double("1e3") == 1000',
    double,
  ],
  ['isInteger(dyn): bool', 'whether it is a number, and whole', 'isInteger(3.0) && !isInteger(3.5) && !isInteger("3")', isInteger],
  [
    'math.round(double): double',
    'to the nearest whole number; halves away from zero',
    'math.round(-2.5) == -3',
    (_: unknown, x: number) => round(x),
  ],
  ['math.floor(double): double', 'the next whole number below', 'math.floor(-2.5) == -3', (_: unknown, x: number) => Math.floor(x)],
  ['math.ceil(double): double', 'the next whole number above', 'math.ceil(-2.5) == -2', (_: unknown, x: number) => Math.ceil(x)],
  ['math.trunc(double): double', 'cut off after the point', 'math.trunc(-2.5) == -2', (_: unknown, x: number) => Math.trunc(x)],
  ['math.abs(double): double', 'without its sign', 'math.abs(-2) == 2', (_: unknown, x: number) => Math.abs(x)],
  ['math.sign(double): double', '-1, 0 or 1', 'math.sign(-7) == -1', (_: unknown, x: number) => Math.sign(x)],
  ['math.sqrt(double): double', 'the square root', 'math.sqrt(9) == 3', (_: unknown, x: number) => Math.sqrt(x)],
  ['math.isFinite(double): bool', 'neither infinite nor NaN', 'math.isFinite(1)', (_: unknown, x: number) => Number.isFinite(x)],
  ['math.isInf(double): bool', 'infinite', '!math.isInf(1)', (_: unknown, x: number) => Math.abs(x) === Number.POSITIVE_INFINITY],
  ['math.isNaN(double): bool', 'not a number', 'math.isNaN(double("NaN"))', (_: unknown, x: number) => Number.isNaN(x)],
  ...outermost('least', (a, b) => a < b),
  ...outermost('greatest', (a, b) => a > b),
];

/** `math.least` and `math.greatest` of a list, or of up to eight numbers. */
function outermost(name: 'least' | 'greatest', wins: (a: number | bigint, b: number | bigint) => boolean): Entry[] {
  const choose = (given: readonly unknown[]): number | bigint => {
    if (given.length === 0) fail('the list is empty');
    return given.map(numberOf).reduce((best, next) => (wins(next, best) ? next : best));
  };
  const doc = name === 'least' ? 'the least of up to 8 numbers, or of a list of them' : 'the greatest';
  const example = name === 'least' ? 'math.least(3, 1) == 1 && math.least([3, 1]) == 1' : 'math.greatest(3, 1) == 3';
  const one = (_: unknown, x: unknown): number | bigint => choose(Array.isArray(x) ? x : [x]);
  const many = (_: unknown, ...given: unknown[]): number | bigint => choose(given);
  const counts = Array.from({ length: leastAndGreatestMax - 1 }, (_, i) => i + 2);
  return [
    [`math.${name}(dyn): dyn`, doc, example, one],
    ...counts.map((count): Entry => [`math.${name}(${Array(count).fill('dyn').join(', ')}): dyn`, doc, example, many]),
  ];
}

function numberOf(value: unknown): number | bigint {
  return typeof value === 'number' || typeof value === 'bigint' ? value : fail('math.least() and math.greatest() take numbers');
}

/** CEL does not calculate with an int and a double together, nor takes the remainder of doubles. */
export function registerMixedNumbers(environment: Environment): void {
  for (const [operator, run] of Object.entries(arithmetic)) {
    environment.registerOperator(`int ${operator} double: double`, (a: bigint, b: number) => run(exact(a), b));
    environment.registerOperator(`double ${operator} int: double`, (a: number, b: bigint) => run(a, exact(b)));
  }
  environment.registerOperator('double % double', arithmetic['%']);
  // biome-ignore lint/suspicious/noDoubleEquals: bigint against number is only equal this way, and then exactly.
  environment.registerOperator('int == double', (a: bigint, b: number) => a == (b as unknown as bigint));
}

/** What the operators do. There is no number beside zero, so that dividing by it is an error and not Infinity, which is greater than any limit. */
export const arithmetic = {
  '+': (a: number, b: number): number => a + b,
  '-': (a: number, b: number): number => a - b,
  '*': (a: number, b: number): number => a * b,
  '/': (a: number, b: number): number => (b === 0 ? fail('division by zero') : a / b),
  '%': (a: number, b: number): number => (b === 0 ? fail('division by zero') : a % b),
} as const;

/** As a double, if that is what it is. */
export function exact(value: bigint): number {
  return isSafe(value) ? Number(value) : fail('this whole number is beyond 2^53: compare it or make it text');
}

function int(value: unknown): number | bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string')
    return /^[+-]?\d{1,40}$/.test(value) ? narrowed(BigInt(value.replace('+', ''))) : fail('this text is not a whole number');
  if (typeof value === 'number' && Number.isSafeInteger(Math.trunc(value))) return Math.trunc(value);
  if (value instanceof Date) return Math.floor(value.getTime() / 1000);
  return fail('int() takes text or a number of at most 2^53, or a time');
}

function number(value: unknown): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value !== 'string') return fail('number() takes text or a number');
  if (/^[+-]?\d{16,}$/.test(value)) return int(value);
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) && value.length <= 400 ? Number(value) : fail('this text is not a number');
}

function double(value: unknown): number {
  const sign = typeof value === 'string' ? /^([+-]?)(?:inf|infinity)$/i.exec(value)?.[1] : undefined;
  if (sign !== undefined) return sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return value === 'NaN' ? Number.NaN : Number(number(value));
}

function isInteger(value: unknown): boolean {
  return typeof value === 'bigint' || Number.isInteger(value);
}

function round(x: number): number {
  return Math.sign(x) * Math.round(Math.abs(x));
}

function narrowed(value: bigint): number | bigint {
  return isSafe(value) ? Number(value) : value;
}
