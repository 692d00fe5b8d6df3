/** Which header values a field table holds as they are. The others would be refused, or come back as something else. */
import { isUtf8 } from 'node:buffer';
import { type HeaderValue, Typed } from '../../src/connector.ts';
import { isShort } from './bytes.ts';
import { decimalParts, depthMax, smallIntegers } from './table.ts';

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

export function isKept(value: HeaderValue): boolean {
  return isKeptAt(value, 0);
}

function isKeptAt(value: HeaderValue, depth: number): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'bigint') return value >= int64Min && value <= int64Max;
  if (value === null || typeof value === 'boolean' || Buffer.isBuffer(value)) return true;
  if (value instanceof Date) return value.getTime() >= 0;
  if (value instanceof Typed) return isKeptTyped(value);
  return depth < depthMax && areKept(value as readonly HeaderValue[] | ReadonlyMap<string, HeaderValue>, depth + 1);
}

function areKept(values: readonly HeaderValue[] | ReadonlyMap<string, HeaderValue>, depth: number): boolean {
  if (!(values instanceof Map)) return (values as readonly HeaderValue[]).every((value) => isKeptAt(value, depth));
  for (const [name, value] of values as ReadonlyMap<string, HeaderValue>) if (!isShort(name) || !isKeptAt(value, depth)) return false;
  return true;
}

function isKeptTyped({ type, value }: Typed): boolean {
  if (Object.hasOwn(smallIntegers, type)) {
    const [, , min, max] = smallIntegers[type] as (typeof smallIntegers)[string];
    return Number.isInteger(value) && (value as number) >= min && (value as number) <= max && !Object.is(value, -0);
  }
  switch (type) {
    case 'double':
      return Number.isSafeInteger(value);
    case 'float':
      return Number.isFinite(value) && Math.fround(value as number) === value;
    case 'longstr':
      return Buffer.isBuffer(value) && !isUtf8(value);
    case 'timestamp':
      return typeof value === 'bigint' && value > 8_640_000_000_000n && value < 2n ** 64n;
    case 'decimal':
      return typeof value === 'string' && decimalParts(value) !== undefined;
    default:
      return false; // a type of another protocol
  }
}
