/** Bytes to frames. */
import { isUtf8 } from 'node:buffer';
import { MqferryError } from '../../src/connector.ts';
import type { Frame } from './frames.ts';

/** What a peer may ask this process to hold. */
export interface FrameLimits {
  readonly headerBytes: number;
  readonly headers: number;
  readonly bodyBytes: number;
}

const LF = 10;
const CR = 13;

/** Headers that are needed even of a frame that has too many. */
const vital = new Set(['ack', 'content-length', 'destination', 'message-id', 'receipt-id', 'subscription']);

interface Head {
  readonly command: string;
  readonly headers: [string, string][];
  readonly fault: MqferryError | undefined;
  readonly bodyStart: number;
  /** -1 without content-length. */
  readonly bodyLength: number;
}

/** Cuts a stream of bytes into frames, whatever the chunks are. */
export class FrameReader {
  readonly #limits: FrameLimits;
  readonly #take: (frame: Frame) => void;
  /** The start of a frame whose rest has not come; `#held.length` is the room, `#heldBytes` what is in it. */
  #held: Buffer | undefined;
  #heldBytes = 0;
  /** How far the held bytes have been searched for the end of the headers, or of a body without a length. */
  #searched = 0;
  #head: Head | undefined;

  constructor(limits: FrameLimits, take: (frame: Frame) => void) {
    this.#limits = limits;
    this.#take = take;
  }

  /** Hands over each frame that is complete. Throws DECODE_FAILED when it cannot be known where the frame ends: the stream is lost then. */
  feed(chunk: Buffer): void {
    let rest = chunk;
    while (this.#held) {
      const taken = this.#hold(rest);
      rest = rest.subarray(taken);
      const held = this.#held.subarray(0, this.#heldBytes);
      const end = this.#frame(held, 0);
      if (end < 0) {
        if (rest.length === 0) return;
        continue;
      }
      this.#held = undefined;
      if (end < held.length) this.#all(held.subarray(end));
    }
    this.#all(rest);
  }

