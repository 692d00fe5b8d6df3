/** JSON bodies: a body read to change a part of it, and values written as one. No number changes that no step changed. */
import { type ErrorCode, MqferryError } from '../errors.ts';
import { put, toJson } from '../expr/index.ts';
import type { Message, MessageInit } from '../message.ts';
import { wellFormed } from './values.ts';

/** Deeper JSON would overflow the stack when it is written, far from here. */
const depthMax = 200;

export type Change = Partial<Omit<MessageInit, 'origin' | 'lane'>> & { json?: unknown };

/** Trees whose numbers are all JavaScript's own. */
const made = new WeakSet<object>();

/**
 * The change that makes a value the body: bytes as they are, text as UTF-8, null a tombstone, anything else as JSON with its content type.
 */
export function bodyChange(value: unknown): Change {
  if (value === null || value === undefined) return { body: null };
  if (Buffer.isBuffer(value)) return { body: value };
  if (typeof value === 'string') return { body: Buffer.from(wellFormed('body', value)), contentEncoding: undefined };
  const { tree, hasBig } = writable(value);
  // As a root it is an object of its own: what is known of a body (see `made`) is known of its root.
  return {
    ...jsonChange(tree === value ? shallowCopy(tree) : tree, hasBig),
    contentType: 'application/json',
    contentEncoding: undefined,
  };
}

/** A JSON value that can be written: times as text, nothing that has no JSON; and whether it holds numbers beyond 2^53. What needs no change is not copied. */
function writable(value: unknown): { tree: unknown; hasBig: boolean } {
  foundBig = false;
  return { tree: jsonTree(value, 0), hasBig: foundBig };
}

let foundBig = false;

function jsonTree(value: unknown, depth: number): unknown {
  if (depth > depthMax) failed(`the body would be nested more than ${depthMax} deep`);
  if (typeof value === 'number') return Number.isFinite(value) ? value : failed('a number that is not finite has no JSON');
  if (typeof value === 'bigint') foundBig = true;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return failed('bytes have no JSON; use base64.encode(...)');
  return Array.isArray(value) ? jsonList(value, depth) : jsonMap(value as Record<string, unknown>, depth);
}

function jsonList(list: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = jsonTree(list[i], depth + 1);
    if (item !== list[i]) (copy ??= [...list])[i] = item;
  }
  return copy ?? list;
}

function jsonMap(map: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const name of Object.keys(map)) {
    const item = jsonTree(map[name], depth + 1);
    if (item !== map[name]) put((copy ??= { ...map }), name, item);
  }
  return copy ?? map;
}

function shallowCopy<T>(node: T): T {
  if (typeof node !== 'object' || node === null) return node;
  return (Array.isArray(node) ? [...(node as unknown[])] : { ...node }) as T;
}

/** `exact`: it holds numbers that only their digits say, so that it is written now. */
function jsonChange(tree: unknown, exact: boolean): Change {
  if (exact) return { body: Buffer.from(toJson(tree)) };
  if (typeof tree === 'object' && tree !== null) made.add(tree);
  return { json: tree };
}

/** A JSON body of which parts are changed. The tree it was read from stays as it is: what is changed is copied, once. */
export class JsonDraft {
  #root: object;
  readonly #copied = new Set<object>();
  #exact: boolean;

  constructor(message: Message) {
    const json = readJson(message);
    if (typeof json !== 'object' || json === null) failed(json === null ? 'the body is empty' : 'the body is neither a map nor a list');
    assertDepth(json, 0);
    this.#exact = !made.has(json) && hasLongNumbers(message);
    this.#root = this.#exact ? (JSON.parse((message.body as Buffer).toString(), asWritten) as object) : json;
  }

  /** Sets what the path leads to; maps on the way are made. */
  set(path: readonly string[], value: unknown): void {
    const { tree, hasBig } = writable(value);
    if (hasBig) this.#exact = true;
    this.place(path, tree);
  }

