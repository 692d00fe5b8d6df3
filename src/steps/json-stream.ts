/** JSON values one behind the other, as the bytes they are: NDJSON, concatenated JSON, RFC 7464. */
import { MqferryError } from '../errors.ts';

const quote = 0x22;
const backslash = 0x5c;

/** Where each value stands. Throws DECODE_FAILED when something else is between them, or the last one never ends. At most `max` and one. */
export function jsonValues(bytes: Buffer, max: number): Buffer[] {
  const values: Buffer[] = [];
  for (let at = skipBetween(bytes, startOf(bytes)); at < bytes.length && values.length <= max; ) {
    const end = endOfValue(bytes, at);
    values.push(asValue(bytes.subarray(at, end), values.length));
    at = skipBetween(bytes, end);
  }
  return values;
}

/** Where the value that starts at `at` ends. What is inside it is not judged. */
export function endOfValue(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  if (first === quote) return endOfText(bytes, at);
  if (!isOpen(first)) return endOfWord(bytes, at);
  let depth = 0;
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte === quote) i = endOfText(bytes, i) - 1;
    else if (isOpen(byte)) depth++;
    else if (isClose(byte) && --depth === 0) return i + 1;
  }
  return neverEnds();
}

/** The next byte that is neither white space nor, between values, a record separator. */
export function skipBetween(bytes: Buffer, at: number): number {
  let next = at;
  while (next < bytes.length && isBetween(bytes[next] as number)) next++;
  return next;
}

function startOf(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0; // a byte order mark
}

function asValue(value: Buffer, index: number): Buffer {
  try {
    JSON.parse(value.toString());
    return value;
  } catch {
    throw new MqferryError('DECODE_FAILED', `value ${index} of the body is not JSON`); // What V8 says quotes the body.
  }
}

function endOfText(bytes: Buffer, at: number): number {
  for (let i = at + 1; i < bytes.length; i++) {
    if (bytes[i] === backslash) i++;
    else if (bytes[i] === quote) return i + 1;
  }
  return neverEnds();
}

function endOfWord(bytes: Buffer, at: number): number {
  let end = at + 1;
  while (end < bytes.length && !isBetween(bytes[end] as number) && !isMark(bytes[end] as number)) end++;
  return end;
}

function isOpen(byte: number): boolean {
  return byte === 0x7b || byte === 0x5b;
}

function isClose(byte: number): boolean {
  return byte === 0x7d || byte === 0x5d;
}

/** What ends a number or a name, though nothing is between. */
function isMark(byte: number): boolean {
  return byte === quote || byte === 0x2c || byte === 0x3a || isOpen(byte) || isClose(byte);
}

function isBetween(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === 0x1e;
}

function neverEnds(): never {
  throw new MqferryError('DECODE_FAILED', 'the last JSON value of the body never ends');
}
