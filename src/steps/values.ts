/** Values of expressions as a message may have them. All throw STEP_FAILED with a sentence that does not quote the value. */
import { isUtf8 } from 'node:buffer';
import { MqferryError } from '../errors.ts';
import type { HeaderValue, Properties } from '../message.ts';

/** Null when there is none. */
export function keyValue(value: unknown): Buffer | null {
  if (value === null) return null;
  return Buffer.isBuffer(value) ? value : Buffer.from(text('key', value));
}

export function propertyValue(name: keyof Properties, value: unknown): Properties[keyof Properties] {
  if (value === null) return undefined;
  switch (name) {
    case 'timestamp':
    case 'expiresAt':
      return milliseconds(name, value);
    case 'priority':
      return priority(value);
    case 'persistent':
      return trueOrFalse(value);
    case 'correlationId':
      return Buffer.isBuffer(value) ? value : text(name, value);
    default:
      return text(name, value);
  }
}

/** Lists and maps keep their shape; text must be well-formed, as it will be written as UTF-8. */
export function headerValue(name: string, value: unknown): HeaderValue {
  switch (typeof value) {
    case 'boolean':
    case 'number':
      return value;
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? value : wrong(`header.${name}`, 'a number of at most 64 bits');
    case 'string':
      return text(`header.${name}`, value);
    default:
      return headerObject(name, value);
  }
}

/** Text that has a UTF-8 form: half a surrogate pair would silently become another character. */
export function wellFormed(name: string, value: string): string {
  return value.isWellFormed() ? value : wrong(name, 'well-formed Unicode text');
}

function headerObject(name: string, value: unknown): HeaderValue {
  if (value === null || Buffer.isBuffer(value) || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((item) => headerValue(name, item));
  if (typeof value !== 'object') return wrong(`header.${name}`, 'a value');
  return new Map(Object.entries(value).map(([key, item]) => [wellFormed(`header.${name}`, key), headerValue(name, item)]));
}

function text(name: string, value: unknown): string {
  if (typeof value === 'string') return wellFormed(name, value);
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  if (Buffer.isBuffer(value) && isUtf8(value)) return value.toString();
  return wrong(name, 'text');
}

function milliseconds(name: string, value: unknown): number {
  const ms = value instanceof Date ? value.getTime() : typeof value === 'string' ? fromText(value) : value;
  // The range of a Date, so that every sink can format it.
  if (typeof ms === 'number' && Number.isInteger(ms) && ms >= 0 && ms <= 8.64e15) return ms;
  return wrong(name, 'a time or milliseconds since 1970');
}

function fromText(value: string): number {
  if (/^\d{1,16}$/.test(value)) return Number(value);
  return /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : Number.NaN;
}

function priority(value: unknown): number {
  const number = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 255 ? number : wrong('priority', '0 to 255');
}

function trueOrFalse(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  return value === 'true' ? true : value === 'false' ? false : wrong('persistent', 'true or false');
}

function wrong(name: string, right: string): never {
  throw new MqferryError('STEP_FAILED', `${name} must be ${right}`);
}
