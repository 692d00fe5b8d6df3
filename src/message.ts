/**
 * A header value. Integers are numbers when safe, else bigints; a bare integer is written as a 64-bit integer, a bare fraction as a
 * double. Every other wire type is kept as {@link Typed}, so that it goes out as it came in.
 */
export type HeaderValue =
  | string
  | boolean
  | number
  | bigint
  | Buffer
  | Date
  | null
  | Typed
  | readonly HeaderValue[]
  | ReadonlyMap<string, HeaderValue>;

/** A value with a wire type that the plain kinds do not say, e.g. AMQP 0-9-1 `int16` or `decimal`. `value` is plain for its type. */
export class Typed {
  readonly type: string;
  readonly value: string | number | bigint | Buffer;
  constructor(type: string, value: string | number | bigint | Buffer) {
    this.type = type;
    this.value = value;
  }
}

/** One header. Order and repeats are kept. */
export type Header = readonly [name: string, value: HeaderValue];
export type Headers = readonly Header[];

/** What the source broker said of a message (topic, exchange, partition, offset, redelivered ...). For expressions to read; never sent on. */
export type Origin = Readonly<Record<string, string | number | bigint | boolean | null>>;

/** The properties that a message may have beside body, key and headers; absent is `undefined`, never empty. */
export interface Properties {
  readonly id: string | undefined;
  /** Ordering or partitioning group, e.g. JMSXGroupID. */
  readonly group: string | undefined;
  readonly correlationId: string | Buffer | undefined;
  /** As the source broker spelled it; another broker cannot reach it, so it travels as a header unless a step sets it. */
  readonly replyTo: string | undefined;
  /** Milliseconds since the epoch. */
  readonly timestamp: number | undefined;
  /** Absolute, milliseconds since the epoch, computed at receipt from the time that remained. */
  readonly expiresAt: number | undefined;
  /** 0-255. */
  readonly priority: number | undefined;
  /** As the source had it. Sinks write persistent messages whatever this says. */
  readonly persistent: boolean | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly type: string | undefined;
  /** The application that sent it. */
  readonly appId: string | undefined;
}

export const propertyNames = [
  'id',
  'group',
  'correlationId',
  'replyTo',
  'timestamp',
  'expiresAt',
  'priority',
  'persistent',
  'contentType',
  'contentEncoding',
  'type',
  'appId',
] as const satisfies readonly (keyof Properties)[];

export interface MessageInit extends Partial<Properties> {
  /** `null` is a tombstone, which is not the same as empty. */
  body: Buffer | null;
  headers?: Headers;
  key?: Buffer | null;
  origin?: Origin;
  /** The ordered unit it came by: partition, queue, session or subscription. */
  lane?: string;
  /** Why it could not be decoded; it goes to the dead letter with the bytes that came. */
  fault?: Error | undefined;
  /** Which of the messages that steps have made of one: `#1`, or `#1#3` where that was divided again. */
  part?: string;
}

const noHeaders: Headers = [];
const noOrigin: Origin = {};

/** One message: bytes, properties, headers. Never changed in place: {@link Message.change} makes the changed copy. */
/** One of a list: each owner has one of its own. */
export interface Note {
  readonly owner: object;
  readonly next: Note | undefined;
}

export class Message implements Properties {
  readonly headers: Headers;
  readonly key: Buffer | null;
  readonly id: string | undefined;
  readonly group: string | undefined;
  readonly correlationId: string | Buffer | undefined;
  readonly replyTo: string | undefined;
  readonly timestamp: number | undefined;
  readonly expiresAt: number | undefined;
  readonly priority: number | undefined;
  readonly persistent: boolean | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly type: string | undefined;
  readonly appId: string | undefined;
  readonly origin: Origin;
  readonly lane: string;
  readonly fault: Error | undefined;
  readonly part: string;
  /** The message as this pump received it: itself, or what it was copied from. What is retried or dead-lettered. */
  readonly received: Message;
  /** The message as the steps left it: itself, or what the envelope has made this of for one target. What the settings of a sink are evaluated on. */
  readonly intended: Message;
  /** What steps have noted of a message that was received: see steps/marks.ts. Here, as a WeakMap of all that are on their way costs twice as much. */
  marks: Note | undefined;
  #body: Buffer | null | undefined;
  #json: unknown;
  #bytes = 0;

