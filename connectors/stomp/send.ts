/** The head of a SEND frame for a message. Pure. */
import { isUtf8 } from 'node:buffer';
import { type HeaderValue, type Message, MqferryError, Typed } from '../../src/connector.ts';
import { headerLine } from './frames.ts';
import type { Profile } from './profiles.ts';
import { isReserved } from './reserved.ts';

/** 32 bits. RabbitMQ 3.10.8 takes 100 years, and ends the link beyond. */
export const expirationMaxMs = 0xffff_ffff;

/** Numbers of a MESSAGE are read up to 15 digits. */
export const digitsMax = 999_999_999_999_999;

/** Makes heads for one link. It remembers header names, which hardly change from message to message. */
export class SendHeads {
  readonly #profile: Profile;
  /** Names seen, as they begin a line, or why they cannot be sent. */
  readonly #names = new Map<string, string | MqferryError>();

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  /**
   * Command and header lines; `destination` is lines already. Returns UNMAPPABLE or TOO_LARGE when STOMP, or this broker, has no place for
   * something that the message carries: sent anyway it would be cut, obeyed as an order, or end the link.
   */
  head(message: Message, destination: string, receipt: string, nowMs: number): string | MqferryError {
    try {
      const length = message.body?.length ?? 0;
      const start = `SEND\n${destination}persistent:true\nreceipt:${receipt}\ncontent-length:${length}\n`;
      return start + this.#properties(message, nowMs) + this.#headers(message);
    } catch (error) {
      if (error instanceof MqferryError) return error;
      throw error;
    }
  }

  #properties(message: Message, nowMs: number): string {
    const { group, name } = this.#profile;
    const { correlationId, replyTo, expiresAt, priority, timestamp } = message;
    let lines = this.#property('content-type', message.contentType);
    lines += this.#property('content-encoding', message.contentEncoding);
    lines += this.#property('type', message.type);
    if (correlationId !== undefined) lines += this.#property('correlation-id', textOf('correlation-id', correlationId));
    if (replyTo !== undefined) lines += this.#replyTo(replyTo);
    if (expiresAt !== undefined) lines += this.#expiry(expiresAt, nowMs);
    if (priority !== undefined) lines += `priority:${Math.min(this.#profile.prioritiesMax, Math.max(0, Math.trunc(priority)))}\n`;
    if (timestamp !== undefined && this.#profile.takesTimestamp) lines += this.#timestamp(timestamp);
    if (name === 'rabbitmq') lines += this.#property('amqp-message-id', message.id) + this.#property('app-id', message.appId);
    if (group !== undefined) lines += this.#property(group, message.group);
    return lines;
  }

  #timestamp(ms: number): string {
    const written = Math.floor(ms / this.#profile.timestampUnitMs);
    if (!(ms >= 0 && written <= digitsMax)) throw unmappable(`its timestamp ${ms} is not a time since 1970`);
    return `timestamp:${written}\n`;
  }

  #replyTo(replyTo: string): string {
    if (!this.#profile.isAddress(replyTo)) throw unmappable(`its reply-to ${quoted(replyTo)} is no address there`);
    return this.#property('reply-to', replyTo);
  }

  // One that is late already gets the shortest life there is: 0 means "for ever" to JMS.
  #expiry(expiresAt: number, nowMs: number): string {
    const { header, isRelative } = this.#profile.expiry;
    const written = Math.ceil(isRelative ? expiresAt - nowMs : expiresAt);
    if (!(written <= (isRelative ? expirationMaxMs : digitsMax))) throw unmappable(`its expiry ${expiresAt} is no time, or too far away`);
    return `${header}:${Math.max(1, written)}\n`;
  }

  #property(name: string, value: string | undefined): string {
    if (value === undefined) return '';
    const { shortMax } = this.#profile;
    if (value.length * 3 > shortMax && Buffer.byteLength(value) > shortMax)
      throw unmappable(`its ${name} is longer than ${shortMax} bytes`);
    return headerLine(name, sound(name, value));
  }

  #headers({ headers }: Message): string {
    if (headers.length > this.#profile.headersMax) throw tooLarge(`it has ${headers.length} headers`);
    let lines = '';
    const seen = headers.length > 16 ? new Set<string>() : undefined;
    for (let i = 0; i < headers.length; i++) {
      const [name, value] = headers[i] as (typeof headers)[number];
      if (seen ? seen.has(name) || !seen.add(name) : repeats(headers, i)) throw unmappable(`header ${quoted(name)} is repeated`);
      lines += this.#header(name, value);
    }
    return lines;
  }

  #header(name: string, value: HeaderValue): string {
    const { lineMax } = this.#profile;
    const line = `${this.#name(name)}${headerLine('', sound(name, textOf(name, value))).slice(1)}`;
    if (line.length * 3 > lineMax && Buffer.byteLength(line) > lineMax)
      throw tooLarge(`header ${quoted(name)} is longer than ${lineMax} bytes`);
    return line;
  }

  #name(name: string): string {
    let start = this.#names.get(name);
    if (start === undefined) {
      if (this.#names.size >= 1000) this.#names.clear();
      start = this.#newName(name);
      this.#names.set(name, start);
    }
    if (start instanceof MqferryError) throw start;
    return start;
  }

  #newName(name: string): string | MqferryError {
    if (name === '') return unmappable('a header has no name');
    if (isReserved(name)) return unmappable(`header ${quoted(name)} is an order to the broker`);
    if (Buffer.byteLength(name) > this.#profile.shortMax) return unmappable(`the name of header ${quoted(name)} is too long`);
    if (isUnsound(name)) return unmappable(`the name of header ${quoted(name)} holds NUL or half a character`);
    return headerLine(name, '').slice(0, -1);
  }
}

function repeats(headers: Message['headers'], index: number): boolean {
  const name = headers[index]?.[0];
  for (let i = 0; i < index; i++) if (headers[i]?.[0] === name) return true;
  return false;
}

/** Numbers and bytes in their canonical text; what needs more than text has been put into text by the engine. */
function textOf(name: string, value: HeaderValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (Buffer.isBuffer(value) && isUtf8(value)) return value.toString();
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (value instanceof Typed && !Buffer.isBuffer(value.value)) return String(value.value);
  throw unmappable(`the value of ${quoted(name)} is not text`);
}

function sound(name: string, value: string): string {
  if (isUnsound(value)) throw unmappable(`the value of ${quoted(name)} holds NUL or half a character`);
  return value;
}

/** NUL ends a frame for some brokers; half a surrogate pair cannot be written as UTF-8. */
function isUnsound(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed();
}

const quoted = (name: string) => JSON.stringify(name.slice(0, 100));

function unmappable(why: string): MqferryError {
  return new MqferryError('UNMAPPABLE', `cannot send a message by STOMP: ${why}`);
}

function tooLarge(why: string): MqferryError {
  return new MqferryError('TOO_LARGE', `cannot send a message by STOMP: ${why}`);
}
