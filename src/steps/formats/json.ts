import { group, whole } from '../../config/fields.ts';
import { asWritten } from '../json.ts';
import { type Decode, type Direction, type Encode, undecodable, utf8 } from './format.ts';

export const decodeJson: Direction<object, Decode> = {
  field: group(
    'JSON, checked here: so that what is not fails here and not where it is first read. Its bytes stay as they are, but for a byte order mark.',
    {},
    { optional: true },
  ),
  compile: () => (body) => {
    const text = utf8(body);
    try {
      JSON.parse(text);
    } catch {
      throw undecodable('the body is not JSON'); // What V8 says quotes the body.
    }
    return text;
  },
};

export const encodeJson: Direction<{ readonly indent: number }, Encode> = {
  field: group(
    'JSON, written anew: without blanks, or indented. For receivers that compare bytes, or people.',
    { indent: whole('Blanks of each level; 0: all in one line.', { default: 0, max: 10 }) },
    { optional: true },
  ),
  compile: ({ indent }) => ({
    contentType: 'application/json',
    encode: (json) => Buffer.from(JSON.stringify(JSON.parse(json, asWritten), null, indent)),
  }),
};
