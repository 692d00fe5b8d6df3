import { group } from '../config/fields.ts';
import { encodeAvro } from './formats/avro.ts';
import { encodeCsv } from './formats/csv.ts';
import type { Direction, Encode } from './formats/format.ts';
import { formatName } from './formats/format.ts';
import { encodeJson } from './formats/json.ts';
import { encodeProtobuf } from './formats/protobuf.ts';
import { encodeXml } from './formats/xml.ts';
import { assertDepth, readJson } from './json.ts';
import { chosen } from './one-of.ts';
import { defineStep, eachMessage } from './step.ts';

const formats = { json: encodeJson, xml: encodeXml, csv: encodeCsv, avro: encodeAvro, protobuf: encodeProtobuf };

export const encode = defineStep({
  name: 'encode',
  summary: 'Writes a JSON body in another format, or anew, with its `contentType`. Numbers keep their digits. A tombstone stays one.',
  notes: 'What the format cannot say is an error (`STEP_FAILED`), never left out.',
  value: group('One of the formats.', {
    json: encodeJson.field,
    xml: encodeXml.field,
    csv: encodeCsv.field,
    avro: encodeAvro.field,
    protobuf: encodeProtobuf.field,
  }),
  example: {
    steps: '- encode: { xml: {} }',
    before: 'body: {"order":{"@id":7,"item":["a","b"],"note":"x & y"}}',
    after:
      'contentType: application/xml\nbody: <?xml version="1.0" encoding="UTF-8"?><order id="7"><item>a</item><item>b</item><note>x &amp; y</note></order>',
  },
  explain: (value) => `writes the JSON body as ${formatName(chosen('encode', value)[0])}`,
  compile(value) {
    const [name, options] = chosen('encode', value);
    const format = (formats[name] as Direction<unknown, Encode>).compile(options);
    return eachMessage('encode', (message) => {
      if (message.body === null) return message;
      assertDepth(readJson(message), 0);
      return message.change({
        body: format.encode(message.body.toString()),
        contentType: format.contentType,
        contentEncoding: undefined,
      });
    });
  },
});
