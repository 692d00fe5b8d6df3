/** One message against what is expected of it. */
import { isUtf8 } from 'node:buffer';
import { describeError } from '../errors.ts';
import { type HeaderValue, type Message, type Properties, propertyNames, Typed } from '../message.ts';
import { parseTarget } from '../steps/target.ts';
import type { Expected, ExpectedLetter } from './fields.ts';
import { type Difference, jsonDiff, nothing, shown } from './json-diff.ts';
import { bodyKeys, propertiesOf } from './messages.ts';
import type { Taken } from './sink.ts';

export function compare(expected: Expected, { message, to }: Taken): Difference[] {
  return [
    ...bodyDiff(expected, message),
    ...(expected.key === undefined ? [] : jsonDiff('key', expected.key, keyOf(message), false)),
    ...propertyDiff(expected, message),
    ...Object.entries(expected.headers).flatMap(([name, value]) => headerDiff(name, value, message)),
    ...Object.entries(expected.to).flatMap(([name, value]) => jsonDiff(`to.${name}`, value, to[name], false)),
    ...expected.without.flatMap((target) => presence(target, message)),
    ...conditionDiff(expected, message),
    ...(expected.exact ? excess(expected, message) : []),
  ];
}

export function compareLetter(expected: ExpectedLetter, taken: Taken): Difference[] {
  const { message } = taken;
  const code = headerOf(message, 'mqf-error-code');
  const reason = String(headerOf(message, 'mqf-error-message') ?? '');
  return [
    ...(expected.code === undefined ? [] : jsonDiff('code', expected.code, code, false)),
    ...(expected.reason === undefined || reason.includes(expected.reason)
      ? []
      : [{ what: 'reason', expected: `… ${expected.reason} …`, found: reason }]),
    ...compare(expected, taken),
  ];
}

function bodyDiff(expected: Expected, message: Message): Difference[] {
  const { body } = message;
  if (expected.tombstone) return body === null ? [] : [{ what: 'body', expected: 'a tombstone', found: bodyText(body) }];
  const isExpected = bodyKeys(expected).length > 0 || expected.contains !== undefined;
  if (!isExpected) return [];
  if (body === null) return [{ what: 'body', expected: 'a body', found: 'a tombstone' }];
  if (expected.text !== undefined) return jsonDiff('text', expected.text, textOf(body), false);
  if (expected.base64 !== undefined) return jsonDiff('base64', expected.base64, body.toString('base64'), false);
  const json = parsed(body);
  if (json === undefined) return [{ what: 'body', expected: 'JSON', found: bodyText(body) }];
  const contains = expected.contains !== undefined;
  return jsonDiff('json', contains ? expected.contains : expected.json, json, contains);
}

function propertyDiff(expected: Expected, message: Message): Difference[] {
  return Object.entries(propertiesOf(expected)).flatMap(([name, value]) =>
    jsonDiff(name, shownProperty(value), shownProperty(message[name as keyof Properties]), false),
  );
}

function shownProperty(value: Properties[keyof Properties]): unknown {
  return Buffer.isBuffer(value) ? textOf(value) : value;
}

/** Of a repeated header all values. */
function headerDiff(name: string, expected: unknown, { headers }: Message): Difference[] {
  const values = headers.filter(([each]) => each === name).map(([, value]) => plain(value));
  const what = `header.${name}`;
  if (values.length === 0) return [{ what, expected: shown(expected), found: nothing }];
  return jsonDiff(what, expected, values.length === 1 ? values[0] : values, false);
}

function presence(name: string, message: Message): Difference[] {
  const found = there(name, message);
  return found === undefined || found === null ? [] : [{ what: name, expected: nothing, found: shown(found) }];
}

function there(name: string, message: Message): unknown {
  const target = parseTarget(name);
  if (target.kind === 'property') return shownProperty(message[target.name]);
  if (target.kind === 'header') return headerOf(message, target.name);
  if (target.kind !== 'path') return target.kind === 'key' ? keyOf(message) : message.body && bodyText(message.body);
  let node = message.body === null ? undefined : parsed(message.body);
  for (const step of target.path)
    node = typeof node === 'object' && node !== null && Object.hasOwn(node, step) ? node[step as keyof typeof node] : undefined;
  return node;
}

function conditionDiff({ holds }: Expected, message: Message): Difference[] {
  if (holds === undefined) return [];
  try {
    return holds(message) === true ? [] : [{ what: 'holds', expected: holds.text, found: 'it is false' }];
  } catch (error) {
    return [{ what: 'holds', expected: holds.text, found: describeError(error) }];
  }
}

/** What mqferry itself adds. */
const ours = /^mqf-(?:hops|id|error-.*)$/;

function excess(expected: Expected, message: Message): Difference[] {
  const more: [string, unknown][] = [];
  for (const [name, value] of message.headers)
    if (!ours.test(name) && !Object.hasOwn(expected.headers, name)) more.push([`header.${name}`, plain(value)]);
  for (const name of propertyNames)
    if (message[name] !== undefined && expected[name] === undefined) more.push([name, shownProperty(message[name])]);
  if (message.key !== null && expected.key === undefined) more.push(['key', keyOf(message)]);
  const isBodyExpected = bodyKeys(expected).length > 0 || expected.contains !== undefined;
  if (message.body !== null && message.body.length > 0 && !isBodyExpected) more.push(['body', bodyText(message.body)]);
  return more.map(([what, found]) => ({ what, expected: nothing, found: shown(found) }));
}

/** The message in lines of `name: value`. */
export function messageLines({ message, to }: Taken): string[] {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(to)) lines.push(`to.${name}: ${value}`);
  if (message.key !== null) lines.push(`key: ${String(keyOf(message))}`);
  for (const name of propertyNames) if (message[name] !== undefined) lines.push(`${name}: ${String(shownProperty(message[name]))}`);
  for (const [name, value] of message.headers) if (!/^mqf-(?:hops|id)$/.test(name)) lines.push(`header.${name}: ${shown(plain(value))}`);
  lines.push(message.body === null ? 'a tombstone' : `body: ${bodyText(message.body)}`);
  return lines;
}

function keyOf({ key }: Message): string | undefined {
  return key === null ? undefined : textOf(key);
}

function headerOf(message: Message, name: string): unknown {
  const value = message.header(name);
  return value === undefined ? undefined : plain(value);
}

function plain(value: HeaderValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Buffer.isBuffer(value)) return textOf(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Typed) return plain(value.value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, item]) => [name, plain(item as HeaderValue)]));
  return (value as readonly HeaderValue[]).map(plain);
}

function textOf(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString() : `base64 ${bytes.toString('base64')}`;
}

const longest = 400;

function bodyText(body: Buffer): string {
  const text = textOf(body);
  return text.length > longest ? `${text.slice(0, longest)}… (${body.length} bytes)` : text;
}

/** Undefined when it is not JSON. Whole numbers keep all their digits. */
function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString(), exactly as Parameters<typeof JSON.parse>[1]);
  } catch {
    return undefined;
  }
}

function exactly(_name: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  const isRounded = typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) && !Number.isSafeInteger(value);
  return isRounded ? BigInt(source) : value;
}
