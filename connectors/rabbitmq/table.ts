/**
 * AMQP 0-9-1 field tables, exactly. amqplib's own codec guesses on the way out and forgets on the way in: 5.0 and int64 5 leave as a byte,
 * integers beyond 2^53 are rounded, text that is not UTF-8 is replaced, a key `__proto__` sets the prototype.
 */
import { type Header, type HeaderValue, MqferryError, Typed } from '../../src/connector.ts';
import { type ByteReader, type ByteWriter, decodeText } from './bytes.ts';

/** Deeper than any sane header, and far from where recursion hurts. */
export const depthMax = 64;
const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;
/** Seconds; what a Date can hold. */
const dateMaxSeconds = 8_640_000_000_000n;

/** All fields of a table, in order. */
export function readTable(reader: ByteReader, depth = 0): Header[] {
  if (depth > depthMax) throw new MqferryError('DECODE_FAILED', `headers are nested more than ${depthMax} deep`);
  const table = reader.part(reader.u32());
  const headers: Header[] = [];
  while (!table.done) headers.push([table.shortText('a header name'), readValue(table, depth)]);
  return headers;
}

function readArray(reader: ByteReader, depth: number): HeaderValue[] {
  if (depth > depthMax) throw new MqferryError('DECODE_FAILED', `headers are nested more than ${depthMax} deep`);
  const array = reader.part(reader.u32());
  const values: HeaderValue[] = [];
  while (!array.done) values.push(readValue(array, depth));
  return values;
}

function readValue(reader: ByteReader, depth: number): HeaderValue {
  const tag = reader.u8();
  switch (tag) {
    case 0x53: // S
      return readLongText(reader);
    case 0x49: // I
      return new Typed('int32', reader.buffer.readInt32BE(reader.skip(4)));
    case 0x6c: // l
      return plainInteger(BigInt.asIntN(64, reader.u64()));
    case 0x74: // t
      return reader.u8() !== 0;
    case 0x64: // d
      return plainDouble(reader.buffer.readDoubleBE(reader.skip(8)));
    case 0x54: // T
      return readTimestamp(reader.u64());
    case 0x46: // F
      return new Map(readTable(reader, depth + 1));
    case 0x41: // A
      return readArray(reader, depth + 1);
    case 0x56: // V
      return null;
    case 0x78: // x
      return reader.bytes(reader.u32());
    default:
      return readRare(tag, reader);
  }
}

function readRare(tag: number, reader: ByteReader): HeaderValue {
  switch (tag) {
    case 0x62: // b
      return new Typed('int8', reader.buffer.readInt8(reader.skip(1)));
    case 0x42: // B
      return new Typed('uint8', reader.u8());
    case 0x73: // s
      return new Typed('int16', reader.buffer.readInt16BE(reader.skip(2)));
    case 0x75: // u
      return new Typed('uint16', reader.u16());
    case 0x69: // i
      return new Typed('uint32', reader.u32());
    case 0x66: // f
      return new Typed('float', reader.buffer.readFloatBE(reader.skip(4)));
    case 0x44: // D
      return new Typed('decimal', decimalText(reader.u8(), reader.u32()));
    default:
      throw new MqferryError('DECODE_FAILED', `a header has the unknown type ${JSON.stringify(String.fromCharCode(tag))}`);
  }
}

function readLongText(reader: ByteReader): HeaderValue {
  const length = reader.u32();
  const start = reader.skip(length);
  const text = decodeText(reader.buffer, start, start + length);
  return text ?? new Typed('longstr', reader.buffer.subarray(start, start + length));
}

function plainInteger(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** A whole double would leave as an integer, so it keeps its type. */
function plainDouble(value: number): HeaderValue {
  return Number.isSafeInteger(value) ? new Typed('double', value) : value;
}

function readTimestamp(seconds: bigint): HeaderValue {
  return seconds <= dateMaxSeconds ? new Date(Number(seconds) * 1000) : new Typed('timestamp', seconds);
}

/** Digits and scale as text: 12345 with 2 places is `123.45`, 100 with 2 places `1.00`. */
function decimalText(places: number, digits: number): string {
  const text = String(digits).padStart(places + 1, '0');
  return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
}

/** Writes the fields with the types they have. */
export function writeTable(writer: ByteWriter, headers: Iterable<Header>, depth = 0): void {
  if (depth > depthMax) throw new MqferryError('UNMAPPABLE', `headers are nested more than ${depthMax} deep`);
  const start = writer.begin();
  for (const [name, value] of headers) {
    writer.shortText('a header name', name);
    writeValue(writer, value, depth);
  }
  writer.end(start);
}

function writeValue(writer: ByteWriter, value: HeaderValue, depth: number): void {
  if (typeof value === 'string') {
    writer.u8(0x53);
    writer.longText(value);
  } else if (typeof value === 'number') writeNumber(writer, value);
  else if (typeof value === 'bigint') writeInt64(writer, value);
  else if (typeof value === 'boolean') {
    writer.u8(0x74);
    writer.u8(value ? 1 : 0);
  } else writeObject(writer, value, depth);
}

function writeObject(writer: ByteWriter, value: Exclude<HeaderValue, string | number | boolean | bigint>, depth: number): void {
  if (value === null) writer.u8(0x56);
  else if (Buffer.isBuffer(value)) {
    writer.u8(0x78);
    writer.longBytes(value);
  } else if (value instanceof Typed) writeTyped(writer, value);
  else if (value instanceof Date) writeTimestamp(writer, value);
  else if (value instanceof Map) {
    writer.u8(0x46);
    writeTable(writer, value as ReadonlyMap<string, HeaderValue>, depth + 1);
  } else writeArray(writer, value as readonly HeaderValue[], depth + 1);
}

function writeArray(writer: ByteWriter, values: readonly HeaderValue[], depth: number): void {
  if (depth > depthMax) throw new MqferryError('UNMAPPABLE', `headers are nested more than ${depthMax} deep`);
  writer.u8(0x41);
  const start = writer.begin();
  for (const value of values) writeValue(writer, value, depth);
  writer.end(start);
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    writer.u8(0x6c);
    writer.i64(value);
  } else {
    writer.u8(0x64);
    writer.f64(finite(value));
  }
}

