import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FrameLimits, FrameReader } from '../../../connectors/stomp/frame-reader.ts';
import { FrameWriter } from '../../../connectors/stomp/frame-writer.ts';
import { type Frame, headerLine, headerOf } from '../../../connectors/stomp/frames.ts';
import { MqferryError } from '../../../src/errors.ts';

const limits: FrameLimits = { headerBytes: 4096, headers: 20, bodyBytes: 100_000 };

/** Feeds the bytes cut at these places. */
function read(bytes: Buffer, cuts: readonly number[] = [], within = limits): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader(within, (frame) => frames.push({ ...frame, body: Buffer.from(frame.body) }));
  const places = [...cuts].filter((cut) => cut <= bytes.length).sort((a, b) => a - b);
  let from = 0;
  for (const to of [...places, bytes.length]) {
    // A copy of its own size, as a socket gives it: nothing may be read beyond its end.
    reader.feed(Buffer.from(bytes.subarray(from, to)));
    from = to;
  }
  return frames;
}

function encode(frames: readonly { head: string; body: Buffer | null }[]): Buffer {
  const chunks: Buffer[] = [];
  const writer = new FrameWriter((chunk) => chunks.push(Buffer.from(chunk)));
  for (const { head, body } of frames) writer.put(head, body);
  writer.flush();
  return Buffer.concat(chunks);
}

const headerText = fc.oneof(
  fc.string({ unit: fc.constantFrom(':', '\\', '\r', '\n', 'a', ' ', 'é', '😀', '\t', '\x7f') }),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
);
const frameParts = fc.record({
  headers: fc.array(fc.tuple(headerText, headerText), { maxLength: 8 }),
  body: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 16_000, maxLength: 17_000, size: 'max' })),
});

