import { isUtf8 } from 'node:buffer';
import type { Carries } from '../carries.ts';
import { type Header, type Headers, type HeaderValue, type Message, type MessageInit, type Properties, propertyNames } from '../message.ts';
import { escapedPrefix, headerOfProperty, isPlainName, isReason, isStamp, propertyOfPlain } from './names.ts';
import { decode, fromText, headerMark, wireText } from './text.ts';

/**
 * The message as it was before `outbound`, exactly, when the source is trusted; `carries` is what the source has a place for: there a header is
 * only a header. Else its `mqf-` headers are renamed to `mqf-h-mqf-...`: data, not orders. `mqf-hops` stays either way.
 */
export function inbound(trusted: boolean, carries?: Carries): (message: Message) => Message {
  if (!trusted) return disarmed;
  const properties = propertiesAmongHeaders(carries);
  return (message) => opened(message, properties);
}

type PropertyOf = ReadonlyMap<string, keyof Properties>;

/** The properties that come in headers, by the names of these. */
function propertiesAmongHeaders(carries: Carries | undefined): PropertyOf {
  const named = new Map<string, keyof Properties>(propertyNames.map((name) => [headerOfProperty[name], name]));
  for (const [name, property] of Object.entries(propertyOfPlain)) {
    if (carries?.headers !== 'typed' && !carries?.properties.includes(property)) named.set(name, property);
  }
  return named;
}

function disarmed(message: Message): Message {
  const { headers } = message;
  let isClean = true;
  for (let i = 0; i < headers.length && isClean; i++) isClean = !isOurs((headers[i] as Header)[0]);
  if (isClean) return message;
  return message.change({ headers: message.headers.map(([name, value]) => [isOurs(name) ? `mqf-h-${name}` : name, value] as const) });
}

/** Ours, and believed only when it comes from ourselves. */
function isOurs(name: string): boolean {
  if (name.length < 4 || name.slice(0, 4).toLowerCase() !== 'mqf-') return false;
  const lower = name.toLowerCase();
  return lower !== 'mqf-hops' && !lower.startsWith('mqf-h-');
}

function opened(message: Message, propertyOf: PropertyOf): Message {
  const { headers } = message;
  if (!headers.some(([name]) => name.startsWith('mqf-') || propertyOf.has(name))) return message;
  const types = new Types(headers);
  const changes: Changes = { headers: [] };
  const placed: Placed[] = [];
  for (const [name, wire] of headers) {
    if (name === 'mqf-types') continue;
    const code = types.next(name);
    const value = types.read(wire, code);
    if (takeProperty(message, changes, name, value, code, propertyOf)) continue;
    const own = ownName(name);
    if (isMulti(code)) takeRepeats(own, value, code as string, changes.headers, placed);
    else changes.headers.push([own, value]);
  }
  if (placed.length > 0) changes.headers = arranged(changes.headers, placed);
  return message.change(changes);
}

/** The name that the user gave it. What would be taken for ours under that name stays hidden: a stranger has written it. */
function ownName(name: string): string {
  let own = name;
  if (name.startsWith('mqf-h-')) own = name.slice('mqf-h-'.length);
  else if (name.startsWith(escapedPrefix)) own = decode(name.slice(escapedPrefix.length));
  return isStamp(own) || isReason(own) ? name : own;
}

interface Placed {
  readonly place: number;
  readonly header: Header;
}

function isMulti(code: string | undefined): boolean {
  return code !== undefined && /^multi(?:@|$)/.test(code);
}

/** The items of a list that stands for a repeated header: behind each other, or each where it stood. */
function takeRepeats(name: string, value: HeaderValue, code: string, headers: Header[], placed: Placed[]): void {
  const places = code.slice('multi@'.length).split(',');
  asList(value).forEach((item, i) => {
    const header: Header = [name, item];
    if (code === 'multi') headers.push(header);
    else placed.push({ place: Number(places[i]), header });
  });
}

/** The placed ones at their places, the others around them in their order. Places that cannot be are the next ones that are free. */
function arranged(others: readonly Header[], placed: readonly Placed[]): Header[] {
  const count = others.length + placed.length;
  const result = new Array<Header | undefined>(count);
  const rest = [...others];
  for (const { place, header } of placed) {
    if (Number.isInteger(place) && place >= 0 && place < count && result[place] === undefined) result[place] = header;
    else rest.push(header);
  }
  let next = 0;
  return Array.from(result, (header) => header ?? (rest[next++] as Header));
}

