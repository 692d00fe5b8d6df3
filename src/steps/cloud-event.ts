/** A CloudEvent 1.0 in its two forms: its attributes in headers (binary), or all of it as JSON in the body (structured). */
import { isUtf8 } from 'node:buffer';
import { MqferryError } from '../errors.ts';
import type { Header, HeaderValue, Message } from '../message.ts';
import { bytesOf } from './base64-text.ts';
import { endOfValue, skipBetween } from './json-stream.ts';

/** What the attributes are called in headers, by the bindings of CloudEvents. */
export const prefixes = { kafka: 'ce_', amqp: 'cloudEvents:', jms: 'cloudEvents_', http: 'ce-', mqtt: '' } as const;
export type Binding = keyof typeof prefixes;

export const structuredType = 'application/cloudevents+json';

export interface CloudEvent {
  /** All but `datacontenttype`. */
  readonly attributes: ReadonlyMap<string, string | number | boolean>;
  readonly contentType: string | undefined;
  /** Null: there is none, which is not the same as empty. */
  readonly data: Buffer | null;
  /** Headers that are no attributes. */
  readonly headers: readonly Header[];
}

/** Throws DECODE_FAILED for what is neither form. */
export function readEvent(message: Message): CloudEvent & { readonly isStructured: boolean } {
  const media = (message.contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (media.startsWith('application/cloudevents') && media !== structuredType)
    throw broken('batches and formats other than JSON are not read here; a batch can be split first');
  const isStructured = media === structuredType;
  const event = isStructured ? readStructured(message) : readBinary(message);
  if (event.attributes.get('specversion') !== '1.0') throw broken('its specversion is not 1.0');
  for (const name of ['id', 'source', 'type']) {
    const value = event.attributes.get(name);
    if (typeof value !== 'string' || value === '') throw broken(`it has no ${name}`);
  }
  return { ...event, isStructured };
}

export function binaryHeaders({ attributes, headers }: CloudEvent, binding: Binding): Header[] {
  const written = (value: string) => (binding === 'http' ? percentEncoded(value) : value);
  return [...headers, ...[...attributes].map(([name, value]): Header => [prefixes[binding] + name, written(String(value))])];
}

/** As JSON. Data that is JSON stands in it as it is, text as text, all else in base64. */
export function structuredBody({ attributes, contentType, data }: CloudEvent): Buffer {
  const members = Object.fromEntries([...attributes, ...(contentType === undefined ? [] : [['datacontenttype', contentType] as const])]);
  const head = JSON.stringify(members).slice(0, -1);
  if (data === null) return Buffer.from(`${head}}`);
  if (isJsonType(contentType) && isJson(data)) return Buffer.concat([Buffer.from(`${head},"data":`), data, Buffer.from('}')]);
  if (isTextType(contentType) && isUtf8(data)) return Buffer.from(`${head},"data":${JSON.stringify(data.toString())}}`);
  return Buffer.from(`${head},"data_base64":"${data.toString('base64')}"}`);
}

function readBinary({ headers, contentType, body }: Message): CloudEvent {
  const binding = bindingOf(headers);
  const prefix = prefixes[binding];
  const attributes = new Map<string, string | number | boolean>();
  const others: Header[] = [];
  for (const header of headers) {
    const name = attributeName(header[0], prefix, binding);
    if (name === undefined) others.push(header);
    else if (attributes.has(name)) throw broken('an attribute stands there twice');
    else attributes.set(name, attributeValue(header[1], binding));
  }
  const inHeader = attributes.get('datacontenttype');
  attributes.delete('datacontenttype');
  return { attributes, contentType: contentType ?? (inHeader === undefined ? undefined : String(inHeader)), data: body, headers: others };
}

function bindingOf(headers: readonly Header[]): Binding {
  for (const binding of Object.keys(prefixes) as Binding[]) {
    if (headers.some(([name]) => attributeName(name, prefixes[binding], binding) === 'specversion')) return binding;
  }
  throw broken('neither a content type nor a specversion header says so');
}

/** Undefined for a header that is no attribute: their names are lower-case letters and digits. */
function attributeName(header: string, prefix: string, binding: Binding): string | undefined {
  const spelled = binding === 'http' ? header.slice(0, 100).toLowerCase() : header;
  if (!spelled.startsWith(prefix)) return undefined;
  const name = spelled.slice(prefix.length);
  return isAttributeName(name) ? name : undefined;
}

function isAttributeName(name: string): boolean {
  return name.length <= 100 && /^[a-z0-9]+$/.test(name) && name !== 'data';
}

function attributeValue(value: HeaderValue, binding: Binding): string | number | boolean {
  if (typeof value === 'string' && value.isWellFormed()) return binding === 'http' ? percentDecoded(value) : value;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' && value === (value | 0)) return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (Buffer.isBuffer(value) && isUtf8(value)) return binding === 'http' ? percentDecoded(value.toString()) : value.toString();
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  throw broken('an attribute is no text');
}

/** RFC 3986, as HTTP's binding has it: all but printable ASCII, and space, quote and percent. */
function percentEncoded(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (character) => encodeURIComponent(character));
}

