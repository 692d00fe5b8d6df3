import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Message } from '../../src/message.ts';
import { jsonMessage } from '../expr/messages.ts';
import { failure, problemsOf, stepsOf, through } from './route.ts';

const require = createRequire(import.meta.url);
const avsc = require('avsc') as typeof import('avsc');
const protobufjs = require('protobufjs') as typeof import('protobufjs');

const everything = {
  type: 'record',
  name: 'Everything',
  namespace: 'n',
  fields: [
    { name: 'flag', type: 'boolean' },
    { name: 'i', type: 'int' },
    { name: 'l', type: 'long' },
    { name: 'f', type: 'float' },
    { name: 'd', type: 'double' },
    { name: 'b', type: 'bytes' },
    { name: 's', type: 'string' },
    { name: 'e', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] } },
    { name: 'x', type: { type: 'fixed', name: 'F', size: 2 } },
    { name: 'list', type: { type: 'array', items: ['null', 'Everything'] } },
    { name: 'map', type: { type: 'map', values: 'long' } },
    { name: 'plain', type: ['null', 'long', 'string'], default: null },
    { name: 'both', type: ['null', 'string', 'bytes', 'F'], default: null },
  ],
};
const files = {
  'all.avsc': JSON.stringify(everything),
  'nulls.avsc': '{"type":"array","items":"null"}',
  'long.avsc': '"long"',
  'text.avsc': '"string"',
  'flag.avsc': '"boolean"',
};
const avro = (name: string) => `- decode: { avro: { schema: ${name}.avsc } }`;
const toAvro = (name: string) => `- encode: { avro: { schema: ./${name}.avsc } }`;
const bytes = (hex: string) => new Message({ body: Buffer.from(hex, 'hex') });

