import { group, oneOf, size } from '../config/fields.ts';
import { sizeText } from '../config/values.ts';
import { MqferryError } from '../errors.ts';
import { codingNames, codings } from './codings/index.ts';
import { defineStep, eachMessage } from './step.ts';

const codingsMax = 4;

export const decompress = defineStep({
  name: 'decompress',
  summary: 'Undoes what `contentEncoding` names, all of it, and clears it. A message without one passes as it is, and so does a tombstone.',
  notes: `It stops at \`maxBytes\`, before more is made of a small body that becomes a large one (\`TOO_LARGE\`). A body that is cut short, or has something
behind its end, fails (\`DECODE_FAILED\`). It knows the codings of \`compress\`, \`x-gzip\` and \`identity\`. A step is synchronous: while a body is
decompressed nothing else happens, 2 to 3 ms for each MiB that comes out.`,
  value: group('How.', {
    encoding: oneOf('The coding, whatever `contentEncoding` says; only this one is undone.', codingNames, { optional: true }),
    maxBytes: size('The largest body that may come out.', { default: 64 * 2 ** 20 }),
  }),
  example: {
    steps: '- decompress',
    before: 'contentEncoding: gzip\nbody: base64 H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==',
    after: 'body: hello',
  },
  touches: 'nothing',
  explain: ({ encoding, maxBytes }) => `decompresses the body (${encoding ?? 'as contentEncoding says'}), at most to ${sizeText(maxBytes)}`,
  compile: ({ encoding, maxBytes }) =>
    eachMessage('decompress', (message) => {
      const named = namesIn(message.contentEncoding);
      const undone = encoding === undefined ? named : [encoding];
      if (message.body === null || undone.length === 0) return message;
      if (undone.length > codingsMax) throw new MqferryError('DECODE_FAILED', `contentEncoding names more than ${codingsMax} codings`);
      let { body } = message;
      for (const name of undone.toReversed()) body = undo(name, body, maxBytes);
      const rest = encoding === undefined ? [] : named.at(-1) === encoding ? named.slice(0, -1) : named;
      return message.change({ body, contentEncoding: rest.length > 0 ? rest.join(', ') : undefined });
    }),
});

function undo(name: string, body: Buffer, maxBytes: number): Buffer {
  const coding = codings.get(name);
  if (coding === undefined) throw new MqferryError('DECODE_FAILED', 'contentEncoding names a coding that is not known here');
  return coding.decompress(body, maxBytes);
}

/** In the order in which they were applied. */
function namesIn(contentEncoding: string | undefined): string[] {
  if (contentEncoding === undefined) return [];
  const names = contentEncoding.slice(0, 200).toLowerCase().split(',');
  return names.map((name) => name.trim().replace(/^x-gzip$/, 'gzip')).filter((name) => name !== '' && name !== 'identity');
}
