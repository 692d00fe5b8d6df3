/** The names an expression may use, each worked out only when it is asked for. */
import { isUtf8 } from 'node:buffer';
import type { Time } from '../clock.ts';
import { type HeaderValue, type Message, Typed } from '../message.ts';
import { readBody } from './body.ts';
import { fail } from './failure.ts';
import { timeAt } from './functions/time.ts';

/** Type and meaning of each name. A property that the message does not have is null. */
export const variables: Readonly<Record<string, readonly [type: string, doc: string]>> = {
  body: ['dyn', 'the body as JSON; null for a tombstone; an error when it is not JSON'],
  header: ['map<string, dyn>', 'headers by name, the first of each: `header.region`, `header["x-id"]`; bytes that are UTF-8 read as text'],
  key: ['dyn', 'the key: text when it is UTF-8, else bytes'],
  id: ['dyn', 'message id'],
  group: ['dyn', 'ordering or partitioning group'],
  correlationId: ['dyn', 'text, or bytes'],
  replyTo: ['dyn', 'as the source broker spelled it'],
  timestamp: ['dyn', 'a time: `now - timestamp > duration("5m")`'],
  expiresAt: ['dyn', 'a time'],
  priority: ['dyn', '0-255'],
  persistent: ['dyn', 'true or false, as the source had it'],
  contentType: ['dyn', 'e.g. `application/json`'],
  contentEncoding: ['dyn', 'e.g. `gzip`'],
  type: ['dyn', "the application's name for this kind of message"],
  appId: ['dyn', 'the application that sent it'],
  origin: ['map<string, dyn>', 'what the source broker said: topic, exchange, routingKey, partition, offset, redelivered ...'],
  error: ['map<string, dyn>', 'in onError: `error.code`, `error.message`, `error.attempts`'],
  raw: ['dyn', 'the bytes of the body; null for a tombstone'],
  now: ['google.protobuf.Timestamp', 'the time; always the same for the same message'],
};

/** What `error` reads in onError. */
export interface ErrorView {
  readonly code: string;
  readonly message: string;
  /** Tries so far. */
  readonly attempts: number;
}

const errors = new WeakMap<Message, ErrorView>();
const times = new WeakMap<Message, Date>();

/** Lets expressions on this message, and on what is made of it, read `error`. */
export function attachError(message: Message, error: ErrorView): void {
  errors.set(message.received, error);
}

type Values = ReadonlyMap<string, unknown>;

/** CEL's context for one evaluation: it reads the names as properties. What costs something is kept, as a loop may ask a million times. */
export class Names {
  readonly message: Message;
  readonly #time: Time;
  #body: unknown;
  #header: Values | undefined;
  #origin: Values | undefined;
  constructor(message: Message, time: Time) {
    this.message = message.intended;
    this.#time = time;
  }
  get body(): unknown {
    return (this.#body ??= readBody(this.message));
  }
  get header(): Values {
    return (this.#header ??= firstHeaders(this.message));
  }
  get key(): unknown {
    return this.message.key === null ? null : shownBytes(this.message.key);
  }
  get id(): unknown {
    return this.message.id ?? null;
  }
  get group(): unknown {
    return this.message.group ?? null;
  }
  get correlationId(): unknown {
    const value = this.message.correlationId ?? null;
    return Buffer.isBuffer(value) ? shownBytes(value) : value;
  }
  get replyTo(): unknown {
    return this.message.replyTo ?? null;
  }
  get timestamp(): unknown {
    return time(this.message.timestamp);
  }
  get expiresAt(): unknown {
    return time(this.message.expiresAt);
  }
  get priority(): unknown {
    return this.message.priority ?? null;
  }
  get persistent(): unknown {
    return this.message.persistent ?? null;
  }
  get contentType(): unknown {
    return this.message.contentType ?? null;
  }
  get contentEncoding(): unknown {
    return this.message.contentEncoding ?? null;
  }
  /** `type` is CEL's own name; see guard.ts. */
  get message_type(): unknown {
    return this.message.type ?? null;
  }
  get appId(): unknown {
    return this.message.appId ?? null;
  }
  get origin(): Values {
    return (this.#origin ??= new Map(Object.entries(this.message.origin)));
  }
  get error(): Values {
    const error = errors.get(this.message.received);
    if (error === undefined) fail('`error` is known only in onError');
    return new Map<string, unknown>([
      ['code', error.code],
      ['message', error.message],
      ['attempts', error.attempts],
    ]);
  }
  get raw(): unknown {
    return this.message.body;
  }
  get now(): Date {
    let now = times.get(this.message.received);
    if (now === undefined) times.set(this.message.received, (now = new Date(this.#time.date())));
    return now;
  }
}

function firstHeaders(message: Message): Values {
  const first = new Map<string, unknown>();
  for (const [name, value] of message.headers) if (!first.has(name)) first.set(name, shownHeader(value));
  return first;
}

/** All values of the headers of this name. */
export function allHeaders(message: Message, name: string): unknown[] {
  const values: unknown[] = [];
  for (const [key, value] of message.headers) if (key === name) values.push(shownHeader(value));
  return values;
}

function shownHeader(value: HeaderValue): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Buffer.isBuffer(value)) return shownBytes(value);
  if (value instanceof Typed) return shownHeader(value.value);
  if (value instanceof Map) return new Map([...value].map(([name, item]) => [name, shownHeader(item)]));
  return (value as readonly HeaderValue[]).map(shownHeader);
}

function shownBytes(bytes: Buffer): string | Buffer {
  return isUtf8(bytes) ? bytes.toString() : bytes;
}

function time(ms: number | undefined): Date | null {
  return ms === undefined ? null : timeAt(ms);
}