describe('avro', () => {
  const record = fc.letrec((tie) => ({
    record: fc.record({
      flag: fc.boolean(),
      i: fc.integer(),
      l: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      f: fc.float({ noNaN: true, noDefaultInfinity: true }),
      d: fc.double({ noNaN: true, noDefaultInfinity: true }),
      b: fc.uint8Array({ maxLength: 5 }).map((value) => Buffer.from(value).toString('base64')),
      s: fc.string({ unit: 'grapheme', maxLength: 5 }),
      e: fc.constantFrom('A', 'B'),
      x: fc.constantFrom('AAA=', '//8='),
      list: fc.array(fc.oneof({ maxDepth: 2, depthSize: 'small' }, fc.constant(null), tie('record')), { maxLength: 2 }),
      map: fc.dictionary(fc.constantFrom('a', '__proto__', 'constructor', 'é'), fc.integer()),
      plain: fc.oneof(fc.constant(null), fc.integer(), fc.string({ maxLength: 3 })),
      both: fc.oneof(fc.constant(null), fc.constant({ string: 'AAA=' }), fc.constant({ bytes: 'AAA=' }), fc.constant({ 'n.F': 'AAA=' })),
    }),
  })).record;
  const text = (value: unknown) =>
    JSON.stringify(value, (_, item) =>
      typeof item === 'bigint' ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(item)) : item,
    );

  test('what encode writes, avsc and decode read again, with every digit', async () => {
    const write = await stepsOf(toAvro('all'), files);
    const read = await stepsOf(avro('all'), files);
    const type = avsc.Type.forSchema(everything as never, { wrapUnions: true });
    fc.assert(
      fc.property(record, (value) => {
        const written = write([jsonMessage(text(value))]);
        expect(written.failed).toEqual([]);
        const message = written.out[0] as Message;
        expect(message.contentType).toBe('application/avro');
        if (!/\d{16}/.test(text(value))) type.fromBuffer(message.body as Buffer);
        const back = read([message.asReceived()]);
        expect(back.failed).toEqual([]);
        expect(back.out[0]?.body?.toString()).toBe(
          text(
            JSON.parse(text(value), (_, item, context?: { source?: string }) =>
              typeof item === 'number' && !Number.isSafeInteger(item) && /^-?\d+$/.test(context?.source ?? '')
                ? BigInt(context?.source ?? '')
                : item,
            ),
          ),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('reads what avsc has written, blocks with their size too', async () => {
    const type = avsc.Type.forSchema({ type: 'array', items: 'long' });
    const files = { 'l.avsc': '{"type":"array","items":"long"}' };
    expect((await through(avro('l'), new Message({ body: type.toBuffer([1, -2, 3]) }), files))[0]?.json()).toEqual([1, -2, 3]);
    expect((await through(avro('l'), bytes('03040204020600'), files))[0]?.json()).toEqual([1, 2, 3]);
  });

  test('skips what stands before the value', async () => {
    const [out] = await through('- decode: { avro: { schema: text.avsc, skip: 5 } }', bytes('0000000001' + '0478797a'.slice(0, 6)), files);
    expect(out?.body?.toString()).toBe('xy');
    expect(await failure('- decode: { avro: { schema: text.avsc, skip: 5 } }', bytes('00'), files)).toMatch(
      /^DECODE_FAILED .*ends too early/,
    );
  });

  test('gives a field that is not there its default', async () => {
    const schema = {
      'd.avsc':
        '{"type":"record","name":"R","fields":[{"name":"a","type":["int","null"],"default":7},{"name":"b","type":"bytes","default":"\\u00ff"}]}',
    };
    const [out] = await through('- encode: { avro: { schema: d.avsc } }\n- decode: { avro: { schema: d.avsc } }', jsonMessage({}), schema);
    expect(out?.json()).toEqual({ a: 7, b: '/w==' });
  });

  test.each([
    ['nulls', 'feffffffffffffffff01', /too long|ends too early|more than 1000000/],
    ['nulls', '80ade204', /more than 1000000 values/],
    ['nulls', '02', /ends too early/],
    ['nulls', '0000', /stands behind/],
    ['text', '0aff', /ends too early/],
    ['text', '01', /ends too early/],
    ['text', '02ff', /not UTF-8/],
    ['long', 'ffffffffffffffffff7f', /too long/],
    ['long', 'ff'.repeat(20), /too long/],
    ['long', '', /ends too early/],
    ['flag', '02', /out of range/],
  ])('%s refuses %s', async (name, hex, sentence) => {
    expect(await failure(avro(name), bytes(hex), files)).toMatch(new RegExp(`^DECODE_FAILED decode: .*(${sentence.source})`));
  });

  test.each<[string, string, RegExp]>([
    ['long', '9223372036854775808', /body must be a whole number of 64 bits/],
    ['long', '1.5', /whole number/],
    ['long', '"1"', /whole number/],
    ['text', '"\\ud800"', /well-formed/],
    ['nulls', '[1]', /body.0 must be null/],
    ['nulls', '{}', /body must be a list/],
    ['all', '{}', /body.flag must be there/],
    ['all', '{"flag":true,"i":2147483648}', /body.i must be a whole number of 32 bits/],
  ])('%s does not write %s', async (name, json, sentence) => {
    expect(await failure(toAvro(name), jsonMessage(json), files)).toMatch(new RegExp(`^STEP_FAILED encode: .*${sentence.source}`));
  });

  test('does not leave out a name that the schema does not have', async () => {
    const schema = { 'r.avsc': '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}' };
    expect(await failure('- encode: { avro: { schema: r.avsc } }', jsonMessage({ a: 1, secret: 2 }), schema)).toMatch(
      /has a name that the schema does not have/,
    );
  });

  test('a schema that is none is refused', async () => {
    expect(await problemsOf(avro('x'), { 'x.avsc': '{"type":"nope"}' })).toEqual([expect.stringMatching(/x\.avsc is not an Avro schema/)]);
    expect(await problemsOf(avro('x'), { 'x.avsc': '{' })).toEqual([expect.stringMatching(/x\.avsc is not JSON/)]);
    expect(await problemsOf(avro('y'))).toEqual([expect.stringMatching(/cannot read the file/)]);
  });
});

describe('protobuf', () => {
  const proto = {
    'p.proto': `syntax = "proto3"; package p; import "q.proto";
      message M { int32 i = 1; int64 l = 2; bytes b = 3; repeated M items = 4; map<string, int32> m = 5; E e = 6; enum E { X = 0; Y = 1; }
        string s = 7; double d = 8; oneof o { string q = 9; int32 w = 10; } M sub = 11; bool t = 12; uint64 u = 13; float fl = 14;
        map<string, Q> mq = 15; int32 snake_case = 16; }`,
    'q.proto': 'syntax = "proto3"; package p; message Q { int32 a = 1; }',
  };
  const options = '{ schema: ./p.proto, message: p.M }';
  const both = `- encode: { protobuf: ${options} }\n- decode: { protobuf: ${options} }`;

  test.each([
    ['{"i":-5,"s":"é","t":true,"e":"Y","b":"/w==","d":1.5,"q":"x","snake_case":7}'],
    ['{"l":"-9223372036854775808","u":"18446744073709551615"}'],
    ['{"items":[{"i":1},{}],"sub":{"sub":{}}}'],
    ['{"m":{"__proto__":1,"constructor":2},"mq":{"__proto__":{"a":1}}}'],
    ['{"d":"NaN"}'],
  ])('writes and reads %s', async (json) => {
    const [out] = await through(both, jsonMessage(json), proto);
    const order = (text: string) => JSON.stringify(Object.entries(JSON.parse(text)).sort());
    expect(order(out?.body?.toString() ?? '')).toBe(order(json));
  });

  test('takes long numbers as numbers too, and null as if it were not there', async () => {
    const [out] = await through(both, jsonMessage('{"l":9223372036854775807,"u":5,"s":null,"items":[],"m":{}}'), proto);
    expect(out?.json()).toEqual({ l: '9223372036854775807', u: '5' });
  });

  test('is what protobufjs reads', async () => {
    const [out] = await through(`- encode: { protobuf: ${options} }`, jsonMessage({ s: 'x', i: 3 }), proto);
    expect(out?.contentType).toBe('application/protobuf');
    const root = protobufjs.parse('syntax = "proto3"; message M { int32 i = 1; string s = 7; }').root;
    expect(root.lookupType('M').decode(out?.body as Buffer)).toMatchObject({ i: 3, s: 'x' });
    const skip = await through(`- decode: { protobuf: { schema: p.proto, message: p.M, skip: 2 } }`, bytes('ffff0805'), proto);
    expect(skip[0]?.json()).toEqual({ i: 5 });
  });

  test.each([
    '{"nope":1}',
    '{"items":[{"nope":1}]}',
    '{"sub":{"__proto__":1}}',
    '{"i":3000000000}',
    '{"i":"abc"}',
    '{"i":1.5}',
    '{"l":99999999999999999999}',
    '{"u":-1}',
    '{"e":"Z"}',
    '{"t":"x"}',
    '{"b":"***"}',
    '{"q":"a","w":1}',
    '{"items":{}}',
    '{"items":[null]}',
    '{"s":{}}',
    '{"fl":1e300}',
    '{"s":"\\ud800"}',
    '{"m":{"a":"x"}}',
    '{"m":{"\\ud800":1}}',
    '{"mq":{"a":{"b":1}}}',
    '[]',
    '1',
  ])('does not write %s', async (json) => {
    expect(await failure(`- encode: { protobuf: ${options} }`, jsonMessage(json), proto)).toMatch(/^STEP_FAILED encode: the body/);
  });

  test.each(['08', 'feffffffffffffffff01', '0affffffff07', '0b'.repeat(1000), '2a7f', '3a01ff', '00'])('does not read %s', async (hex) => {
    expect(await failure(`- decode: { protobuf: ${options} }`, bytes(hex), proto)).toBe(
      'DECODE_FAILED decode: the body is not such a message',
    );
  });

  test('a file or message that is none is refused', async () => {
    expect(await problemsOf('- decode: { protobuf: { schema: p.proto, message: p.N } }', proto)).toEqual([
      expect.stringMatching(/cannot use .*p\.proto/),
    ]);
    expect(await problemsOf('- decode: { protobuf: { schema: x.proto, message: p.N } }', { 'x.proto': 'message {' })).toEqual([
      expect.stringMatching(/cannot use/),
    ]);
    expect(
      await problemsOf('- decode: { protobuf: { schema: x.proto, message: N } }', {
        'x.proto': 'syntax = "proto3"; message N { Nope a = 1; }',
      }),
    ).toHaveLength(1);
  });
});