function writeInt64(writer: ByteWriter, value: bigint): void {
  if (value < int64Min || value > int64Max) throw new MqferryError('UNMAPPABLE', 'a header is an integer of more than 64 bits');
  writer.u8(0x6c);
  writer.big64(value);
}

/** AMQP counts whole seconds since 1970. */
function writeTimestamp(writer: ByteWriter, value: Date): void {
  const seconds = Math.floor(value.getTime() / 1000);
  if (!(seconds >= 0)) throw new MqferryError('UNMAPPABLE', 'a header is a time before 1970, which AMQP 0-9-1 cannot say');
  writer.u8(0x54);
  writer.i64(seconds);
}

/** RabbitMQ (3.10.8) closes the connection when a number is not finite: Erlang has no such floats. */
function finite(value: number): number {
  if (!Number.isFinite(value)) throw new MqferryError('UNMAPPABLE', `a header is ${value}, at which RabbitMQ hangs up`);
  return value;
}

export const smallIntegers: Readonly<Record<string, readonly [tag: number, bytes: 1 | 2 | 4, min: number, max: number]>> = {
  int8: [0x62, 1, -0x80, 0x7f],
  uint8: [0x42, 1, 0, 0xff],
  int16: [0x73, 2, -0x8000, 0x7fff],
  uint16: [0x75, 2, 0, 0xffff],
  int32: [0x49, 4, -0x8000_0000, 0x7fff_ffff],
  uint32: [0x69, 4, 0, 0xffff_ffff],
};

function writeTyped(writer: ByteWriter, { type, value }: Typed): void {
  if (Object.hasOwn(smallIntegers, type)) writeSmallInteger(writer, type, Number(value));
  else if (type === 'double') {
    writer.u8(0x64);
    writer.f64(finite(Number(value)));
  } else if (type === 'float') {
    writer.u8(0x66);
    writer.f32(finite(Math.fround(Number(value))));
  } else if (type === 'longstr' && Buffer.isBuffer(value)) {
    writer.u8(0x53);
    writer.longBytes(value);
  } else if (type === 'timestamp' && typeof value === 'bigint') {
    writer.u8(0x54);
    writer.big64(value);
  } else if (type !== 'decimal' || !writeDecimal(writer, String(value))) {
    // A type of another protocol: the value goes as the nearest plain kind.
    writeValue(writer, value, 0);
  }
}

function writeSmallInteger(writer: ByteWriter, type: string, value: number): void {
  const [tag, bytes, min, max] = smallIntegers[type] as (typeof smallIntegers)[string];
  if (!Number.isInteger(value) || value < min || value > max)
    throw new MqferryError('UNMAPPABLE', `a header of type ${type} is out of range`);
  writer.u8(tag);
  if (bytes === 1) writer.u8(value & 0xff);
  else if (bytes === 2) writer.u16(value);
  else writer.u32(value);
}

/** False when 32 bits and 255 places cannot hold it. */
function writeDecimal(writer: ByteWriter, text: string): boolean {
  const parts = decimalParts(text);
  if (parts === undefined) return false;
  writer.u8(0x44);
  writer.u8(parts.places);
  writer.u32(parts.digits);
  return true;
}

/** `123.45` is 12345 with 2 places; undefined when that is more than AMQP can say. */
export function decimalParts(text: string): { readonly digits: number; readonly places: number } | undefined {
  const match = /^(0|[1-9]\d*)(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const places = match[2]?.length ?? 0;
  const digits = BigInt(match[1] + (match[2] ?? ''));
  return digits > 0xffff_ffffn || places > 255 ? undefined : { digits: Number(digits), places };
}
