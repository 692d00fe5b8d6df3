import { group } from '../config/fields.ts';
import { MqferryError } from '../errors.ts';
import { decodeAvro } from './formats/avro.ts';
import { decodeCsv } from './formats/csv.ts';
import type { Decode, Direction } from './formats/format.ts';
import { formatName } from './formats/format.ts';
import { decodeJson } from './formats/json.ts';
import { decodeProtobuf } from './formats/protobuf.ts';
import { decodeXml } from './formats/xml.ts';
import { bodyChange } from './json.ts';
import { chosen } from './one-of.ts';
import { defineStep, eachMessage } from './step.ts';

const formats = { json: decodeJson, xml: decodeXml, csv: decodeCsv, avro: decodeAvro, protobuf: decodeProtobuf };

export const decode = defineStep({
  name: 'decode',
  summary:
    'Reads a body of another format, and makes it JSON, for the steps behind it. JSON itself needs no step: each reads it where it asks for `body`. A tombstone stays one.',
  notes: 'What is not of the format, or not all of it, fails with `DECODE_FAILED`. `contentType` becomes `application/json`.',
  value: group('One of the formats.', {
    json: decodeJson.field,
    xml: decodeXml.field,
    csv: decodeCsv.field,
    avro: decodeAvro.field,
    protobuf: decodeProtobuf.field,
  }),
  example: {
    steps: '- decode: { xml: { lists: [item] } }',
    before: 'body: <order id="7"><item>a</item><note>x &amp; y</note></order>',
    after: 'contentType: application/json\nbody: {"order":{"@id":"7","item":["a"],"note":"x & y"}}',
  },
  touches: 'nothing',
  explain: (value) => `reads the body as ${formatName(chosen('decode', value)[0])} and makes it JSON`,
  compile(value) {
    const [name, options] = chosen('decode', value);
    const read = (formats[name] as Direction<unknown, Decode>).compile(options);
    return eachMessage('decode', (message) => {
      if (message.body === null) return message;
      if (message.contentEncoding !== undefined && message.contentEncoding !== 'identity')
        throw new MqferryError('DECODE_FAILED', 'the body has a contentEncoding: decompress it first');
      return message.change({ ...bodyChange(read(message.body)), contentType: 'application/json' });
    });
  },
});
