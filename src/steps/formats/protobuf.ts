import type { Type } from 'protobufjs';
import { file, group, text } from '../../config/fields.ts';
import { MqferryError } from '../../errors.ts';
import { load, readSchema } from '../lazily.ts';
import { type Decode, type Direction, type Encode, undecodable, unencodable, withLongText } from './format.ts';
import { skip, skipped } from './skip.ts';

const schema = file('A `.proto` file; what it imports is found from there on.', { example: './reading.proto' });
const message = text('The full name of the message.', { example: 'shop.Order' });

interface Options {
  readonly schema: string;
  readonly message: string;
}

/** As JSON of proto3 has it, but for the names, which are those of the file. */
const asJson = { longs: String, enums: String, bytes: String, json: true };

export const decodeProtobuf: Direction<Options & { readonly skip: number }, Decode> = {
  field: group(
    'Protocol Buffers, one message. Names are those of the file; 64-bit numbers are text, bytes base64, an enum its name. A field that is not there is left out, and so is one that the file does not have.',
    { schema, message, skip },
    { optional: true },
  ),
  compile({ skip, ...options }) {
    const type = parse(options);
    return (body) => {
      const bytes = skipped(body, skip);
      try {
        return type.toObject(type.decode(bytes), asJson);
      } catch {
        throw undecodable('the body is not such a message'); // What the library says may quote the body.
      }
    };
  },
};

export const encodeProtobuf: Direction<Options, Encode> = {
  field: group(
    'Protocol Buffers, as `decode` reads them. Null is as if it were not there; a name that the file does not have, a number that does not fit, and two fields of a oneof are errors.',
    { schema, message },
    { optional: true },
  ),
  compile(options) {
    const type = parse(options);
    return { contentType: 'application/protobuf', encode: (json) => write(type, withLongText(json)) };
  },
};

function parse({ schema, message }: Options): Type {
  readSchema(schema); // that it is a file, and not too large
  try {
    const { Root } = load('protobufjs') as typeof import('protobufjs');
    const root = new Root().loadSync(schema, { keepCase: true });
    root.resolveAll();
    return root.lookupType(message);
  } catch (error) {
    // The library says the path once more, and the line.
    const reason = (error as Error).message
      .replace(/ \(.*, line (\d+)\)$/, ' on line $1')
      .replace(/^no such type: (.*)$/, 'it has no message $1');
    throw new MqferryError('CONFIG_INVALID', `cannot use ${schema}: ${reason}`, { cause: error });
  }
}

/** The library takes what nearly fits: `"abc"` for 0, 2^32 for 0, an unknown name for nothing. So what it understood is compared. */
function write(type: Type, value: unknown): Buffer {
  if (!isMap(value)) throw unencodable('the body must be a map');
  let isExact = false;
  let bytes: Uint8Array = Buffer.alloc(0);
  try {
    const understood = type.fromObject(value);
    isExact = type.verify(understood) === null && isSame(value, type.toObject(understood, asJson), type, undefined);
    if (isExact) bytes = type.encode(understood).finish();
  } catch {
    isExact = false; // What the library says may quote the body.
  }
  if (!isExact) throw unencodable('the body does not fit the message: a name that it does not have, or a value of another type');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** `type` of a message; `scalar` of anything else. */
function isSame(given: unknown, understood: unknown, type: Type | undefined, scalar: string | undefined): boolean {
  if (understood === undefined) return given === null || (typeof given === 'object' && Object.keys(given as object).length === 0);
  if (Array.isArray(given)) {
    return (
      Array.isArray(understood) && given.length === understood.length && given.every((item, i) => isSame(item, understood[i], type, scalar))
    );
  }
  if (isMap(given))
    return isMap(understood) && Object.entries(given).every(([name, item]) => isSameField(name, item, understood, type, scalar));
  if (scalar === 'float' && typeof given === 'number' && !Number.isFinite(Math.fround(given))) return false;
  if (typeof given === 'number' || typeof given === 'bigint') return String(given) === String(understood);
  return given === understood && (typeof given !== 'string' || given.isWellFormed());
}

function isSameField(
  name: string,
  given: unknown,
  understood: Record<string, unknown>,
  type: Type | undefined,
  scalar: string | undefined,
): boolean {
  const found = Object.hasOwn(understood, name) ? understood[name] : undefined;
  if (type === undefined) return name.isWellFormed() && isSame(given, found, undefined, scalar); // in a map
  const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
  if (field === undefined) return false;
  const inside = field.resolvedType !== null && 'fields' in field.resolvedType ? (field.resolvedType as Type) : undefined;
  if (!field.map || inside === undefined) return isSame(given, found, inside, field.type);
  return (
    isMap(given) &&
    Object.entries(given).every(([key, item]) => isSame(item, (found as Record<string, unknown> | undefined)?.[key], inside, undefined))
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
