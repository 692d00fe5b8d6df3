import { file, group } from '../../config/fields.ts';
import { MqferryError } from '../../errors.ts';
import { load, readJsonSchema } from '../lazily.ts';
import { readAvro } from './avro-read.ts';
import type { AvroType } from './avro-type.ts';
import { writeAvro } from './avro-write.ts';
import { type Decode, type Direction, type Encode, withBigints } from './format.ts';
import { skip, skipped } from './skip.ts';

const schema = file('A file with the schema, in JSON.', { example: './reading.avsc' });

export const decodeAvro: Direction<{ readonly schema: string; readonly skip: number }, Decode> = {
  field: group(
    'Avro, one value in the binary encoding. `bytes` and `fixed` are base64, an enum its symbol; a branch of a union is just its value, or `{ "<type>": … }` where JSON could not tell the branches apart. Logical types are what stands under them.',
    { schema, skip },
    { optional: true },
  ),
  compile({ schema, skip }) {
    const type = parse(schema);
    return (body) => readAvro(type, skipped(body, skip));
  },
};

export const encodeAvro: Direction<{ readonly schema: string }, Encode> = {
  field: group(
    'Avro, as `decode` reads it. A field that is not there gets its default; a name that the schema does not have is an error.',
    { schema },
    { optional: true },
  ),
  compile({ schema }) {
    const type = parse(schema);
    return { contentType: 'application/avro', encode: (json) => writeAvro(type, withBigints(json)) };
  },
};

function parse(path: string): AvroType {
  const schema = readJsonSchema(path);
  try {
    const { Type } = load('avsc') as typeof import('avsc');
    return Type.forSchema(schema as never, { wrapUnions: true }) as unknown as AvroType;
  } catch (error) {
    const reason = (error as Error).message.replace('undefined type name:', 'unknown type');
    throw new MqferryError('CONFIG_INVALID', `${path} is not an Avro schema: ${reason}`, { cause: error });
  }
}
