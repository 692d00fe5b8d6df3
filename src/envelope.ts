/**
 * What a target protocol has no slot for travels in headers whose names begin with `mqf-`, and comes back from them:
 *
 *   mqf-message-id mqf-group mqf-correlation-id mqf-reply-to mqf-timestamp-ms mqf-expires-at mqf-priority mqf-persistent mqf-type mqf-key
 *   content-type content-encoding (mqf-content-type, mqf-content-encoding where the message has a header of that name)
 *   mqf-tombstone   there is no body at all, which is not the same as an empty one
 *   mqf-types       `name=code;...`: types of the headers that had to become text, see envelope/text.ts; `name#1` is the second of that name,
 *                   `multi` a list that stands for a repeated header, `*=s` says that all others are strings
 *   mqf-h-<name>    a header of the user whose name is reserved: by the target broker, or by this list
 *   mqf-error-*     why a message is a dead letter, see engine/dead-letter.ts
 *   mqf-replays     how often a dead letter was sent again, see route/replay.ts
 *   mqf-hops        how many times mqferry has carried it; the only one that is believed from everybody
 *   mqf-id          what its copies are known by, see envelope/copy-id.ts; one that a message has already is kept
 *
 * The last two are written on every message, also when all of it fits.
 */
import { isUtf8 } from 'node:buffer';
import type { Carries } from './connector.ts';
import type { CopyIds } from './envelope/copy-id.ts';
import { Cover } from './envelope/cover.ts';
import { headerOfProperty, isHops, isId, isStamp, plainNames, wireNames } from './envelope/names.ts';
import { isSendable, toText, wireText } from './envelope/text.ts';
import { MqferryError } from './errors.ts';
import { type Header, type Headers, type HeaderValue, type Message, type MessageInit, type Properties, propertyNames } from './message.ts';

export { type CopyIds, copyIds } from './envelope/copy-id.ts';
export { inbound } from './envelope/open.ts';

export interface OutboundOptions {
  /** Counts this hop, and gives back an error for a message that has been carried more often. */
  readonly maxHops?: number;
  readonly copyId?: CopyIds;
  /** `slot`: a step of this route sets it, so it is meant for the target. Else an address of the source's broker travels as a header. */
  readonly replyTo?: 'slot' | 'header';
}

/**
 * The message as the target can carry it: the same object when everything fits. Else by `mode`: with `mqf-` headers, an UNMAPPABLE error,
 * or without what does not fit. A target without headers has no envelope, so there `envelope` is `reject`.
 */
export function outbound(
  carries: Carries,
  mode: 'envelope' | 'reject' | 'drop',
  options: OutboundOptions = {},
): (message: Message) => Message | MqferryError {
  const target = new Target(carries, carries.headers === 'none' && mode === 'envelope' ? 'reject' : mode, options);
  return (message) => target.translate(message);
}

class Target {
  readonly #carries: Carries;
  readonly #mode: 'envelope' | 'reject' | 'drop';
  readonly #maxHops: number | undefined;
  readonly #copyId: CopyIds;
  readonly #homeless: readonly (keyof Properties)[];
  readonly #movesReplyTo: boolean;
  readonly #wireName: (name: string) => string;

  constructor(carries: Carries, mode: 'envelope' | 'reject' | 'drop', { maxHops, copyId, replyTo }: OutboundOptions) {
    this.#carries = carries;
    this.#mode = mode;
    this.#maxHops = maxHops;
    this.#copyId = copyId ?? ((_, given) => given);
    this.#homeless = propertyNames.filter((name) => !carries.properties.includes(name));
    // A target that has every slot is in this process: it is no other broker.
    this.#movesReplyTo = replyTo !== 'slot' && this.#homeless.length > 0;
    this.#wireName = wireNames(carries.reserved ?? []);
  }

