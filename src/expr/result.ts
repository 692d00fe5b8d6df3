/** What an expression yields, as the rest of the program may have it. */
import { isUtf8 } from 'node:buffer';
import { Optional } from '@marcbachmann/cel-js';
import { spendOnValues, spendText } from './budget.ts';
import { fail } from './failure.ts';

const depthMax = 250;

/**
 * Plain JavaScript: null, boolean, number, text, Buffer, Date, arrays and objects; bigint only where a number would round. An empty
 * optional is null. What needs no change is not copied, and may be a part of the body: it is never changed.
 */
export function plain(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      // The same text may stand in a result many times over.
      if (depth > 0) spendText(value.length);
      return value;
    case 'bigint':
      return isSafe(value) ? Number(value) : value;
    case 'object':
      return value === null ? null : plainObject(value, depth);
    default:
      return value;
  }
}

/** As text: for templates. Null, lists, maps and numbers that are none have no text. */
export function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? String(value) : fail('it is not a finite number');
    default:
      return textOfObject(value);
  }
}

/** Whether a number holds it without rounding. */
export function isSafe(value: bigint): boolean {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
}

/** Sets an own property whatever its name is. */
export function put(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else target[name] = value;
}

function plainObject(value: object, depth: number): unknown {
  if (value instanceof Date) return value;
  if (value instanceof Uint8Array) {
    spendText(depth > 0 ? value.length : 0);
    return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.length);
  }
  if (value instanceof Optional) return plain(value.orValue(null), depth);
  if (depth > depthMax) fail('the result is nested too deep');
  if (Array.isArray(value)) return plainList(value, depth);
  if (value instanceof Map) return plainMap(value, depth);
  if (Object.getPrototypeOf(value) === Object.prototype) return plainRecord(value as Record<string, unknown>, depth);
  // CEL's own: durations and unsigned integers have a text, types and namespaces have no place outside.
  const tag = Object.prototype.toString.call(value);
  return tag.includes('Duration') ? String(value) : fail('this is not a value');
}

function plainList(list: readonly unknown[], depth: number): readonly unknown[] {
  spendOnValues(list.length);
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = plain(list[i], depth + 1);
    if (item !== list[i]) (copy ??= [...list])[i] = item;
  }
  return copy ?? list;
}

function plainRecord(record: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const name of Object.keys(record)) {
    spendOnValues(1);
    spendText(name.length);
    const item = plain(record[name], depth + 1);
    if (item !== record[name]) put((copy ??= { ...record }), name, item);
  }
  return copy ?? record;
}

function plainMap(entries: Iterable<[unknown, unknown]>, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, item] of entries) {
    const key = String(name);
    spendOnValues(1);
    spendText(key.length);
    put(object, key, plain(item, depth + 1));
  }
  return object;
}

function textOfObject(value: unknown): string {
  if (value === null || value === undefined) fail('it is null; use default(...) to say what to write then');
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array)
    return isUtf8(value) ? Buffer.from(value).toString() : fail('these bytes are not text; use base64.encode(...)');
  if (value instanceof Optional) return textOf(value.orValue(null));
  const tag = Object.prototype.toString.call(value);
  return tag.includes('Duration') ? String(value) : fail('a list or map is not text; use json.stringify(...)');
}
