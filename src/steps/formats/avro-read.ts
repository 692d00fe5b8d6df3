/** Avro's binary encoding. Ours, as avsc believes the length of a list before it looks whether the body is that long. */
import { isUtf8 } from 'node:buffer';
import { put } from '../../expr/index.ts';
import { type AvroType, depthMax, isPlain, valuesMax } from './avro-type.ts';
import { undecodable } from './format.ts';

/** All of the body, as JSON has it. */
export function readAvro(type: AvroType, body: Buffer): unknown {
  const reader = new Reader(body);
  const value = reader.value(type, 0);
  if (!reader.isAtEnd) throw undecodable('something stands behind the Avro value');
  return value;
}

class Reader {
  readonly #body: Buffer;
  #at = 0;
  #values = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#body.length;
  }

  value(type: AvroType, depth: number): unknown {
    if (++this.#values > valuesMax) throw undecodable(`the body has more than ${valuesMax} values`);
    if (depth > depthMax) throw undecodable(`the body is nested more than ${depthMax} deep`);
    switch (type.typeName) {
      case 'null':
        return null;
      case 'boolean':
        return this.#index(2) === 1;
      case 'int':
        return this.#int();
      case 'long':
        return this.#long();
      case 'float':
        return this.#take(4).readFloatLE();
      case 'double':
        return this.#take(8).readDoubleLE();
      case 'bytes':
        return this.#take(this.#size()).toString('base64');
      case 'fixed':
        return this.#take(type.size).toString('base64');
      case 'string':
        return this.#text();
      case 'enum':
        return type.symbols[this.#int(type.symbols.length)];
      default:
        return this.#compound(type, depth);
    }
  }

  #compound(type: AvroType, depth: number): unknown {
    if (type.typeName === 'array') return this.#list(type, depth);
    if (type.typeName === 'map') return this.#map(type, depth);
    if (type.typeName === 'record') {
      const record: Record<string, unknown> = {};
      for (const field of type.fields) put(record, field.name, this.value(field.type, depth + 1));
      return record;
    }
    const branch = type.types[this.#int(type.types.length)] as AvroType;
    const value = this.value(branch, depth + 1);
    if (branch.typeName === 'null' || isPlain(type)) return value;
    return { [branch.branchName as string]: value };
  }

  #list(type: AvroType, depth: number): unknown[] {
    const list: unknown[] = [];
    for (let left = this.#block(); left > 0; left = this.#block())
      for (; left > 0; left--) list.push(this.value(type.itemsType, depth + 1));
    return list;
  }

  #map(type: AvroType, depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (let left = this.#block(); left > 0; left = this.#block())
      for (; left > 0; left--) put(map, this.#text(), this.value(type.valuesType, depth + 1));
    return map;
  }

  /** How many come now; a negative count has the bytes they take behind it. */
  #block(): number {
    const count = Number(this.#long());
    if (count < 0) this.#long();
    return Math.abs(count);
  }

  #text(): string {
    const bytes = this.#take(this.#size());
    if (!isUtf8(bytes)) throw undecodable('a text of the body is not UTF-8');
    return bytes.toString();
  }

  #size(): number {
    return Number(this.#long());
  }

  #int(below?: number): number {
    const value = Number(this.#long());
    if (below === undefined ? value !== (value | 0) : !(value >= 0 && value < below))
      throw undecodable('a number of the body is out of range');
    return value;
  }

  #index(below: number): number {
    const byte = this.#take(1)[0] as number;
    if (byte >= below) throw undecodable('a number of the body is out of range');
    return byte;
  }

  /** Zigzag, seven bits a byte; a bigint only where a number would round. */
  #long(): number | bigint {
    let bits = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#take(1)[0] as number;
      bits |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (bits >= 2n ** 64n) break;
        const value = BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n));
        return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
      }
    }
    throw undecodable('a number of the body is too long');
  }

  #take(bytes: number): Buffer {
    if (!(bytes >= 0 && bytes <= this.#body.length - this.#at)) throw undecodable('the body ends too early');
    this.#at += bytes;
    return this.#body.subarray(this.#at - bytes, this.#at);
  }
}
