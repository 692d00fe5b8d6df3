/** Writing and reading the small binary values that records are made of. All numbers are little endian. */
import { MqferryError } from '../errors.ts';

// How a text is stored: the two low bits of its length. UTF-16 keeps what UTF-8 cannot say (half a surrogate pair).
const ASCII = 0;
const UTF8 = 1;
const UTF16 = 2;

/** Bytes that grow as they are written; the memory is used again after `reset`. */
export class ByteWriter {
  buffer: Buffer;
  at = 0;
  /** Writing beyond it throws TOO_LARGE, before any memory is taken. */
  limit: number;
  readonly #idleBytes: number;

  constructor(idleBytes: number) {
    this.#idleBytes = idleBytes;
    this.limit = idleBytes;
    this.buffer = Buffer.allocUnsafeSlow(Math.min(idleBytes, 64 * 1024));
  }

  /** Forgets what was written, and the memory when it has grown beyond what is usual. */
  reset(): void {
    this.at = 0;
    if (this.buffer.length > this.#idleBytes) this.buffer = Buffer.allocUnsafeSlow(this.#idleBytes);
  }

  /** Makes room for this many more bytes. */
  reserve(count: number): void {
    const need = this.at + count;
    if (need > this.limit) throw new MqferryError('TOO_LARGE', `it takes more than the ${this.limit} bytes that are allowed`);
    if (need <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(need, Math.min(this.buffer.length * 2, this.limit)));
    this.buffer.copy(grown, 0, 0, this.at);
    this.buffer = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.at++] = value;
  }

  /** Up to 2^53: seven bits a byte, the lowest first. */
  whole(value: number): void {
    this.reserve(8);
    const { buffer } = this;
    let rest = value;
    while (rest >= 128) {
      buffer[this.at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    buffer[this.at++] = rest;
  }

  double(value: number): void {
    this.reserve(8);
    this.at = this.buffer.writeDoubleLE(value, this.at);
  }

  bytes(value: Uint8Array): void {
    this.whole(value.length);
    this.raw(value);
  }

  /** Bytes without their length. */
  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.at);
    this.at += value.length;
  }

  text(value: string): void {
    if (value.length < 64 && this.#shortAscii(value)) return;
    if (value.isWellFormed()) this.#coded(value, UTF8, Buffer.byteLength(value));
    else this.#coded(value, UTF16, value.length * 2);
  }

  // Most texts are names and ids: a loop takes a fifth of the time that a call of Buffer.write takes for 16 characters.
  #shortAscii(value: string): boolean {
    const { length } = value;
    this.reserve(length + 2);
    const start = this.at;
    this.whole(length * 4 + ASCII);
    const { buffer } = this;
    let { at } = this;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) {
        this.at = start;
        return false;
      }
      buffer[at++] = code;
    }
    this.at = at;
    return true;
  }

  #coded(value: string, coding: number, length: number): void {
    this.whole(length * 4 + coding);
    this.reserve(length);
    this.at += this.buffer.write(value, this.at, length, coding === UTF8 ? 'utf8' : 'utf16le');
  }
}

/** Reads what {@link ByteWriter} wrote. Bytes are slices, not copies. */
export class ByteReader {
  buffer: Buffer;
  at = 0;
  end = 0;
  /** Names seen before, by hash; the later one has the slot. */
  readonly #names: string[] = new Array(256).fill('');

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  byte(): number {
    return this.buffer[this.#take(1)] as number;
  }

  whole(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const next = this.byte();
      value += (next & 127) * scale;
      if (next < 128) return value;
      scale *= 128;
    }
  }

  /** How many of something follow, each of a byte at least: never more than there are bytes, so nothing is made for a number that is none. */
  count(): number {
    const count = this.whole();
    if (count > this.end - this.at) throw tooShort();
    return count;
  }

  double(): number {
    return this.buffer.readDoubleLE(this.#take(8));
  }

  bytes(): Buffer {
    const length = this.whole();
    const start = this.#take(length);
    return this.buffer.subarray(start, start + length);
  }

  /** All that is left. */
  rest(): Buffer {
    const start = this.at;
    this.at = this.end;
    return this.buffer.subarray(start, this.end);
  }

  /** A text that many messages share: a header's name, a content type. The same string each time, found without making it. */
  name(): string {
    const start = this.at;
    const length = (this.buffer[start] as number) >> 2;
    // One byte of length and coding: ASCII of fewer than 32 characters.
    if (((this.buffer[start] as number) & 131) !== ASCII || length > this.end - start - 1) return this.text();
    let hash = length;
    for (let i = 1; i <= length; i++) hash = (hash * 31 + (this.buffer[start + i] as number)) | 0;
    const slot = hash & (this.#names.length - 1);
    const known = this.#names[slot] as string;
    if (known.length === length && this.#isAt(known, start + 1)) {
      this.at = start + 1 + length;
      return known;
    }
    const name = this.text();
    this.#names[slot] = name;
    return name;
  }

  #isAt(text: string, start: number): boolean {
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== this.buffer[start + i]) return false;
    return true;
  }

  text(): string {
    const tagged = this.whole();
    const coding = tagged % 4;
    const length = (tagged - coding) / 4;
    const start = this.#take(length);
    return this.buffer.toString(coding === ASCII ? 'latin1' : coding === UTF8 ? 'utf8' : 'utf16le', start, start + length);
  }

  #take(count: number): number {
    const start = this.at;
    if (count > this.end - start) throw tooShort();
    this.at = start + count;
    return start;
  }
}

function tooShort(): MqferryError {
  return new MqferryError('BUFFER_FAILED', 'a stored record ends too early; this is a bug in mqferry');
}