  constructor(init: MessageInit, received?: Message) {
    this.headers = init.headers ?? noHeaders;
    this.key = init.key ?? null;
    this.id = init.id;
    this.group = init.group;
    this.correlationId = init.correlationId;
    this.replyTo = init.replyTo;
    this.timestamp = init.timestamp;
    this.expiresAt = init.expiresAt;
    this.priority = init.priority;
    this.persistent = init.persistent;
    this.contentType = init.contentType;
    this.contentEncoding = init.contentEncoding;
    this.type = init.type;
    this.appId = init.appId;
    this.origin = init.origin ?? noOrigin;
    this.lane = init.lane ?? '';
    this.fault = init.fault;
    this.part = init.part ?? '';
    this.received = received ?? this;
    this.intended = this;
    this.marks = undefined;
    this.#body = init.body;
    this.#json = undefined;
  }

  /** The bytes. Written from JSON the first time they are asked for after a step changed it. */
  get body(): Buffer | null {
    if (this.#body === undefined) this.#body = Buffer.from(JSON.stringify(this.#json));
    return this.#body;
  }

  /** The body as JSON, parsed once. Never change what it returns. Throws a SyntaxError when the body is not JSON. */
  json(): unknown {
    if (this.#json === undefined) {
      if (this.#body === null) return null;
      this.#json = JSON.parse((this.#body as Buffer).toString());
    }
    return this.#json;
  }

  /** Bytes this message weighs against window and limits: body, key and headers, roughly. Asked by each who has a limit, so counted once. */
  get bytes(): number {
    if (this.#bytes === 0) this.#bytes = this.#weigh();
    return this.#bytes;
  }

  #weigh(): number {
    const { headers } = this;
    let sum = (this.body?.length ?? 0) + (this.key?.length ?? 0) + 64;
    for (let i = 0; i < headers.length; i++) {
      const header = headers[i] as Header;
      sum += header[0].length + weigh(header[1]);
    }
    return sum;
  }

  /** A copy with some fields changed; `json` replaces the body and is written out only when the bytes are asked for. */
  change(changes: Partial<Omit<MessageInit, 'origin' | 'lane'>> & { json?: unknown }): Message {
    // Always an object of the same shape, filled in: V8 then knows what the constructor reads, and nothing is copied twice.
    const fields = this.#fields() as unknown as Record<string, unknown>;
    for (const name in changes) if (name !== 'json') fields[name] = changes[name as keyof typeof changes];
    const copy = new Message(fields as unknown as MessageInit, this.received);
    if (changes.json !== undefined) {
      copy.#json = changes.json;
      copy.#body = undefined;
    } else if (changes.body === undefined) this.#lendBody(copy);
    return copy;
  }

  /** {@link change} of the headers alone, for what every message goes through: no object in between. The body is written out if need be. */
  withHeaders(headers: Headers): Message {
    const copy = new Message(this, this.received);
    (copy as { headers: Headers }).headers = headers;
    copy.#json = this.#json;
    return copy;
  }

  /** Says of a copy what it was made of for its target. */
  standFor(intended: Message): this {
    (this as { intended: Message }).intended = intended;
    return this;
  }

  /** The same content as a message in its own right: what it was copied from is forgotten. */
  asReceived(): Message {
    if (this.received === this) return this;
    const copy = new Message(this.#fields());
    this.#lendBody(copy);
    return copy;
  }

  /** {@link asReceived} out of a store, which has its own word on where it is, and knows no parts. */
  asStored(origin: Origin): Message {
    const copy = new Message(this);
    (copy as { origin: Origin }).origin = origin;
    (copy as { part: string }).part = '';
    copy.#json = this.#json;
    copy.#bytes = this.#bytes;
    return copy;
  }

  /** The value of the first header of this name, exactly as spelled. */
  header(name: string): HeaderValue | undefined {
    for (const [key, value] of this.headers) if (key === name) return value;
    return undefined;
  }

  #lendBody(copy: Message): void {
    copy.#body = this.#body;
    copy.#json = this.#json;
  }

  #fields(): MessageInit {
    return {
      body: null,
      headers: this.headers,
      key: this.key,
      id: this.id,
      group: this.group,
      correlationId: this.correlationId,
      replyTo: this.replyTo,
      timestamp: this.timestamp,
      expiresAt: this.expiresAt,
      priority: this.priority,
      persistent: this.persistent,
      contentType: this.contentType,
      contentEncoding: this.contentEncoding,
      type: this.type,
      appId: this.appId,
      origin: this.origin,
      lane: this.lane,
      fault: this.fault,
      part: this.part,
    };
  }
}

function weigh(value: HeaderValue): number {
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value.length;
  return 8;
}
