import { oneOf } from '../config/fields.ts';
import { MqferryError } from '../errors.ts';
import { defineStep, eachMessage } from './step.ts';

export const base64 = defineStep({
  name: 'base64',
  summary:
    'Writes the body in base64, or reads it, bit-exact. Reading takes base64url and line breaks too, and refuses all else. `contentType` stays: it says what the bytes are. A tombstone stays one.',
  value: oneOf('What is done with the body.', ['encode', 'decode']),
  example: { steps: '- base64: encode', before: 'body: hello', after: 'body: aGVsbG8=' },
  touches: (what) => (what === 'encode' ? [{ part: 'body', sets: true }] : []),
  explain: (what) => (what === 'encode' ? 'writes the body in base64' : 'reads the body from base64'),
  compile: (what) =>
    eachMessage('base64', (message) => {
      if (message.body === null) return message;
      return message.change({ body: what === 'encode' ? Buffer.from(message.body.toString('base64')) : decode(message.body) });
    }),
});

/** Node leaves out what it cannot decode; we do not. */
function decode(body: Buffer): Buffer {
  const text = body.toString('latin1').replace(/[\r\n]+/g, '');
  const digits = text.replace(/={1,2}$/, '');
  const isPadded = digits.length === text.length || text.length % 4 === 0;
  if (!/^[A-Za-z0-9+/_-]*$/.test(digits) || digits.length % 4 === 1 || !isPadded)
    throw new MqferryError('DECODE_FAILED', 'the body is not base64');
  return Buffer.from(digits, 'base64');
}