type Changes = { -readonly [K in keyof Properties]?: Properties[K] } & { headers: Header[]; key?: Buffer; body?: null };

/** What `mqf-types` says, asked in the order of the headers. */
class Types {
  readonly #codes = new Map<string, string>();
  readonly #seen = new Map<string, number>();
  readonly #textIsPlain: boolean;

  constructor(headers: Headers) {
    const header = headers.find(([name]) => name === 'mqf-types');
    for (const entry of (header ? (wireText(header[1]) ?? '') : '').split(';')) {
      const at = entry.indexOf('=');
      if (at >= 0) this.#codes.set(entry.slice(0, at), entry.slice(at + 1));
    }
    this.#textIsPlain = this.#codes.delete('*');
    for (const [key, code] of [...this.#codes]) {
      this.#codes.delete(key);
      const hash = key.indexOf('#');
      this.#codes.set(hash < 0 ? `${decode(key)}#0` : `${decode(key.slice(0, hash))}${key.slice(hash)}`, code);
    }
  }

  /** The code of the next header of this name. */
  next(name: string): string | undefined {
    if (this.#codes.size === 0) return undefined;
    const before = this.#seen.get(name) ?? 0;
    this.#seen.set(name, before + 1);
    return this.#codes.get(`${name}#${before}`);
  }

  read(wire: HeaderValue, code: string | undefined): HeaderValue {
    if (isMulti(code)) return Array.isArray(wire) ? wire : orElse(fromText(wire, 'json'), wire);
    if (code !== undefined) return orElse(fromText(wire, isMarked(code) ? code.slice(headerMark.length + 1) : code), wire);
    return this.#textIsPlain && Buffer.isBuffer(wire) && isUtf8(wire) ? wire.toString() : wire;
  }
}

function isMarked(code: string | undefined): boolean {
  return code !== undefined && (code === headerMark || code.startsWith(`${headerMark}.`));
}

/** Null is a value. */
function orElse(value: HeaderValue | undefined, wire: HeaderValue): HeaderValue {
  return value === undefined ? wire : value;
}

function asList(value: HeaderValue): readonly HeaderValue[] {
  return Array.isArray(value) ? value : [value];
}

/** False when this header is not a property, or does not hold one. */
function takeProperty(
  message: Message,
  changes: Changes,
  name: string,
  value: HeaderValue,
  code: string | undefined,
  propertyOf: PropertyOf,
): boolean {
  if (name === 'mqf-key') return takeKey(changes, value);
  if (name === 'mqf-tombstone') return takeTombstone(message, changes, value);
  const property = propertyOf.get(name);
  if (property === undefined) return false;
  if (isPlainName(name) && (isMarked(code) || !isLoneProperty(message, name, property))) return false;
  const read = propertyValue(property, value, code);
  if (read === undefined) return false;
  changes[property] = read as never;
  return true;
}

function takeKey(changes: Changes, value: HeaderValue): boolean {
  if (Buffer.isBuffer(value)) changes.key = value;
  else if (typeof value === 'string') changes.key = Buffer.from(value);
  return changes.key !== undefined;
}

function takeTombstone(message: Message, changes: Changes, value: HeaderValue): boolean {
  if (wireText(value) !== 'true' || message.body?.length !== 0) return false;
  changes.body = null;
  return true;
}

/** A `content-type` header is the property when nothing else claims to be. */
function isLoneProperty(message: Message, name: string, property: keyof Properties): boolean {
  const rivals = message.headers.filter(([other]) => other === headerOfProperty[property] || other.toLowerCase() === name);
  return message[property] === undefined && rivals.length === 1;
}

function propertyValue(property: keyof Properties, value: HeaderValue, code: string | undefined): MessageInit[keyof Properties] {
  // Unmarked bytes that are UTF-8 were text: bytes like these are marked.
  if (property === 'correlationId' && Buffer.isBuffer(value) && (code !== undefined || !isUtf8(value))) return value;
  const text = Buffer.isBuffer(value) && !isUtf8(value) ? undefined : wireText(value);
  if (text === undefined) return undefined;
  if (property === 'persistent') return text === 'true';
  if (property !== 'timestamp' && property !== 'expiresAt' && property !== 'priority') return text;
  const number = Number(text);
  return Number.isNaN(number) ? undefined : number;
}
