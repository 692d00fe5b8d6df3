/**
 * What a target protocol has no slot for travels in headers whose names begin with `mqf-`, and comes back from them:
 *
 *   mqf-message-id mqf-group mqf-correlation-id mqf-reply-to mqf-timestamp-ms mqf-expires-at mqf-priority mqf-persistent mqf-type mqf-app-id mqf-key
 *   content-type content-encoding (mqf-content-type, mqf-content-encoding where the message has a header of that name)
 *   traceparent tracestate baggage   are text wherever they arrive, as their readers expect; bytes are marked as such
 *   mqf-tombstone   there is no body at all, which is not the same as an empty one
 *   mqf-types       `name=code;...`: types of the headers that had to become text, see envelope/text.ts; `name#1` is the second of that name,
 *                   `multi` a list that stands for a repeated header (`multi@0,2`: the places that its items had among all headers), `*=s`
 *                   says that all others are strings
 *   mqf-h-<name>    a header of the user whose name is reserved: by the target broker, or by this list
 *   mqf-x-<name>    one whose name the target cannot spell, percent-escaped
 *   mqf-error-*     why a message is a dead letter, see engine/dead-letter.ts
 *   mqf-replays     how often a dead letter was sent again, see route/replay.ts
 *   mqf-hops        how many times mqferry has carried it; the only one that is believed from everybody
 *   mqf-id          what its copies are known by, see envelope/copy-id.ts; one that a message has already is kept
 *
 * The last two are written on every message, also when all of it fits.
 */
import { isUtf8 } from 'node:buffer';
import type { Carries } from './carries.ts';
import type { CopyIds } from './envelope/copy-id.ts';
import { Cover } from './envelope/cover.ts';
import {
  headerOfProperty,
  isPlainName,
  isStamp,
  isTraceAsBytes,
  type PlainName,
  plainNames,
  propertyOfPlain,
  wireNames,
} from './envelope/names.ts';
import { grouped, haveRepeats, isRepeat } from './envelope/repeats.ts';
import { SlotRules } from './envelope/slots.ts';
import { givenId, hopsOf, noStamps, stamped, stampsOf } from './envelope/stamps.ts';
import { isSendable, toText } from './envelope/text.ts';
import { MqferryError } from './errors.ts';
import type { Header, Headers, HeaderValue, Message, MessageInit, Properties } from './message.ts';

