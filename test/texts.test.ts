import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextCache, writeUtf8 } from '../src/texts.ts';

describe('short texts', () => {
  test('are written as Buffer.write does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), fc.nat(5), (text, at) => {
        const [ours, theirs] = [Buffer.alloc(500), Buffer.alloc(500)];
        expect(writeUtf8(ours, at, text)).toBe(theirs.write(text, at));
        expect(ours.toString('latin1', 0, at + Buffer.byteLength(text))).toBe(theirs.toString('latin1', 0, at + Buffer.byteLength(text)));
      }),
    );
  });

  test('come out of the cache as they are, whatever was in their place before', () => {
    const cache = new TextCache();
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 90 }), { minLength: 1, maxLength: 400 }), (texts) => {
        for (const text of texts) {
          const bytes = Buffer.from(`<${text}>`);
          expect(cache.text(bytes, 1, bytes.length - 1)).toBe(Buffer.from(text).toString());
        }
      }),
    );
  });

  test('are kept, not the memory they came from', () => {
    const cache = new TextCache();
    const bytes = Buffer.from('name');
    const first = cache.text(bytes, 0, 4);
    bytes.write('else');
    expect(cache.text(Buffer.from('name'), 0, 4)).toBe(first);
    expect(cache.text(bytes, 0, 4)).toBe('else');
  });
});
