import { isUtf8 } from 'node:buffer';
import { type HeaderValue, type Message, propertyNames, Typed } from '../../src/connector.ts';

const newline = Buffer.from('\n');
const noBytes = Buffer.alloc(0);

/** The body and a newline. On a terminal, control characters are shown and not obeyed: a message must not repaint somebody's screen. */
export function textLine(isTerminal: boolean): (message: Message) => Buffer {
  if (!isTerminal) return (message) => Buffer.concat([message.body ?? noBytes, newline]);
  return (message) => Buffer.from(`${(message.body?.toString() ?? '').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, escaped)}\n`);
}

function escaped(control: string): string {
  return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** One JSON object per line. Bytes that are not UTF-8 are given as base64, under a name that says so. */
export function jsonLine(message: Message): Buffer {
  const line: Record<string, unknown> = {};
  addBytes(line, 'key', message.key);
  for (const name of propertyNames) {
    const value = message[name];
    if (value !== undefined) line[name] = plain(value);
  }
  if (message.headers.length > 0) line['headers'] = message.headers.map(([name, value]) => [name, plain(value)]);
  if (message.body === null) line['body'] = null;
  else addBytes(line, 'body', message.body);
  return Buffer.from(`${JSON.stringify(line)}\n`);
}

function addBytes(line: Record<string, unknown>, name: string, bytes: Buffer | null): void {
  if (bytes === null) return;
  if (isUtf8(bytes)) line[name] = bytes.toString();
  else line[`${name}Base64`] = bytes.toString('base64');
}

/** For people to read, not to be read back. */
function plain(value: HeaderValue): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (Buffer.isBuffer(value)) return isUtf8(value) ? value.toString() : { base64: value.toString('base64') };
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Typed) return plain(value.value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, item]) => [name, plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  return value;
}