function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value.replace(/%(?![0-9a-fA-F]{2})/g, '%25'));
  } catch {
    throw broken('an attribute is not percent-encoded UTF-8');
  }
}

function readStructured({ body, headers }: Message): CloudEvent {
  const { members, values } = parse(body);
  const attributes = new Map<string, string | number | boolean>();
  for (const [name, value] of Object.entries(values)) {
    if (name === 'data' || name === 'data_base64' || value === null) continue;
    if (!isAttributeName(name)) throw broken('an attribute has a name that none may have');
    if (typeof value !== 'string' && typeof value !== 'boolean' && value !== (Number(value) | 0))
      throw broken('an attribute is neither text, true, false nor a whole number');
    attributes.set(name, value as string | number | boolean);
  }
  const contentType = attributes.get('datacontenttype');
  attributes.delete('datacontenttype');
  if (contentType !== undefined && typeof contentType !== 'string') throw broken('its datacontenttype is no text');
  return { attributes, contentType, data: dataOf(members, values, contentType), headers };
}

function dataOf(
  members: ReadonlyMap<string, Buffer>,
  values: Readonly<Record<string, unknown>>,
  contentType: string | undefined,
): Buffer | null {
  const raw = members.get('data');
  const base64 = values['data_base64'];
  if (base64 !== undefined) {
    if (raw !== undefined) throw broken('it has data twice');
    return bytesOf(base64) ?? bad('its data_base64 is not base64');
  }
  if (raw === undefined) return null;
  const data = values['data'];
  if (isJsonType(contentType) || typeof data !== 'string') return raw;
  return data.isWellFormed() ? Buffer.from(data) : bad('its data is not well-formed text');
}

interface Parsed {
  /** The bytes of each member, as they stand. */
  readonly members: ReadonlyMap<string, Buffer>;
  readonly values: Readonly<Record<string, unknown>>;
}

function parse(body: Buffer | null): Parsed {
  const values = body !== null && isUtf8(body) ? parsed(body) : undefined;
  if (body === null || typeof values !== 'object' || values === null || Array.isArray(values)) return bad('the body is no JSON map');
  const members = new Map<string, Buffer>();
  for (let at = skipBetween(body, body.indexOf('{') + 1); body[at] !== 0x7d; ) {
    const endOfName = endOfValue(body, at);
    const name = JSON.parse(body.subarray(at, endOfName).toString()) as string;
    if (members.has(name)) throw broken('a name stands there twice');
    const start = skipBetween(body, body.indexOf(':', endOfName) + 1);
    const end = endOfValue(body, start);
    members.set(name, body.subarray(start, end));
    at = skipBetween(body, end);
    if (body[at] === 0x2c) at = skipBetween(body, at + 1);
  }
  return { members, values: values as Record<string, unknown> };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

function isJson(data: Buffer): boolean {
  return isUtf8(data) && parsed(data) !== undefined;
}

/** Of data without a type, JSON is what the structured form means. */
function isJsonType(contentType: string | undefined): boolean {
  return contentType === undefined || /^[\w.+-]{1,100}\/(?:[\w.+-]{1,100}\+)?json\s*(?:;|$)/i.test(contentType);
}

function isTextType(contentType: string | undefined): boolean {
  return contentType !== undefined && /^(?:text\/|[\w.+-]{1,100}\/(?:[\w.+-]{1,100}\+)?xml\s*(?:;|$))/i.test(contentType);
}

function broken(sentence: string): MqferryError {
  return new MqferryError('DECODE_FAILED', `this is not a CloudEvent: ${sentence}`);
}

function bad(sentence: string): never {
  throw broken(sentence);
}