  translate(message: Message): Message | MqferryError {
    const hops = hopsOf(message.headers) + (this.#maxHops === undefined ? 0 : 1);
    if (this.#maxHops !== undefined && hops > this.#maxHops)
      return new MqferryError('HOPS_EXCEEDED', `mqferry has carried the message ${hops - 1} times: routes that make a circle?`);
    const misfit = this.#misfit(message);
    if (misfit !== undefined && this.#mode === 'reject')
      return new MqferryError('UNMAPPABLE', `the target cannot carry ${misfit}; see onUnmappable`);
    const stamps = this.#stamps(message, hops);
    if (misfit === undefined) return stamped(message, stamps);
    return this.#mode === 'drop' ? this.#stripped(message, stamps) : this.#enveloped(message, stamps);
  }

  /** The first thing that does not fit; undefined when everything does. */
  #misfit(message: Message): string | undefined {
    for (const name of this.#homeless) if (message[name] !== undefined && this.#matters(name, message)) return `the property ${name}`;
    if (this.#isForeignReplyTo(message)) return "the replyTo of the source's broker";
    if (message.key !== null && !this.#carries.key) return 'the key';
    if (message.body === null && !this.#hasTombstones) return 'a message without a body';
    return message.headers.length === 0 ? undefined : this.#misfitHeader(message.headers);
  }

  /** Sinks write persistent messages anyhow: only an envelope has a place to say that it was not. */
  #matters(name: keyof Properties, message: Message): boolean {
    return name !== 'persistent' || (this.#mode === 'envelope' && message.persistent === false);
  }

  /** No body means "this key is gone": what has no keys has no such message. */
  get #hasTombstones(): boolean {
    return this.#carries.key;
  }

  #isForeignReplyTo(message: Message): boolean {
    return this.#movesReplyTo && message.replyTo !== undefined && message.replyTo === message.received.replyTo;
  }

  #misfitHeader(headers: Headers): string | undefined {
    const { headers: kind, repeats } = this.#carries;
    for (let i = 0; i < headers.length; i++) {
      const [name, value] = headers[i] as Header;
      if (isStamp(name)) continue;
      if (kind === 'none') return `the header ${JSON.stringify(name)}`;
      if (this.#wireName(name) !== name) return `a header named ${JSON.stringify(name)}`;
      if (!repeats && isRepeat(headers, i)) return `the header ${JSON.stringify(name)} more than once`;
      if (!this.#valueFits(kind, value)) return `the type of the header ${JSON.stringify(name)}`;
    }
    return undefined;
  }

  #valueFits(kind: 'text' | 'bytes' | 'typed', value: HeaderValue): boolean {
    if (kind === 'typed') return true;
    if (kind === 'text') return typeof value === 'string' && isSendable(value);
    // An envelope says that it was text and not bytes; without one, text is its bytes.
    if (typeof value === 'string') return this.#mode !== 'envelope' && value.isWellFormed();
    return value === null || Buffer.isBuffer(value);
  }

  /** What is written on every message, whatever fits. */
  #stamps(message: Message, hops: number): readonly Header[] {
    const { headers: kind } = this.#carries;
    if (kind === 'none') return noStamps;
    const id = this.#copyId(message, givenId(message.headers));
    if (hops === 0) return id === undefined ? noStamps : [['mqf-id', id]];
    const counted = hops === 1 ? firstHop[kind === 'typed' ? 'typed' : 'text'] : hopsHeader(hops, kind);
    return id === undefined ? [counted] : [counted, ['mqf-id', id]];
  }

  /** Without what does not fit; of a repeated header the first stays, of a type the text. */
  #stripped(message: Message, stamps: readonly Header[]): Message {
    const { headers: kind, repeats, key } = this.#carries;
    const changes: Changes = { headers: [] };
    for (const name of this.#homeless) changes[name] = undefined;
    if (this.#isForeignReplyTo(message)) changes.replyTo = undefined;
    if (!key) changes.key = null;
    if (message.body === null && !this.#hasTombstones) changes.body = Buffer.alloc(0);
    const kept = kind === 'none' ? [] : message.headers.filter(([name]) => !isStamp(name) && this.#wireName(name) === name);
    for (let i = 0; i < kept.length; i++) {
      const [name, value] = kept[i] as Header;
      if (repeats || !isRepeat(kept, i))
        changes.headers.push([name, kind === 'none' || this.#valueFits(kind, value) ? value : toText(value)[0]]);
    }
    changes.headers.push(...stamps);
    return message.change(changes);
  }

  #enveloped(message: Message, stamps: readonly Header[]): Message {
    const { headers: kind, key } = this.#carries;
    const cover = new Cover(kind as 'text' | 'bytes' | 'typed', message.headers);
    this.#coverHeaders(message.headers, cover);
    const changes: Changes = { headers: cover.headers };
    for (const name of this.#homeless) {
      if (message[name] === undefined || !this.#matters(name, message)) continue;
      cover.addProperty(propertyHeader(name, kind, message.headers), message[name]);
      changes[name] = undefined;
    }
    if (this.#isForeignReplyTo(message) && this.#carries.properties.includes('replyTo')) {
      cover.addProperty(headerOfProperty.replyTo, message.replyTo as string);
      changes.replyTo = undefined;
    }
    if (message.key !== null && !key) {
      cover.addProperty('mqf-key', isUtf8(message.key) ? message.key.toString() : message.key);
      changes.key = null;
    }
    if (message.body === null && !this.#hasTombstones) {
      cover.addProperty('mqf-tombstone', true);
      changes.body = Buffer.alloc(0);
    }
    cover.finish();
    cover.headers.push(...stamps);
    return message.change(changes);
  }

  /** Headers under the names they are sent by; repeats together where the target holds a name once. */
  #coverHeaders(headers: Headers, cover: Cover): void {
    if (!this.#carries.repeats && this.#haveRepeats(headers)) {
      for (const [name, values] of this.#byName(headers)) {
        if (values.length > 1) cover.addRepeated(name, values);
        else cover.addHeader(name, values[0] as HeaderValue);
      }
      return;
    }
    for (const [name, value] of headers) if (!isStamp(name)) cover.addHeader(this.#wireName(name), value);
  }

  #haveRepeats(headers: Headers): boolean {
    for (let i = 1; i < headers.length; i++) {
      const name = this.#wireName((headers[i] as Header)[0]);
      for (let j = 0; j < i; j++) if (this.#wireName((headers[j] as Header)[0]) === name) return true;
    }
    return false;
  }

  #byName(headers: Headers): ReadonlyMap<string, readonly HeaderValue[]> {
    const groups = new Map<string, HeaderValue[]>();
    for (const [name, value] of headers) {
      if (isStamp(name)) continue;
      const wireName = this.#wireName(name);
      const group = groups.get(wireName);
      if (group) group.push(value);
      else groups.set(wireName, [value]);
    }
    return groups;
  }
}

const noStamps: readonly Header[] = [];

function hopsHeader(hops: number, kind: Carries['headers']): Header {
  return ['mqf-hops', kind === 'typed' ? hops : String(hops)];
}

/** What nearly every message gets. */
const firstHop = { typed: hopsHeader(1, 'typed'), text: hopsHeader(1, 'text') };

type Changes = { -readonly [K in keyof Properties]?: Properties[K] } & {
  headers: Header[];
  key?: null;
  body?: NonNullable<MessageInit['body']>;
};

function propertyHeader(property: keyof Properties, kind: Carries['headers'], headers: Headers): string {
  const plain = kind === 'typed' ? undefined : (plainNames as Partial<Record<keyof Properties, string>>)[property];
  const isTaken = plain !== undefined && headers.some(([name]) => name.toLowerCase() === plain);
  return plain === undefined || isTaken ? headerOfProperty[property] : plain;
}

/** The message with these at its end and no others of their kind. */
function stamped(message: Message, stamps: readonly Header[]): Message {
  const { headers } = message;
  let isStamped = false;
  for (let i = 0; i < headers.length && !isStamped; i++) isStamped = isStamp((headers[i] as Header)[0]);
  if (stamps.length === 0 && !isStamped) return message;
  const kept = isStamped ? headers.filter(([name]) => !isStamp(name)) : headers;
  return message.withHeaders(kept.concat(stamps));
}

/** The same header name stands before. */
function isRepeat(headers: Headers, index: number): boolean {
  const name = (headers[index] as Header)[0];
  for (let i = 0; i < index; i++) if ((headers[i] as Header)[0] === name) return true;
  return false;
}

function hopsOf(headers: Headers): number {
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as Header;
    if (!isHops(header[0])) continue;
    const hops = Number(wireText(header[1]));
    return Number.isInteger(hops) && hops > 0 ? hops : 0;
  }
  return 0;
}

/** The `mqf-id` that a message has: from a trusted source, or set by a step. Whatever type the last broker made of it, it is text. */
function givenId(headers: Headers): string | undefined {
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as Header;
    if (isId(header[0])) return toText(header[1])[0] || undefined;
  }
  return undefined;
}
