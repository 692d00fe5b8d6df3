/** Numbers: all are doubles, but whole numbers from headers and bodies that a double would round; they may only be compared and shown. */
import type { Environment } from '@marcbachmann/cel-js';
import { fail } from '../failure.ts';
import { isSafe } from '../result.ts';
import type { Entry } from './registry.ts';

export const numbers: readonly Entry[] = [
  ['int(dyn): dyn', 'a whole number of text or a number, cut off after the point', int],
  ['number(dyn): dyn', 'a number of text', number],
  ['math.round(double): double', 'to the nearest whole number', (_: unknown, x: number) => Math.sign(x) * Math.round(Math.abs(x))],
  ['math.floor(double): double', 'the next whole number below', (_: unknown, x: number) => Math.floor(x)],
  ['math.ceil(double): double', 'the next whole number above', (_: unknown, x: number) => Math.ceil(x)],
  ['math.trunc(double): double', 'cut off after the point', (_: unknown, x: number) => Math.trunc(x)],
  ['math.abs(double): double', 'without its sign', (_: unknown, x: number) => Math.abs(x)],
  ['math.least(double, double): double', 'the lesser', (_: unknown, a: number, b: number) => Math.min(a, b)],
  ['math.greatest(double, double): double', 'the greater', (_: unknown, a: number, b: number) => Math.max(a, b)],
];

/** CEL does not calculate with an int and a double together, nor takes the remainder of doubles. */
export function registerMixedNumbers(environment: Environment): void {
  const operators = { '+': add, '-': subtract, '*': multiply, '/': divide, '%': remainder };
  for (const [operator, run] of Object.entries(operators)) {
    environment.registerOperator(`int ${operator} double: double`, (a: bigint, b: number) => run(exact(a), b));
    environment.registerOperator(`double ${operator} int: double`, (a: number, b: bigint) => run(a, exact(b)));
  }
  environment.registerOperator('double % double', remainder);
  // biome-ignore lint/suspicious/noDoubleEquals: bigint against number is only equal this way, and then exactly.
  environment.registerOperator('int == double', (a: bigint, b: number) => a == (b as unknown as bigint));
}

function exact(value: bigint): number {
  return isSafe(value) ? Number(value) : fail('this whole number is beyond 2^53: compare it or make it text');
}

function int(value: unknown): number | bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string')
    return /^[+-]?\d{1,40}$/.test(value) ? narrowed(BigInt(value.replace('+', ''))) : fail('this text is not a whole number');
  if (typeof value === 'number' && Number.isSafeInteger(Math.trunc(value))) return Math.trunc(value);
  return fail('int() takes text or a number of at most 2^53');
}

function number(value: unknown): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value !== 'string') return fail('number() takes text or a number');
  if (/^[+-]?\d{16,}$/.test(value)) return int(value);
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) && value.length <= 400 ? Number(value) : fail('this text is not a number');
}

function narrowed(value: bigint): number | bigint {
  return isSafe(value) ? Number(value) : value;
}

function add(a: number, b: number): number {
  return a + b;
}
function subtract(a: number, b: number): number {
  return a - b;
}
function multiply(a: number, b: number): number {
  return a * b;
}
function divide(a: number, b: number): number {
  return a / b;
}
function remainder(a: number, b: number): number {
  return b === 0 ? fail('division by zero') : a % b;
}