export { type CopyIds, copyIds } from './envelope/copy-id.ts';
export { keepMeant, takeMeant } from './envelope/meant.ts';
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
  readonly #slots: SlotRules;
  readonly #movesReplyTo: boolean;
  readonly #wireName: (name: string) => string;

  constructor(carries: Carries, mode: 'envelope' | 'reject' | 'drop', { maxHops, copyId, replyTo }: OutboundOptions) {
    this.#carries = carries;
    this.#mode = mode;
    this.#maxHops = maxHops;
    this.#copyId = copyId ?? ((_, given) => given);
    this.#slots = new SlotRules(carries);
    // A target that has every slot is in this process: it is no other broker.
    this.#movesReplyTo = replyTo !== 'slot' && this.#slots.homeless.length > 0;
    this.#wireName = wireNames(carries.reserved ?? [], carries.allowsName);
  }

  translate(message: Message): Message | MqferryError {
    const hops = hopsOf(message.headers) + (this.#maxHops === undefined ? 0 : 1);
    if (this.#maxHops !== undefined && hops > this.#maxHops)
      return new MqferryError('HOPS_EXCEEDED', `mqferry has carried the message ${hops - 1} times: routes that make a circle?`);
    const misfit = this.#misfit(message);
    if (misfit !== undefined && this.#mode === 'reject')
      return new MqferryError('UNMAPPABLE', `the target cannot carry ${misfit}; see onUnmappable`);
    const stamps = this.#stamps(message, hops);
    if (misfit === undefined) return stamped(message, this.#exact(message, stamps));
    return this.#mode === 'drop' ? this.#stripped(message, stamps) : this.#enveloped(message, stamps);
  }

  /** The first thing that does not fit; undefined when everything does. */
  #misfit(message: Message): string | undefined {
    for (const name of this.#slots.homeless) if (message[name] !== undefined && this.#matters(name, message)) return `the property ${name}`;
    const refused = this.#slots.refused(message);
    if (refused !== undefined) return refused;
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
      if (kind === 'typed' && this.#mode === 'envelope' && isTraceAsBytes(name, value)) return `the header ${JSON.stringify(name)} as text`;
      if (this.#isMistakable(name)) return `a header named ${JSON.stringify(name)}, as it is`;
      if (!repeats && isRepeat(headers, i)) return `the header ${JSON.stringify(name)} more than once`;
      if (!this.#valueFits(kind, value)) return `the type of the header ${JSON.stringify(name)}`;
    }
    return undefined;
  }

  #valueFits(kind: Kind, value: HeaderValue): boolean {
    const { keepsValue } = this.#carries;
    if (kind === 'typed') return keepsValue?.(value) ?? true;
    if (kind === 'text') return keepsValue?.(value) ?? (typeof value === 'string' && isSendable(value));
    // An envelope says that it was text and not bytes; without one, text is its bytes.
    if (typeof value === 'string') return this.#mode !== 'envelope' && value.isWellFormed();
    return Buffer.isBuffer(value) || (value === null && this.#carries.nulls !== false);
  }

  /** The name is that by which a property travels there, and would come back as one; only an envelope can say that it is none. */
  #isMistakable(name: string): boolean {
    return this.#mode === 'envelope' && isPlainName(name) && this.#isPlain(name);
  }

  /** A property of this plain name has no slot there. */
  #isPlain(name: PlainName): boolean {
    const { headers: kind, properties } = this.#carries;
    return kind !== 'typed' && !properties.includes(propertyOfPlain[name]);
  }

  /** What a slot rounds, exactly, and `others` behind it. `drop` leaves it at the rounded value. */
  #exact(message: Message, others: readonly Header[]): readonly Header[] {
    const exact = this.#mode === 'drop' ? undefined : this.#slots.exact(message, this.#carries.headers === 'typed');
    return exact === undefined ? others : exact.concat(others);
  }

  /** What is written on every message, whatever fits. */
  #stamps(message: Message, hops: number): readonly Header[] {
    const { headers: kind } = this.#carries;
    return kind === 'none' ? noStamps : stampsOf(hops, this.#copyId(message, givenId(message.headers)), kind);
  }

  /** Without what does not fit; of a repeated header the first stays, of a type the text. */
  #stripped(message: Message, stamps: readonly Header[]): Message {
    const { headers: kind, repeats, key } = this.#carries;
    const changes: Changes = { headers: [] };
    for (const name of this.#slots.leaving(message)) changes[name] = undefined;
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
    const cover = new Cover(kind as Kind, message.headers, (value) => this.#valueFits(kind as Kind, value));
    this.#coverHeaders(message.headers, cover);
    const changes: Changes = { headers: cover.headers };
    const leaving = this.#slots.leaving(message);
    if (this.#isForeignReplyTo(message) && !leaving.includes('replyTo')) leaving.push('replyTo');
    for (const name of leaving) {
      if (!this.#matters(name, message)) continue;
      cover.addProperty(this.#headerOf(name, message.headers), message[name]);
      changes[name] = undefined;
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
    cover.headers.push(...this.#exact(message, stamps));
    return message.change(changes);
  }

  /** The header that a property travels by: a plain name where it could be taken for nothing else. */
  #headerOf(property: keyof Properties, headers: Headers): string {
    const plain = (plainNames as Partial<Record<keyof Properties, string>>)[property];
    if (plain === undefined || !this.#isPlain(plain as PlainName)) return headerOfProperty[property];
    return headers.some(([name]) => name.toLowerCase() === plain) ? headerOfProperty[property] : plain;
  }

  /** Headers under the names they are sent by; repeats together where the target holds a name once. */
  #coverHeaders(headers: Headers, cover: Cover): void {
    if (this.#carries.repeats || !haveRepeats(headers, this.#wireName)) {
      for (const [name, value] of headers) if (!isStamp(name)) this.#coverHeader(this.#wireName(name), value, cover);
      return;
    }
    for (const { name, values, places } of grouped(headers, this.#wireName)) {
      if (values.length > 1) cover.addRepeated(name, values, places);
      else this.#coverHeader(name, values[0] as HeaderValue, cover);
    }
  }

  #coverHeader(wireName: string, value: HeaderValue, cover: Cover): void {
    if (this.#isMistakable(wireName)) cover.addMistakable(wireName, value);
    else if (isTraceAsBytes(wireName, value)) cover.addText(wireName, value);
    else cover.addHeader(wireName, value);
  }
}

type Kind = Exclude<Carries['headers'], 'none'>;

type Changes = { -readonly [K in keyof Properties]?: Properties[K] } & {
  headers: Header[];
  key?: null;
  body?: NonNullable<MessageInit['body']>;
};
