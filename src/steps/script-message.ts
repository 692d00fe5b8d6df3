/** What a script sees of a message, and what it may give back. All of it is a copy: what was received cannot be changed by a script. */
import { MqferryError } from '../errors.ts';
import { type Header, type HeaderValue, type Message, type Properties, propertyNames, Typed } from '../message.ts';
import { bodyChange, type Change } from './json.ts';
import { headerValue, keyValue, propertyValue, wellFormed } from './values.ts';

/** A message as a script sees it. Whatever it is asked for is made anew each time. */
export interface ScriptMessage extends Properties {
  /** The bytes; null for a tombstone. */
  readonly body: Buffer | null;
  readonly key: Buffer | null;
  readonly headers: Header[];
  readonly origin: Readonly<Record<string, string | number | bigint | boolean | null>>;
  /** The body as JSON; null for a tombstone. Throws when it is not JSON. */
  json(): unknown;
  /** The first header of this name. */
  header(name: string): HeaderValue | undefined;
}

/** What a script changes; what it does not name stays. Null removes. A body that is a map or list becomes JSON. */
export interface ScriptChanges extends Partial<{ readonly [K in keyof Properties]: Properties[K] | Date | null }> {
  readonly body?: unknown;
  readonly key?: string | Uint8Array | null;
  readonly headers?: readonly (readonly [name: string, value: unknown])[];
}

export function viewOf(message: Message): ScriptMessage {
  return new View(message);
}

/** Throws STEP_FAILED for what no message can have. */
export function changesOf(given: object): Change {
  const changes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (name === 'body') continue;
    if (name === 'key') changes['key'] = keyValue(owned(value));
    else if (name === 'headers') changes['headers'] = headersOf(value);
    else changes[name] = propertyValue(propertyNamed(name), owned(value));
  }
  const { body } = given as ScriptChanges;
  return body === undefined ? (changes as Change) : { ...bodyChange(plain(body, 0)), ...(changes as Change) };
}

class View implements ScriptMessage {
  readonly #message: Message;
  declare readonly id: string | undefined;
  declare readonly group: string | undefined;
  declare readonly correlationId: string | Buffer | undefined;
  declare readonly replyTo: string | undefined;
  declare readonly timestamp: number | undefined;
  declare readonly expiresAt: number | undefined;
  declare readonly priority: number | undefined;
  declare readonly persistent: boolean | undefined;
  declare readonly contentType: string | undefined;
  declare readonly contentEncoding: string | undefined;
  declare readonly type: string | undefined;
  declare readonly appId: string | undefined;

  constructor(message: Message) {
    this.#message = message;
    for (const name of propertyNames) Object.defineProperty(this, name, { value: owned(message[name]), enumerable: true });
  }

  get body(): Buffer | null {
    return owned(this.#message.body) as Buffer | null;
  }

  get key(): Buffer | null {
    return owned(this.#message.key) as Buffer | null;
  }

  get headers(): Header[] {
    return this.#message.headers.map(([name, value]): Header => [name, copied(value)]);
  }

  get origin(): ScriptMessage['origin'] {
    return { ...this.#message.origin };
  }

  json(): unknown {
    const { body } = this.#message;
    try {
      return body === null ? null : JSON.parse(body.toString());
    } catch {
      throw new MqferryError('STEP_FAILED', 'the body is not JSON'); // What V8 says quotes the body.
    }
  }

  header(name: string): HeaderValue | undefined {
    const value = this.#message.header(name);
    return value === undefined ? undefined : copied(value);
  }
}

/** Bytes of our own: a script may write its own again. */
function owned(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

function copied(value: HeaderValue): HeaderValue {
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (value instanceof Date) return new Date(value);
  if (value instanceof Typed) return new Typed(value.type, owned(value.value) as Typed['value']);
  if (value instanceof Map) return new Map([...value].map(([name, item]) => [name, copied(item)]));
  return Array.isArray(value) ? value.map(copied) : value;
}

function propertyNamed(name: string): keyof Properties {
  const known = propertyNames.find((property) => property === name);
  return known ?? failed(`a message has no ${JSON.stringify(name.slice(0, 100))}`);
}

function headersOf(given: unknown): Header[] {
  if (!Array.isArray(given)) return failed('headers must be a list of [name, value]');
  return given.map((pair: unknown): Header => {
    const [name, value] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if (typeof name !== 'string' || value === undefined) return failed('headers must be a list of [name, value]');
    return [wellFormed('the name of a header', name), headerOf(name, value)];
  });
}

/** Maps and values with a wire type, as the view has shown them, stay what they are. */
function headerOf(name: string, value: unknown): HeaderValue {
  if (value instanceof Typed) return copied(value);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [String(key), headerOf(name, item)]));
  if (Array.isArray(value)) return value.map((item) => headerOf(name, item));
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  if (isPlain) return headerOf(name, new Map(Object.entries(value)));
  return headerValue(name, owned(value));
}

const depthMax = 200;

/** Bytes, text, or what has a JSON form that loses nothing. */
function plain(value: unknown, depth: number): unknown {
  if (depth > depthMax) return failed(`the body would be nested more than ${depthMax} deep`);
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value === 'function' || typeof value === 'symbol') return failed('the body holds a function or symbol');
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((item) => plain(item ?? null, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return failed('the body holds an object that has no JSON, such as a Map');
  const present = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(present.map(([name, item]) => [name, plain(item, depth + 1)]));
}

function failed(sentence: string): never {
  throw new MqferryError('STEP_FAILED', sentence);
}