  #all(bytes: Buffer): void {
    let start = 0;
    for (;;) {
      while (start < bytes.length && (bytes[start] === LF || bytes[start] === CR)) start++;
      if (start === bytes.length) return;
      const end = this.#frame(bytes, start);
      if (end < 0) break;
      start = end;
    }
    this.#keep(bytes.subarray(start));
  }

  /** The place after the frame that starts here; -1 when it is not all there. */
  #frame(bytes: Buffer, start: number): number {
    const head = this.#head ?? this.#readHead(bytes, start);
    if (!head) return -1;
    const { bodyLength } = head;
    let bodyEnd = head.bodyStart + bodyLength;
    if (bodyLength < 0) {
      bodyEnd = bytes.indexOf(0, Math.max(head.bodyStart, this.#searched));
      const length = (bodyEnd < 0 ? bytes.length : bodyEnd) - head.bodyStart;
      if (length > this.#limits.bodyBytes) throw tooLarge(length, this.#limits.bodyBytes);
      this.#searched = bodyEnd < 0 ? bytes.length - start : 0;
    }
    if (bodyEnd < 0 || bodyEnd >= bytes.length) {
      this.#head = { ...head, bodyStart: head.bodyStart - start };
      return -1;
    }
    if (bytes[bodyEnd] !== 0) throw broken('a frame is longer than its content-length');
    this.#head = undefined;
    this.#searched = 0;
    this.#take({ command: head.command, headers: head.headers, body: bytes.subarray(head.bodyStart, bodyEnd), fault: head.fault });
    return bodyEnd + 1;
  }

  #readHead(bytes: Buffer, start: number): Head | undefined {
    const bodyStart = endOfHead(bytes, start, start + this.#searched);
    if ((bodyStart < 0 ? bytes.length : bodyStart) - start > this.#limits.headerBytes) {
      throw broken(`the headers of a frame are larger than ${this.#limits.headerBytes} bytes`);
    }
    this.#searched = bodyStart < 0 ? bytes.length - start : 0;
    if (bodyStart < 0) return undefined;
    return parseHead(bytes, start, bodyStart, this.#limits);
  }

  /** Starts to hold an unfinished frame, with room for all of it when its length is known. */
  #keep(bytes: Buffer): void {
    const room = Math.max(this.#need(), bytes.length * 2, 512);
    this.#held = Buffer.allocUnsafeSlow(room);
    this.#heldBytes = bytes.copy(this.#held);
  }

  /** Adds bytes to the unfinished frame, none beyond its end when that is known. Returns how many. */
  #hold(bytes: Buffer): number {
    const need = this.#need();
    const count = need > 0 ? Math.min(bytes.length, need - this.#heldBytes) : bytes.length;
    let held = this.#held as Buffer;
    if (this.#heldBytes + count > held.length) {
      held = Buffer.allocUnsafeSlow(Math.max(need, (this.#heldBytes + count) * 2));
      (this.#held as Buffer).copy(held, 0, 0, this.#heldBytes);
      this.#held = held;
    }
    bytes.copy(held, this.#heldBytes, 0, count);
    this.#heldBytes += count;
    return count;
  }

  /** Bytes of the whole unfinished frame; 0 when that is not known yet. */
  #need(): number {
    return this.#head && this.#head.bodyLength >= 0 ? this.#head.bodyStart + this.#head.bodyLength + 1 : 0;
  }
}

/** The place after the empty line that ends the headers; -1 when it has not come. */
function endOfHead(bytes: Buffer, start: number, from: number): number {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    const line = bytes[at - 1] === CR ? at - 1 : at;
    if (line > start && bytes[line - 1] === LF) return at + 1;
  }
  return -1;
}

function parseHead(bytes: Buffer, start: number, end: number, limits: FrameLimits): Head {
  const text = bytes.toString('utf8', start, end);
  const command = line(text, 0, text.indexOf('\n'));
  const headers: [string, string][] = [];
  const hasEscapes = command !== 'CONNECTED' && text.includes('\\');
  // A replacement character may also have been sent as such; only then is the slower question asked.
  let fault = text.includes('\uFFFD') && !isUtf8(bytes.subarray(start, end)) ? broken('a header is not UTF-8') : undefined;
  let length: string | undefined;
  let count = 0;
  let at = text.indexOf('\n') + 1;
  const blank = text.length - (text.charCodeAt(text.length - 2) === CR ? 2 : 1);
  for (let next = 0; at < blank; at = next + 1) {
    next = text.indexOf('\n', at);
    const colon = text.indexOf(':', at);
    if (colon < 0 || colon > next) {
      fault ??= broken('a header line has no colon');
      continue;
    }
    let name = text.slice(at, colon);
    let value = line(text, colon + 1, next);
    if (hasEscapes) {
      const plainName = unescaped(name);
      const plainValue = unescaped(value);
      if (plainName === undefined || plainValue === undefined) fault ??= broken('a header has an escape that STOMP 1.2 does not know');
      name = plainName ?? name;
      value = plainValue ?? value;
    }
    if (name === 'content-length') length ??= value;
    if (++count > limits.headers) {
      fault ??= broken(`a frame has more than ${limits.headers} headers`);
      if (!vital.has(name)) continue;
    }
    headers.push([name, value]);
  }
  return { command, headers, fault, bodyStart: end, bodyLength: bodyLength(length, limits) };
}

function line(text: string, start: number, end: number): string {
  return text.slice(start, text.charCodeAt(end - 1) === CR && end > start ? end - 1 : end);
}

function bodyLength(text: string | undefined, limits: FrameLimits): number {
  if (text === undefined) return -1;
  if (!/^[0-9]{1,15}$/.test(text)) throw broken('content-length is not a number');
  const length = Number(text);
  if (length > limits.bodyBytes) throw tooLarge(length, limits.bodyBytes);
  return length;
}

const plain: Readonly<Record<string, string>> = { '\\': '\\', r: '\r', n: '\n', c: ':' };

/** The text that was meant; undefined when it holds an escape that does not exist. */
function unescaped(text: string): string | undefined {
  let result = '';
  let from = 0;
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', from)) {
    const char = plain[text.charAt(at + 1)];
    if (char === undefined) return undefined;
    result += text.slice(from, at) + char;
    from = at + 2;
  }
  return from === 0 ? text : result + text.slice(from);
}

function broken(why: string): MqferryError {
  return new MqferryError('DECODE_FAILED', `cannot read a STOMP frame: ${why}`);
}

function tooLarge(bytes: number, limit: number): MqferryError {
  return new MqferryError('DECODE_FAILED', `cannot read a STOMP frame: its body of ${bytes} bytes is larger than maxFrame (${limit})`);
}
