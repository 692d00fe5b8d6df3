/** Bits of whole numbers, as CEL's math extension has them: 64 of them, two's complement. */
import { fail } from '../failure.ts';
import { isSafe } from '../result.ts';
import type { Entry } from './registry.ts';

export const bits: readonly Entry[] = [
  both('And', 'the bits that both numbers have', 'math.bitAnd(6, 3) == 2', (a, b) => a & b),
  both('Or', 'the bits that one of them has', 'math.bitOr(6, 3) == 7', (a, b) => a | b),
  both('Xor', 'the bits that only one of them has', 'math.bitXor(6, 3) == 5', (a, b) => a ^ b),
  ['math.bitNot(dyn): dyn', 'the other bits', 'math.bitNot(0) == -1', (_: unknown, a: unknown) => narrowed(~whole(a))],
  both('ShiftLeft', 'moved up by so many places', 'math.bitShiftLeft(1, 4) == 16', (a, by) => (places(by) > 63n ? 0n : a << by)),
  both('ShiftRight', 'moved down by so many places; zeros come in', 'math.bitShiftRight(16, 4) == 1', (a, by) =>
    places(by) > 63n ? 0n : BigInt.asUintN(64, a) >> by,
  ),
];

function both(name: string, doc: string, example: string, run: (a: bigint, b: bigint) => bigint): Entry {
  return [`math.bit${name}(dyn, dyn): dyn`, doc, example, (_: unknown, a: unknown, b: unknown) => narrowed(run(whole(a), whole(b)))];
}

function whole(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : fail('bits are of whole numbers');
}

function places(by: bigint): bigint {
  return by < 0n ? fail('a number of places is not negative') : by;
}

function narrowed(value: bigint): number | bigint {
  const signed = BigInt.asIntN(64, value);
  return isSafe(signed) ? Number(signed) : signed;
}
