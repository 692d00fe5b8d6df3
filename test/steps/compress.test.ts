import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Message } from '../../src/message.ts';
import { type codingNames, codings } from '../../src/steps/codings/index.ts';
import { lz4Frames } from '../../src/steps/codings/lz4-frames.ts';
import { explanationOf, failure, problemsOf, through } from './route.ts';
import { run, step } from './run.ts';

const names = [...codings.keys()] as (typeof codingNames)[number][];
const compress = (encoding: string) => step('compress', { encoding });
const decompress = (maxBytes = 1e9, encoding?: string) => step('decompress', { maxBytes, encoding });
const compressed = (name: string, body: Buffer) => codings.get(name)!.compress(body);
const fails = (body: Buffer, contentEncoding: string, maxBytes = 1e6) =>
  run(decompress(maxBytes), [new Message({ body, contentEncoding })]).failed[0]?.[1].code;

describe.each(names)('%s', (name) => {
  test('gives back the same bytes, and says what it did', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 2000 }), (bytes, times) => {
        const message = new Message({ body: Buffer.concat(Array<Uint8Array>(times).fill(bytes)), contentType: 't', id: 'i' });
        const small = run(compress(name), [message]).out as Message[];
        expect(small[0]).toMatchObject({ contentEncoding: name, contentType: 't', id: 'i', received: message });
        const back = run(decompress(), small).out[0];
        expect(back?.body?.equals(message.body as Buffer)).toBe(true);
        expect(back).toMatchObject({ contentEncoding: undefined, contentType: 't' });
      }),
      { numRuns: 40 },
    );
    const large = randomBytes(3 * 2 ** 20);
    expect(
      codings
        .get(name)!
        .decompress(compressed(name, large), 3 * 2 ** 20)
        .equals(large),
    ).toBe(true);
  });

  test('stops at the limit', () => {
    const body = Buffer.from('abc'.repeat(10_000));
    const small = compressed(name, body);
    expect(codings.get(name)!.decompress(small, 30_000).length).toBe(30_000);
    expect(fails(small, name, 29_999)).toBe('TOO_LARGE');
    expect(fails(small, name, 0)).toBe('TOO_LARGE');
    const bomb = compressed(name, Buffer.alloc(64 * 2 ** 20));
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 5; i++) expect(fails(bomb, name, 1000)).toBe('TOO_LARGE');
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 * 2 ** 20);
  });

  test('fails what is cut short, at any place, or has something behind its end', () => {
    const whole = compressed(name, Buffer.from('hello, hello, hello '.repeat(50)));
    for (let i = 0; i < whole.length; i++) expect([i, fails(whole.subarray(0, i), name)]).toEqual([i, 'DECODE_FAILED']);
    for (const more of ['x', 'garbage', '\0\0\0\0\0\0\0\0']) {
      expect(fails(Buffer.concat([whole, Buffer.from(more)]), name)).toBe('DECODE_FAILED');
    }
    expect(fails(Buffer.from('not compressed at all'), name)).toMatch(/DECODE_FAILED|TOO_LARGE/);
  });

  test('never throws anything else, nor makes more than it may, of bytes that are changed', () => {
    const whole = compressed(name, Buffer.from('hello, hello, hello '.repeat(50)));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.uint8Array({ maxLength: 20 }), (at, byte, more) => {
        const changed = Buffer.concat([whole, more]);
        changed[at] = byte;
        const { out, failed } = run(decompress(5000), [new Message({ body: changed, contentEncoding: name })]);
        if (failed[0]) expect(failed[0][1].code).toMatch(/^(DECODE_FAILED|TOO_LARGE)$/);
        else expect(out[0]?.body?.length).toBeLessThanOrEqual(5000);
      }),
      { numRuns: 500 },
    );
  });
});

test.each(['gzip', 'zstd', 'lz4'])('%s takes frames one behind the other as one body', (name) => {
  const parts = ['one', '', 'three'].map((text) => compressed(name, Buffer.from(text)));
  expect(codings.get(name)!.decompress(Buffer.concat(parts), 100).toString()).toBe('onethree');
  const large = compressed(name, Buffer.alloc(60));
  expect(fails(Buffer.concat([large, large]), name, 100)).toBe('TOO_LARGE');
});

test.each(['zstd', 'lz4'])('%s goes over a frame that is to be skipped, and counts frames', (name) => {
  const skipped = Buffer.from('502a4d1803000000616263', 'hex');
  const frame = compressed(name, Buffer.from('x'));
  expect(
    codings
      .get(name)!
      .decompress(Buffer.concat([skipped, frame, skipped]), 100)
      .toString(),
  ).toBe('x');
  expect(fails(skipped, name)).toBe('DECODE_FAILED');
  expect(fails(Buffer.concat(Array<Buffer>(1001).fill(frame)), name)).toBe('DECODE_FAILED');
});