  /** Sets what `get` has given, digits and all. */
  place(path: readonly string[], value: unknown): void {
    const parent = this.#parent(path, true);
    const last = path.at(-1) as string;
    if (Array.isArray(parent)) parent[indexIn(parent, last, path)] = value;
    else put(parent as Record<string, unknown>, last, value);
  }

  /** What the path leads to; undefined when it is not there. */
  get(path: readonly string[]): unknown {
    let node: unknown = this.#root;
    for (const name of path) {
      if (typeof node !== 'object' || node === null || !hasOwn(node, name)) return undefined;
      node = (node as Record<string, unknown>)[name];
    }
    return node;
  }

  /** Removes what the path leads to, if it is there. */
  remove(path: readonly string[]): void {
    if (this.get(path) === undefined) return;
    const parent = this.#parent(path, false);
    const last = path.at(-1) as string;
    if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else delete (parent as Record<string, unknown>)[last];
  }

  change(): Change {
    return jsonChange(this.#root, this.#exact);
  }

  /** The copied map or list that holds the last of the path. */
  #parent(path: readonly string[], make: boolean): object {
    this.#root = this.#own(this.#root);
    let node = this.#root;
    for (const [i, name] of path.slice(0, -1).entries()) {
      const there = hasOwn(node, name) ? (node as Record<string, unknown>)[name] : undefined;
      const child = there === undefined && make ? {} : there;
      if (typeof child !== 'object' || child === null || isRaw(child)) {
        failed(`body.${path.slice(0, i + 1).join('.')} is neither a map nor a list`);
      }
      const own = this.#own(child);
      if (Array.isArray(node)) node[indexIn(node, name, path)] = own;
      else put(node as Record<string, unknown>, name, own);
      node = own;
    }
    return node;
  }

  #own(node: object): object {
    if (this.#copied.has(node)) return node;
    const copy = shallowCopy(node);
    this.#copied.add(copy);
    return copy;
  }
}

/** The body as JSON. Fails with this code when it is not. */
export function readJson(message: Message, code: ErrorCode = 'STEP_FAILED'): unknown {
  try {
    return message.json();
  } catch {
    throw new MqferryError(code, 'the body is not JSON'); // What V8 says quotes the body.
  }
}

/** Fails for what would overflow the stack of who walks it. */
export function assertDepth(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > depthMax) failed(`the body is nested more than ${depthMax} deep`);
  if (Array.isArray(value)) for (const item of value) assertDepth(item, depth + 1);
  else for (const name in value) assertDepth((value as Record<string, unknown>)[name], depth + 1);
}

/** Whether it may have numbers that a double would round, or write in another way: 17 digits, or an exponent. A loop takes half the time of a RegExp. */
function hasLongNumbers(message: Message): boolean {
  const bytes = message.body as Buffer;
  let digits = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if ((byte >= zero && byte <= nine) || byte === point) {
      if (++digits === 17) return true;
    } else if (digits > 0) {
      if ((byte | 0x20) === exponent) return true;
      digits = 0;
    }
  }
  return false;
}

const [zero, nine, point, exponent] = [0x30, 0x39, 0x2e, 0x65] as const;

const { rawJSON: rawJson, isRawJSON: isRaw } = JSON as unknown as { rawJSON(text: string): unknown; isRawJSON(value: unknown): boolean };

/** Numbers that would come out otherwise keep their digits. */
export function asWritten(this: unknown, _name: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && String(value) !== source ? rawJson(source) : value;
}

function hasOwn(node: object, name: string): boolean {
  return Array.isArray(node) ? /^\d{1,9}$/.test(name) && Number(name) < node.length : Object.hasOwn(node, name);
}

function indexIn(list: readonly unknown[], name: string, path: readonly string[]): number {
  if (/^\d{1,9}$/.test(name) && Number(name) <= list.length) return Number(name);
  return failed(`body.${path.join('.')}: "${name}" is not a place in this list`);
}

function failed(sentence: string): never {
  throw new MqferryError('STEP_FAILED', sentence);
}