describe('reading what was written', () => {
  test('gives the same frames, whatever is in headers and bodies and however the bytes are cut', () => {
    const cuts = fc.array(fc.nat(40_000), { maxLength: 12 });
    const beats = fc.constantFrom('', '\n', '\r\n\n');
    fc.assert(
      fc.property(fc.array(frameParts, { maxLength: 4 }), cuts, beats, (parts, places, between) => {
        const frames = parts.map(({ headers, body }) => ({
          head: `SEND\ncontent-length:${body.length}\n${headers.map(([name, value]) => headerLine(name, value)).join('')}`,
          body: Buffer.from(body),
        }));
        const bytes = Buffer.concat(frames.flatMap((frame) => [encode([frame]), Buffer.from(between)]));
        const got = read(bytes, places, { ...limits, headerBytes: 100_000 });
        expect(got.map((frame) => frame.headers.slice(1))).toEqual(parts.map(({ headers }) => headers));
        expect(got.map((frame) => frame.body.toString('hex'))).toEqual(parts.map(({ body }) => Buffer.from(body).toString('hex')));
        expect(got.every((frame) => frame.fault === undefined && frame.command === 'SEND')).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('works cut at every byte', () => {
    const body = Buffer.from([0, 10, 10, 0, 1, 13, 10, 255]);
    const bytes = encode([
      { head: `MESSAGE\na:é\\c\ncontent-length:${body.length}\n`, body },
      { head: 'MESSAGE\r\nb:1\r\n', body: Buffer.from('no length') },
      { head: 'RECEIPT\nreceipt-id:7\n', body: null },
    ]);
    const whole = read(bytes);
    expect(whole.map((frame) => frame.headers)).toEqual([
      [
        ['a', 'é:'],
        ['content-length', '8'],
      ],
      [['b', '1']],
      [['receipt-id', '7']],
    ]);
    for (let cut = 0; cut <= bytes.length; cut++) expect(read(bytes, [cut])).toEqual(whole);
    const everywhere = Array.from(bytes.keys());
    expect(read(bytes, everywhere)).toEqual(whole);
  });

  test('does not change bodies that were handed over when more comes', () => {
    const kept: Frame[] = [];
    const reader = new FrameReader(limits, (frame) => kept.push(frame));
    const bytes = encode(
      Array.from({ length: 50 }, (_, i) => ({ head: 'MESSAGE\ncontent-length:4\n', body: Buffer.from(String(1000 + i)) })),
    );
    for (let at = 0; at < bytes.length; at += 7) reader.feed(Buffer.from(bytes.subarray(at, at + 7)));
    expect(kept.map((frame) => frame.body.toString())).toEqual(Array.from({ length: 50 }, (_, i) => String(1000 + i)));
  });

  test('packs many frames into few writes, and keeps the order around large bodies', () => {
    const sizes: number[] = [];
    const chunks: Buffer[] = [];
    const writer = new FrameWriter((chunk) => sizes.push(chunk.length) && chunks.push(chunk));
    for (let i = 0; i < 100; i++) writer.put(`SEND\nn:${i}\ncontent-length:1000\n`, Buffer.alloc(1000, i));
    writer.put('SEND\nn:100\ncontent-length:50000\n', Buffer.alloc(50_000, 1));
    writer.put('SEND\nn:101\n', null);
    writer.flush();
    writer.flush();
    expect(sizes.length).toBeLessThan(6);
    const got = read(Buffer.concat(chunks));
    expect(got.map((frame) => headerOf(frame, 'n'))).toEqual(Array.from({ length: 102 }, (_, i) => String(i)));
    expect(got[100]?.body.equals(Buffer.alloc(50_000, 1))).toBe(true);
  });
});

describe('frames that are not as they should be', () => {
  test.each([
    ['an escape that does not exist', 'MESSAGE\nack:1\nh:a\\tb\n\nbody\0', /escape/],
    ['a backslash at the end', 'MESSAGE\nack:1\nh:a\\\n\nbody\0', /escape/],
    ['a line without a colon', 'MESSAGE\nack:1\nhello\n\nbody\0', /colon/],
    [
      'a header that is not UTF-8',
      Buffer.concat([Buffer.from('MESSAGE\nack:1\nh:'), Buffer.from([0xff, 0xfe]), Buffer.from('\n\nbody\0')]),
      /UTF-8/,
    ],
    ['too many headers', `MESSAGE\n${'h:1\n'.repeat(25)}ack:1\n\nbody\0`, /more than 20 headers/],
  ])('%s: handed over with a fault, and the next frame is read', (_what, bytes, fault) => {
    const frames = read(Buffer.concat([Buffer.from(bytes), Buffer.from('RECEIPT\nreceipt-id:1\n\n\0')]));
    expect(frames).toHaveLength(2);
    expect(frames[0]?.fault?.message).toMatch(fault);
    expect(frames[0]?.body.toString()).toBe('body');
    expect(headerOf(frames[0] as Frame, 'ack')).toBe('1');
    expect(frames[1]?.fault).toBeUndefined();
  });

  test.each([
    ['a negative content-length', 'MESSAGE\ncontent-length:-1\n\n\0'],
    ['a content-length that is no number', 'MESSAGE\ncontent-length:1e3\n\n\0'],
    ['an empty content-length', 'MESSAGE\ncontent-length:\n\n\0'],
    ['an endless content-length', `MESSAGE\ncontent-length:${'9'.repeat(400)}\n\n\0`],
    ['a content-length beyond the limit', 'MESSAGE\ncontent-length:100001\n\n\0'],
    ['a body that goes on after content-length', 'MESSAGE\ncontent-length:2\n\nabc\0'],
    ['headers without an end', `MESSAGE\n${'h:1\n'.repeat(2000)}`],
    ['one endless header', `MESSAGE\nh:${'x'.repeat(5000)}`],
    ['a body without length beyond the limit', `MESSAGE\n\n${'x'.repeat(100_001)}`],
  ])('%s: the stream is lost', (_what, text) => {
    expect(() => read(Buffer.from(text))).toThrow(MqferryError);
    expect(() => read(Buffer.from(text), [3, 9, 17, 30])).toThrow(MqferryError);
  });

  test('the first of repeated headers counts, also for content-length', () => {
    const [frame] = read(Buffer.from('MESSAGE\na:1\na:2\ncontent-length:3\ncontent-length:1\n\nx\0y\0'));
    expect(headerOf(frame as Frame, 'a')).toBe('1');
    expect(frame?.body.toString()).toBe('x\0y');
  });

  test('CONNECTED knows no escapes', () => {
    const [frame] = read(Buffer.from('CONNECTED\nserver:a\\cb\nsession:x\\t\n\n\0'));
    expect(frame?.fault).toBeUndefined();
    expect(headerOf(frame as Frame, 'server')).toBe('a\\cb');
  });

  test('a NUL in a header is kept, as RabbitMQ sends it raw', () => {
    const [frame] = read(Buffer.from('MESSAGE\nh:a\0b\n\nbody\0'));
    expect(headerOf(frame as Frame, 'h')).toBe('a\0b');
  });

  test('any bytes at all give frames or one known error', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: fc.constantFrom('M', '\n', '\r', '\0', ':', '\\', 'content-length:5', 'c', '9'), maxLength: 60 }),
    );
    fc.assert(
      fc.property(noise, fc.array(fc.nat(300), { maxLength: 6 }), (bytes, cuts) => {
        const outcome = (at: readonly number[]) => {
          try {
            return read(Buffer.from(bytes as Uint8Array), at).map((frame) => [frame.command, frame.headers, frame.body.toString('hex')]);
          } catch (error) {
            expect(error).toBeInstanceOf(MqferryError);
            return 'lost';
          }
        };
        expect(outcome(cuts)).toEqual(outcome([]));
      }),
      { numRuns: 2000 },
    );
  });
});