test('zstd frames of every header are found', () => {
  const { ZSTD_c_checksumFlag: checksum, ZSTD_c_contentSizeFlag: size } = zlib.constants;
  for (const length of [0, 1, 255, 256, 65_791, 65_792, 300_000]) {
    for (const flags of [0, 1]) {
      const body = randomBytes(length);
      const frame = zlib.zstdCompressSync(body, { params: { [checksum]: flags, [size]: flags }, pledgedSrcSize: length });
      expect(
        codings
          .get('zstd')!
          .decompress(Buffer.concat([frame, frame]), 1e6)
          .equals(Buffer.concat([body, body])),
      ).toBe(true);
    }
  }
});

test('lz4 blocks are measured as they come out', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.nat(3000), fc.uint8Array({ maxLength: 400 }), (a, times, b) => {
      const body = Buffer.concat([...Array<Uint8Array>(times).fill(a), b]);
      const frame = compressed('lz4', body);
      expect(lz4Frames(frame, body.length)).toHaveLength(1);
      if (body.length > 0) expect(() => lz4Frames(frame, body.length - 1)).toThrow(/more than/);
    }),
    { numRuns: 200 },
  );
});

test('a body that breaks the WebAssembly leaves nothing behind in its memory', () => {
  const good = compressed('lz4', Buffer.alloc(40 * 2 ** 20));
  const broken = Buffer.from(good);
  broken.fill(0xff, good.length - 12, good.length - 8); // a match from before the start, in the last block
  expect(lz4Frames(broken, 1e9)).toHaveLength(1);
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 20; i++) expect(fails(broken, 'lz4', 64 * 2 ** 20)).toBe('DECODE_FAILED'); // 800 MiB
  expect(process.memoryUsage.rss() - before).toBeLessThan(500 * 2 ** 20);
  expect(codings.get('lz4')!.decompress(good, 1e9)).toHaveLength(40 * 2 ** 20);
});

describe('contentEncoding', () => {
  const twice = () => run(compress('zstd'), run(compress('gzip'), [new Message({ body: Buffer.from('x') })]).out).out[0] as Message;
  test('names codings in the order in which they were applied; all are undone', () => {
    expect(twice().contentEncoding).toBe('gzip, zstd');
    expect(run(decompress(), [twice()]).out[0]).toMatchObject({ body: Buffer.from('x'), contentEncoding: undefined });
    expect(run(decompress(), [twice().change({ contentEncoding: ' X-GZIP ,identity,, ZStd' })]).out[0]?.body?.toString()).toBe('x');
  });
  test('loses only what is undone when the step says which', () => {
    expect(run(decompress(1e6, 'zstd'), [twice()]).out[0]).toMatchObject({ contentEncoding: 'gzip' });
    const silent = twice().change({ contentEncoding: undefined });
    expect(run(decompress(1e6, 'zstd'), [silent]).out[0]).toMatchObject({ contentEncoding: undefined });
    expect(run(decompress(1e6, 'zstd'), [silent.change({ contentEncoding: 'other' })]).out[0]).toMatchObject({ contentEncoding: 'other' });
  });
  test('that is absent or identity lets a message pass as it is; so does a tombstone', async () => {
    for (const init of [{}, { contentEncoding: 'identity' }, { contentEncoding: 'gzip', body: null }]) {
      const message = new Message({ body: Buffer.from('x'), ...init });
      expect((await through('- decompress', message))[0]).toBe(message);
    }
    const tombstone = new Message({ body: null });
    expect((await through('- compress: { encoding: gzip }', tombstone))[0]).toBe(tombstone);
  });
  test('that is not known, or names too many, fails', async () => {
    expect(await failure('- decompress', new Message({ body: Buffer.from('x'), contentEncoding: 'constructor' }))).toMatch(
      /not known here/,
    );
    expect(await failure('- decompress', new Message({ body: Buffer.from('x'), contentEncoding: 'gzip,gzip,gzip,gzip,gzip' }))).toMatch(
      /more than 4/,
    );
  });
});

test('compress and decompress explain themselves, and check their names', async () => {
  expect(await explanationOf('- compress: { encoding: br }')).toBe('compresses the body (br)');
  expect(await explanationOf('- decompress')).toBe('decompresses the body (as contentEncoding says), at most to 64MiB');
  expect(await problemsOf('- compress: { encoding: gzp }')).toEqual([expect.stringContaining('gzip')]);
  expect(await problemsOf('- compress')).toHaveLength(1);
});
