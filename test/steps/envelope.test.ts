import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inbound, outbound } from '../../src/envelope.ts';
import { type HeaderValue, Message, type MessageInit, propertyNames, Typed } from '../../src/message.ts';
import { explanationOf, failure, through } from './route.ts';
import { run, step } from './run.ts';

const both = (message: Message) =>
  run(
    step('unwrap'),
    run(step('envelope'), [message]).out.map((one) => one.asReceived()),
  );

const bytes = fc.uint8Array({ maxLength: 8 }).map((value) => Buffer.from(value));
const text = fc.string({ unit: 'binary', maxLength: 8 });
const { value } = fc.letrec<{ value: HeaderValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.boolean(),
    fc.double({ noNaN: true }),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    bytes,
    fc.date({ noInvalidDate: true }),
    fc.constant(null),
    fc.tuple(fc.constantFrom('int16', 'decimal'), fc.oneof(text, fc.integer(), bytes)).map(([type, inside]) => new Typed(type, inside)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3 }).map((map) => new Map(Object.entries(map))),
  ),
}));
const wellFormed = fc.string({ unit: 'grapheme', maxLength: 8 });
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const messages = fc.record({
  body: fc.option(bytes),
  key: fc.option(bytes),
  headers: fc.array(fc.tuple(text, value), { maxLength: 5 }),
  id: optional(wellFormed),
  group: optional(wellFormed),
  correlationId: optional(fc.oneof(wellFormed, bytes)),
  replyTo: optional(wellFormed),
  timestamp: optional(fc.nat()),
  expiresAt: optional(fc.nat()),
  priority: optional(fc.nat(255)),
  persistent: optional(fc.boolean()),
  contentType: optional(wellFormed),
  contentEncoding: optional(wellFormed),
  type: optional(wellFormed),
});

test('unwrap gives back exactly what envelope was given', () => {
  fc.assert(
    fc.property(messages, (init) => {
      const message = new Message(init as MessageInit);
      const { out, failed } = both(message);
      expect(failed).toEqual([]);
      const fields = (one: Message) => [one.body, one.key, one.headers, ...propertyNames.map((name) => one[name])];
      expect(fields(out[0] as Message)).toEqual(fields(message));
    }),
    { numRuns: 1000 },
  );
});

test('what envelope makes goes through a target without headers and properties', () => {
  const message = new Message({
    body: null,
    key: Buffer.from([255]),
    id: 'i',
    contentType: 't',
    headers: [
      ['h', 1n],
      ['mqf-hops', 2],
    ],
  });
  const wrapped = run(step('envelope'), [message]).out[0] as Message;
  const target = outbound({ headers: 'none', repeats: false, key: false, properties: [], maxBytes: 1e6 }, 'envelope', { maxHops: 8 });
  expect((target(wrapped) as Message).body).toEqual(wrapped.body);
  const back = run(step('unwrap'), [new Message({ body: wrapped.body })]).out[0] as Message;
  expect(back).toMatchObject({ body: null, id: 'i', contentType: 't', headers: message.headers });
});

test('what stands in an envelope is data, not orders', () => {
  const hostile = new Message({ body: Buffer.from('{"mqferry":1,"body":"","key":null,"properties":{},"headers":[["mqf-id","x","s"]]}') });
  const opened = run(step('unwrap'), [hostile]).out[0] as Message;
  const target = outbound({ headers: 'text', repeats: true, key: true, properties: [...propertyNames], maxBytes: 1e6 }, 'envelope');
  expect((target(opened) as Message).headers).toEqual([['mqf-h-mqf-id', 'x']]);
  expect(inbound(true)(target(opened) as Message).id).toBeUndefined();
});

test.each([
  ['{', 'no JSON map'],
  ['[]', 'no JSON map'],
  ['{}', 'not version 1'],
  ['{"mqferry":2}', 'not version 1'],
  ['{"mqferry":1,"headers":[],"properties":{}}', 'body is not base64'],
  ['{"mqferry":1,"headers":[],"properties":{},"body":"YQ","key":null}', 'body is not base64'],
  ['{"mqferry":1,"headers":[],"properties":{},"body":null,"key":1}', 'key is not base64'],
  ['{"mqferry":1,"headers":{},"body":null,"key":null}', 'headers are no list'],
  ['{"mqferry":1,"headers":[["a","b"]],"body":null,"key":null,"properties":{}}', 'one of its headers is broken'],
  ['{"mqferry":1,"headers":[["a","x","big"]],"body":null,"key":null,"properties":{}}', 'one of its headers is broken'],
  ['{"mqferry":1,"headers":[["a","x","constructor"]],"body":null,"key":null,"properties":{}}', 'one of its headers is broken'],
  ['{"mqferry":1,"headers":[],"body":null,"key":null}', 'properties are no map'],
  ['{"mqferry":1,"headers":[],"body":null,"key":null,"properties":{"nope":1}}', 'property that is not known'],
  ['{"mqferry":1,"headers":[],"body":null,"key":null,"properties":{"__proto__":1}}', 'property that is not known'],
  ['{"mqferry":1,"headers":[],"body":null,"key":null,"properties":{"expiresAt":1e300}}', 'expiresAt must be'],
  ['{"mqferry":1,"headers":[],"body":null,"key":null,"properties":{"priority":256}}', 'priority must be'],
])('unwrap refuses %s', async (body, sentence) => {
  expect(await failure('- unwrap', new Message({ body: Buffer.from(body) }))).toMatch(
    new RegExp(`^DECODE_FAILED unwrap: the body is not an envelope: .*${sentence}`),
  );
});

test('envelope and unwrap explain themselves; a tombstone is no envelope', async () => {
  expect(await explanationOf('- envelope')).toBe('puts the whole message into its body, as JSON');
  expect(await explanationOf('- unwrap')).toBe('takes the message out of the envelope in its body');
  expect(await failure('- unwrap', new Message({ body: null }))).toMatch(/no JSON map/);
  const [out] = await through("- envelope\n- set: { key: '${{ body.properties.id }}' }", new Message({ body: null, id: 'i' }));
  expect(out?.key?.toString()).toBe('i');
});
