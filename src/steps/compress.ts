import { group, oneOf } from '../config/fields.ts';
import type { Coding } from './codings/coding.ts';
import { codingNames, codings } from './codings/index.ts';
import { defineStep, eachMessage } from './step.ts';

export const compress = defineStep({
  name: 'compress',
  summary: 'Compresses the body and says so in `contentEncoding`, behind what stands there. A tombstone stays one.',
  notes:
    '`deflate` is the zlib format, `br` is Brotli, `lz4` the frame format, `snappy` one raw block. A step is synchronous: while a body is compressed nothing else happens, about 10 ms for each MiB with `gzip`, 15 with `br`, 3 or less with the others.',
  value: group('How.', { encoding: oneOf('The coding.', codingNames) }),
  example: {
    steps: '- compress: { encoding: zstd }\n- limitSize: { maxBytes: 30 }\n- decompress',
    before: 'body: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    after: 'body: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  },
  explain: ({ encoding }) => `compresses the body (${encoding})`,
  compile({ encoding }) {
    const coding = codings.get(encoding) as Coding;
    return eachMessage('compress', (message) => {
      if (message.body === null) return message;
      const before = message.contentEncoding;
      return message.change({
        body: coding.compress(message.body),
        contentEncoding: before === undefined ? encoding : `${before}, ${encoding}`,
      });
    });
  },
});
