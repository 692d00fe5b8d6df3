/**
 * A message as JSON, both ways:
 *
 *   { "id", "key", "group", "correlationId", "replyTo", "timestamp", "expiresAt", "priority", "persistent", "type", "appId", "contentType",
 *     "contentEncoding", "headers": { "name": "text" or ["one", "two"] }, and the body as one of "body" (text), "json", "base64" }
 *
 * Times are milliseconds since 1970; no body, or null, is a tombstone; a key that is no text is "keyBase64".
 */
import { isUtf8 } from 'node:buffer';
import { type Header, Message, type MessageInit, type Properties } from '../../src/connector.ts';

export type Json = Record<string, unknown>;

const textNames = ['id', 'group', 'correlationId', 'replyTo', 'contentType', 'contentEncoding', 'type', 'appId'] as const;
const numberNames = ['timestamp', 'expiresAt', 'priority'] as const;
const others = ['key', 'keyBase64', 'persistent', 'headers', 'body', 'json', 'base64'] as const;
const names = new Set<string>([...textNames, ...numberNames, ...others]);

/** Throws a TypeError that says what is wrong. */
export function messageOf(given: unknown): Message {
  if (!isObject(given)) throw new TypeError('a message must be an object');
  for (const name of Object.keys(given)) if (!names.has(name)) throw new TypeError(`a message has no ${JSON.stringify(name.slice(0, 80))}`);
  const init: { -readonly [K in keyof Properties]?: unknown } = {};
  for (const name of textNames) if (has(given, name)) init[name] = textOf(given[name], name);
  for (const name of numberNames) if (has(given, name)) init[name] = numberOf(given[name], name);
  if (has(given, 'persistent')) init.persistent = given['persistent'] === true;
  if (has(given, 'json') && init.contentType === undefined) init.contentType = 'application/json';
  return new Message({ ...(init as Partial<MessageInit>), body: bodyOf(given), key: keyOf(given), headers: headersOf(given['headers']) });
}

/** What a message is on the wire. */
export function jsonOf(message: Message): Json {
  const json: Json = {};
  for (const name of [...textNames, ...numberNames, 'persistent'] as const) if (message[name] !== undefined) json[name] = message[name];
  const { key, body, headers } = message;
  if (key !== null) Object.assign(json, isUtf8(key) ? { key: key.toString() } : { keyBase64: key.toString('base64') });
  if (headers.length > 0) json['headers'] = Object.fromEntries(groupedByName(headers));
  if (body === null) json['body'] = null;
  else Object.assign(json, isUtf8(body) ? { body: body.toString() } : { base64: body.toString('base64') });
  return json;
}

/** A request that is one message: its body, and headers of HTTP that begin with `x-message-` (properties, key) or `x-header-`. */
export function plainMessage(body: Buffer, http: Readonly<Record<string, string | string[] | undefined>>): Message {
  const given: Json = { base64: body.toString('base64') };
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(http)) {
    if (typeof value !== 'string') continue;
    if (name.startsWith('x-header-')) headers[name.slice('x-header-'.length)] = value;
    else if (name.startsWith('x-message-')) given[camel(name.slice('x-message-'.length))] = value;
  }
  for (const name of numberNames) if (typeof given[name] === 'string' && given[name] !== '') given[name] = Number(given[name]);
  if (typeof given['persistent'] === 'string') given['persistent'] = given['persistent'] === 'true';
  if (typeof http['content-type'] === 'string') given['contentType'] ??= http['content-type'];
  if (typeof http['content-encoding'] === 'string') given['contentEncoding'] ??= http['content-encoding'];
  return messageOf({ ...given, headers });
}

function bodyOf(given: Json): Buffer | null {
  const kinds = (['body', 'json', 'base64'] as const).filter((name) => has(given, name));
  if (kinds.length > 1) throw new TypeError(`a message has one body, not ${kinds.join(' and ')}`);
  const [kind] = kinds;
  if (kind === undefined) return null;
  if (kind === 'json') return Buffer.from(JSON.stringify(given['json']));
  if (kind === 'body') return Buffer.from(textOf(given['body'], 'body'));
  return base64Of(given['base64'], 'base64');
}

function keyOf(given: Json): Buffer | null {
  if (has(given, 'key')) return Buffer.from(textOf(given['key'], 'key'));
  return has(given, 'keyBase64') ? base64Of(given['keyBase64'], 'keyBase64') : null;
}

function headersOf(given: unknown): Header[] {
  if (given === undefined || given === null) return [];
  if (!isObject(given)) throw new TypeError('`headers` must be an object');
  return Object.entries(given).flatMap(([name, value]): Header[] =>
    (Array.isArray(value) ? value : [value]).map((one) => [name, textOf(one, `the header ${JSON.stringify(name.slice(0, 80))}`)]),
  );
}

function groupedByName(headers: Message['headers']): Map<string, unknown> {
  const found = new Map<string, unknown[]>();
  for (const [name, value] of headers) found.set(name, [...(found.get(name) ?? []), value]);
  return new Map([...found].map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

function textOf(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`${what} must be text`);
}

function numberOf(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new TypeError(`${what} must be a number`);
}

function base64Of(value: unknown, what: string): Buffer {
  const text = textOf(value, what);
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return Buffer.from(text, 'base64');
  throw new TypeError(`${what} must be base64`);
}

/** There, and not null. */
function has(given: Json, name: string): boolean {
  return Object.hasOwn(given, name) && given[name] !== null && given[name] !== undefined;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
