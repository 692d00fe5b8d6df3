/** Kafka's small values: zigzag varints (as Protocol Buffers have them), and bytes with their length before them; -1 is the length of null. */
import { TextCache, writeUtf8 } from '../../src/connector.ts';

/** Writes into memory that is large enough for all that will come. */
export class ByteWriter {
  readonly #buffer: Buffer;
  #at: number;

  /** Leaves the first `start` bytes free. A write beyond `size` throws. */
  constructor(start: number, size: number) {
    // Not from the pool: a batch is large, and lives until the broker has confirmed it.
    this.#buffer = Buffer.allocUnsafeSlow(size);
    this.#at = start;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  byte(value: number): void {
    this.#buffer[this.#at++] = value;
  }

  /** Whole numbers up to 2^53 either way. */
  varint(value: number): void {
    if (value >= 0 && value < 64) this.byte(2 * value);
    else if (Math.abs(value) < 2 ** 30) this.#narrow((value << 1) ^ (value >> 31));
    else this.#wide(value < 0 ? -2n * BigInt(value) - 1n : 2n * BigInt(value));
  }

  nullable(value: Uint8Array | null): void {
    if (value === null) {
      this.byte(1);
      return;
    }
    this.varint(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  text(value: string): void {
    // A length below 64 has one byte; nearly every name and value has it.
    const length = value.length < 64 ? writeUtf8(this.#buffer, this.#at + 1, value) : 64;
    if (length < 64) {
      this.byte(2 * length);
      this.#at += length;
      return;
    }
    this.varint(Buffer.byteLength(value));
    this.#at += this.#buffer.write(value, this.#at);
  }

  /** Begins something that has its length before it; returns what `close` asks for. */
  open(): number {
    const start = this.#at;
    this.#at += usualLengthBytes;
    return start;
  }

  close(start: number): void {
    const from = start + usualLengthBytes;
    const length = this.#at - from;
    const lengthBytes = length < 64 ? 1 : length < 2 ** 13 ? 2 : length < 2 ** 20 ? 3 : length < 2 ** 27 ? 4 : 5;
    if (lengthBytes !== usualLengthBytes) this.#buffer.copyWithin(start + lengthBytes, from, this.#at);
    this.#at = start;
    this.varint(length);
    this.#at += length;
  }

  #narrow(value: number): void {
    const buffer = this.#buffer;
    let at = this.#at;
    let rest = value >>> 0;
    while (rest >= 128) {
      buffer[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    buffer[at++] = rest;
    this.#at = at;
  }

  #wide(value: bigint): void {
    let rest = value;
    while (rest >= 128n) {
      this.byte(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    this.byte(Number(rest));
  }
}

/** The length of a record of 64 bytes to 8 KiB has two bytes: for the others, the record is moved. */
const usualLengthBytes = 2;

/** Reads what stands in `buffer`; throws a RangeError where it ends too early. Bytes are slices, not copies. */
export class ByteReader {
  at = 0;
  readonly #buffer: Buffer;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** Numbers beyond 2^53 lose their last digits. */
  varint(): number {
    const first = this.#byte();
    if (first < 128) return (first >>> 1) ^ -(first & 1);
    let value = first & 127;
    let shift = 7;
    for (; shift < 28; shift += 7) {
      const next = this.#byte();
      value |= (next & 127) << shift;
      if (next < 128) return (value >>> 1) ^ -(value & 1);
    }
    return this.#wide(BigInt(value));
  }

  nullable(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const start = this.#skip(length);
    return this.#buffer.subarray(start, start + length);
  }

  /** A short text that comes again and again: the same string each time, found without making it. Null is empty. */
  name(): string {
    const length = this.varint();
    if (length <= 0) return '';
    const start = this.#skip(length);
    return names.text(this.#buffer, start, start + length);
  }

  #byte(): number {
    if (this.at >= this.#buffer.length) throw new RangeError('the bytes end within a record');
    return this.#buffer[this.at++] as number;
  }

  #skip(length: number): number {
    const start = this.at;
    if (length > this.#buffer.length - start) throw new RangeError('the bytes end within a record');
    this.at += length;
    return start;
  }

  #wide(low: bigint): number {
    let value = low;
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const next = this.#byte();
      value |= BigInt(next & 127) << shift;
      if (next < 128) return Number((value >> 1n) ^ -(value & 1n));
    }
    throw new RangeError('a number of a record has more than ten bytes');
  }
}

const names = new TextCache();
