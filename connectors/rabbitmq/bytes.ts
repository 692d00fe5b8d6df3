import { isUtf8 } from 'node:buffer';
import { MqferryError } from '../../src/connector.ts';

/** Bytes being put together in one buffer that is used again and again. Throws TOO_LARGE at its end, UNMAPPABLE for what AMQP cannot say. */
export class ByteWriter {
  readonly buffer: Buffer;
  at = 0;

  constructor(limitBytes: number) {
    this.buffer = Buffer.allocUnsafe(limitBytes);
  }

  u8(value: number): void {
    this.#room(1);
    this.buffer[this.at++] = value;
  }

  u16(value: number): void {
    this.#room(2);
    this.at = this.buffer.writeUInt16BE(value & 0xffff, this.at);
  }

  u32(value: number): void {
    this.#room(4);
    this.at = this.buffer.writeUInt32BE(value >>> 0, this.at);
  }

  /** A whole number between -2^53 and 2^53 as a 64-bit integer: without a bigint, which costs ten times as much. */
  i64(value: number): void {
    this.u32(Math.floor(value / 0x1_0000_0000));
    this.u32(value);
  }

  big64(value: bigint): void {
    this.#room(8);
    this.at = this.buffer.writeBigUInt64BE(BigInt.asUintN(64, value), this.at);
  }

  f32(value: number): void {
    this.#room(4);
    this.at = this.buffer.writeFloatBE(value, this.at);
  }

  f64(value: number): void {
    this.#room(8);
    this.at = this.buffer.writeDoubleBE(value, this.at);
  }

  bytes(value: Buffer): void {
    this.#room(value.length);
    this.at += value.copy(this.buffer, this.at);
  }

  /** At most 255 bytes of text behind one byte that counts them. */
  shortText(what: string, value: string): void {
    const start = this.at;
    this.u8(0);
    this.#text(value);
    const length = this.at - start - 1;
    if (length > 255) throw new MqferryError('UNMAPPABLE', `${what} has ${length} bytes; AMQP 0-9-1 takes 255 at most`);
    this.buffer[start] = length;
  }

  longText(value: string): void {
    const start = this.begin();
    this.#text(value);
    this.end(start);
  }

  longBytes(value: Buffer): void {
    this.u32(value.length);
    this.bytes(value);
  }

  /** Leaves room for a 32-bit length; {@link end} fills it in. */
  begin(): number {
    this.u32(0);
    return this.at;
  }

  end(start: number): void {
    this.buffer.writeUInt32BE(this.at - start, start - 4);
  }

  #text(value: string): void {
    const { length } = value;
    this.#room(length);
    // A loop beats the call into C++ for the short ASCII that names and ids are.
    if (length <= 32 && this.#ascii(value)) return;
    if (!value.isWellFormed()) throw new MqferryError('UNMAPPABLE', 'a text holds half a surrogate pair, which UTF-8 cannot say');
    this.#room(length * 3 > this.buffer.length - this.at ? Buffer.byteLength(value) : length);
    this.at += this.buffer.write(value, this.at);
  }

  #ascii(value: string): boolean {
    const { buffer, at } = this;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      buffer[at + i] = code;
    }
    this.at += value.length;
    return true;
  }

  #room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    throw new MqferryError('TOO_LARGE', `properties and headers take more than ${this.buffer.length} bytes`);
  }
}

/** Reads what a broker wrote, front to back. Throws DECODE_FAILED where the bytes do not hold what they should. */
export class ByteReader {
  readonly buffer: Buffer;
  at: number;
  readonly #end: number;

  constructor(buffer: Buffer, at = 0, end = buffer.length) {
    this.buffer = buffer;
    this.at = at;
    this.#end = end;
  }

  get done(): boolean {
    return this.at >= this.#end;
  }

  u8(): number {
    return this.buffer[this.#take(1)] as number;
  }

  u16(): number {
    return this.buffer.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.buffer.readUInt32BE(this.#take(4));
  }

  u64(): bigint {
    return this.buffer.readBigUInt64BE(this.#take(8));
  }

  /** The place of the next `bytes` bytes, which are then behind us. */
  skip(bytes: number): number {
    return this.#take(bytes);
  }

  /** A part of what is left, to be read on its own. */
  part(bytes: number): ByteReader {
    const start = this.#take(bytes);
    return new ByteReader(this.buffer, start, start + bytes);
  }

  bytes(length: number): Buffer {
    const start = this.#take(length);
    return this.buffer.subarray(start, start + length);
  }

  shortBytes(): Buffer {
    return this.bytes(this.u8());
  }

  shortText(what: string): string {
    const length = this.u8();
    const start = this.#take(length);
    const text = decodeText(this.buffer, start, start + length);
    if (text === undefined) throw new MqferryError('DECODE_FAILED', `${what} is not UTF-8`);
    return text;
  }

  #take(bytes: number): number {
    const start = this.at;
    if (start + bytes > this.#end) throw new MqferryError('DECODE_FAILED', 'properties and headers end too early');
    this.at = start + bytes;
    return start;
  }
}

/** Whether this is short text, as names and properties are: one byte counts its bytes, and a UTF-16 unit has three at most. */
export function isShort(text: string): boolean {
  return text.isWellFormed() && (text.length <= 85 || Buffer.byteLength(text) <= 255);
}

/** The text, or undefined when the bytes are not UTF-8: decoding would replace them without a word. */
export function decodeText(buffer: Buffer, start: number, end: number): string | undefined {
  const text = buffer.toString('utf8', start, end);
  if (text.includes('\ufffd') && !isUtf8(buffer.subarray(start, end))) return undefined;
  return text;
}
