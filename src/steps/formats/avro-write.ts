/** JSON in Avro's binary encoding, strictly: what the schema does not have is an error, and no whole number is cut to fit. */

import { bytesOf } from '../base64-text.ts';
import { type AvroType, depthMax, isPlain, kindOf } from './avro-type.ts';
import { unencodable } from './format.ts';

/** `value`: JSON whose whole numbers beyond 2^53 are bigints. */
export function writeAvro(type: AvroType, value: unknown): Buffer {
  const out: Buffer[] = [];
  write(out, type, value, 'body', 0);
  return Buffer.concat(out);
}

function write(out: Buffer[], type: AvroType, value: unknown, place: string, depth: number): void {
  if (depth > depthMax) throw unencodable(`the body is nested more than ${depthMax} deep`);
  switch (type.typeName) {
    case 'null':
      if (value !== null) wrong(place, 'null');
      break;
    case 'boolean':
      out.push(Buffer.from([typeof value === 'boolean' ? Number(value) : wrong(place, 'true or false')]));
      break;
    case 'int':
      out.push(varint(whole(place, value, 32)));
      break;
    case 'long':
      out.push(varint(whole(place, value, 64)));
      break;
    case 'float':
    case 'double':
      out.push(fraction(place, value, type.typeName));
      break;
    case 'enum':
      out.push(varint(BigInt(symbolAt(type, value, place))));
      break;
    case 'fixed':
      out.push(fixed(type, value, place));
      break;
    case 'bytes':
      sized(out, bytesOf(value) ?? wrong(place, 'base64'));
      break;
    case 'string':
      sized(out, text(place, value));
      break;
    default:
      writeCompound(out, type, value, place, depth);
  }
}

function writeCompound(out: Buffer[], type: AvroType, value: unknown, place: string, depth: number): void {
  if (type.typeName === 'array') {
    const list = Array.isArray(value) ? (value as readonly unknown[]) : wrong(place, 'a list');
    if (list.length > 0) out.push(varint(BigInt(list.length)));
    for (const [i, item] of list.entries()) write(out, type.itemsType, item, `${place}.${i}`, depth + 1);
    out.push(varint(0n));
  } else if (type.typeName === 'map') {
    const entries = Object.entries(mapAt(place, value));
    if (entries.length > 0) out.push(varint(BigInt(entries.length)));
    for (const [name, item] of entries) {
      sized(out, text(place, name));
      write(out, type.valuesType, item, `${place}.*`, depth + 1); // the name is the sender's
    }
    out.push(varint(0n));
  } else if (type.typeName === 'record') writeRecord(out, type, mapAt(place, value), place, depth);
  else writeUnion(out, type, value, place, depth);
}

function writeRecord(out: Buffer[], { fields }: AvroType, record: Record<string, unknown>, place: string, depth: number): void {
  let known = 0;
  for (const field of fields) {
    const { name, type } = field;
    if (Object.hasOwn(record, name)) {
      known++;
      write(out, type, record[name], `${place}.${name}`, depth + 1);
    } else {
      const value = field.defaultValue();
      out.push(value === undefined ? wrong(`${place}.${name}`, 'there: it has no default') : type.toBuffer(value));
    }
  }
  if (known < Object.keys(record).length) throw unencodable(`${place} has a name that the schema does not have`);
}

function writeUnion(out: Buffer[], type: AvroType, value: unknown, place: string, depth: number): void {
  const [index, inside] =
    value !== null && !isPlain(type) ? named(type, value, place) : [type.types.findIndex((branch) => fits(branch, value)), value];
  const branch = type.types[index] ?? wrong(place, `one of ${type.types.map(({ branchName }) => branchName).join(', ')}`);
  out.push(varint(BigInt(index)));
  write(out, branch, inside, place, depth + 1);
}

function named({ types }: AvroType, value: unknown, place: string): [index: number, inside: unknown] {
  const entries = Object.entries(mapAt(place, value));
  const [name, inside] = entries[0] ?? ['', undefined];
  return [entries.length === 1 ? types.findIndex(({ branchName }) => branchName === name) : -1, inside];
}

function fits(type: AvroType, value: unknown): boolean {
  const kind = kindOf(type);
  if (value === null) return kind === 'null';
  if (Array.isArray(value)) return kind === 'array';
  if (typeof value === 'object') return kind === 'map';
  if (typeof value === 'string') return kind === 'text';
  return kind === (typeof value === 'boolean' ? 'boolean' : 'number');
}

function varint(value: bigint): Buffer {
  let bits = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; bits > 0x7fn; bits >>= 7n) bytes.push(Number(bits & 0x7fn) | 0x80);
  bytes.push(Number(bits));
  return Buffer.from(bytes);
}

function whole(place: string, value: unknown, bits: 32 | 64): bigint {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return wrong(place, `a whole number of ${bits} bits`);
  const number = BigInt(value as number | bigint);
  return BigInt.asIntN(bits, number) === number ? number : wrong(place, `a whole number of ${bits} bits`);
}

function fraction(place: string, value: unknown, typeName: 'float' | 'double'): Buffer {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(typeName === 'float' ? Math.fround(number) : number))
    return wrong(place, `a number that ${typeName} can hold`);
  const bytes = Buffer.alloc(typeName === 'float' ? 4 : 8);
  if (typeName === 'float') bytes.writeFloatLE(number);
  else bytes.writeDoubleLE(number);
  return bytes;
}

function symbolAt({ symbols }: AvroType, value: unknown, place: string): number {
  const index = symbols.indexOf(value as string);
  return index < 0 ? wrong(place, `one of ${symbols.slice(0, 20).join(', ')}`) : index;
}

function fixed({ size }: AvroType, value: unknown, place: string): Buffer {
  const bytes = bytesOf(value);
  return bytes?.length === size ? bytes : wrong(place, `base64 of ${size} bytes`);
}

function text(place: string, value: unknown): Buffer {
  return typeof value === 'string' && value.isWellFormed() ? Buffer.from(value) : wrong(place, 'well-formed text');
}

function sized(out: Buffer[], bytes: Buffer): void {
  out.push(varint(BigInt(bytes.length)), bytes);
}

function mapAt(place: string, value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : wrong(place, 'a map');
}

function wrong(place: string, right: string): never {
  throw unencodable(`${place.length > 100 ? `${place.slice(0, 97)}...` : place} must be ${right}`);
}
