/** Messages as programs of each protocol may send them: every type, every odd value that its broker lets through. */
import fc from 'fast-check';
import { type Carries, type Header, type HeaderValue, Message, type MessageInit, Typed } from '../../src/connector.ts';
import { wireNames } from '../../src/envelope/names.ts';
import { allHostileNames, traceNames } from './names.ts';

export type Family = 'amqp' | 'kafka' | 'mqtt5' | 'mqtt3' | 'stomp';

/** Within the basic plane where a broker garbles what lies beyond. */
const characters = (astral: boolean) =>
  fc.constantFrom(...'aZ09 .:;,=/\\"\'#*%{}[]<>|~é你\u00a0\u2028\ufffd'.split(''), ...(astral ? ['🚢', '\u{10fffd}'] : []));
const controls = fc.constantFrom('\t', '\n', '\r', '\x01', '\x1f', '\x7f', '\x85', '\uffff', '\ufeff');

function textOf(astral: boolean, extra?: fc.Arbitrary<string>, maxLength = 10): fc.Arbitrary<string> {
  const plain = characters(astral);
  return fc.string({ unit: extra ? fc.oneof({ weight: 9, arbitrary: plain }, { weight: 1, arbitrary: extra }) : plain, maxLength });
}

export const bytes = (maxLength = 12) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const optional = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });

const body = fc.oneof(
  { weight: 8, arbitrary: bytes(200) },
  fc.constantFrom(
    Buffer.alloc(0),
    Buffer.from('\0\n\0\r\n'),
    Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('{"__proto__":{"a":1},"n":9007199254740993,"x":1.0}'),
    Buffer.alloc(20_000, 'x'),
  ),
);

/** Fixed lists of what is easily taken for something else, among names of every kind that the protocol can spell. */
function nameOf(carries: Carries, text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const wireName = wireNames(carries.reserved ?? [], carries.allowsName);
  const any = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'region', 'X-Trace', 'größe') },
    { weight: 3, arbitrary: text },
    { weight: 3, arbitrary: fc.constantFrom(...allHostileNames, ...traceNames, 'Content-Type', 'content-type', 'content-encoding') },
    { weight: 1, arbitrary: fc.constantFrom('a#1', '*', 'a;b=c', '%41', 'n'.repeat(60)) },
  );
  // What begins with mqf- is mqferry's own; what is reserved is no header there.
  return any.filter((name) => wireName(name) === name && !name.toLowerCase().startsWith('mqf-'));
}

const smallIntegers = fc.oneof(
  fc.integer({ min: -128, max: 127 }).map((value) => new Typed('int8', value)),
  fc.integer({ min: 0, max: 255 }).map((value) => new Typed('uint8', value)),
  fc.integer({ min: -32_768, max: 32_767 }).map((value) => new Typed('int16', value)),
  fc.integer({ min: 0, max: 65_535 }).map((value) => new Typed('uint16', value)),
  fc.integer().map((value) => new Typed('int32', value)),
  fc.integer({ min: 0, max: 0xffff_ffff }).map((value) => new Typed('uint32', value)),
);
const integers = fc.oneof(
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.constantFrom<number | bigint>(0, 1, -1, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)),
);
const finite = { noNaN: true, noDefaultInfinity: true } as const;
const floats = fc.oneof(
  fc.double(finite).map((value) => (Number.isSafeInteger(value) ? new Typed('double', value) : value)),
  fc.float(finite).map((value) => new Typed('float', value)),
  fc.tuple(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 12 })).map(decimal),
);
/** Kafka refuses what lies more than an hour ahead (`message.timestamp.after.max.ms`). */
const pastSeconds = fc.integer({ min: 0, max: 1_750_000_000 });
const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
const times = fc.oneof(
  seconds.map((value) => new Date(value * 1000)),
  fc.bigInt({ min: 8_640_000_000_001n, max: 2n ** 64n - 1n }).map((value) => new Typed('timestamp', value)),
);

function decimal([digits, places]: readonly [number, number]): Typed {
  const text = String(digits).padStart(places + 1, '0');
  return new Typed('decimal', places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`);
}

/** Values of AMQP tables, nested ones too. */
function tableValue(text: fc.Arbitrary<string>): fc.Arbitrary<HeaderValue> {
  const notUtf8 = bytes().filter((value) => value.toString('latin1') !== value.toString()).map((value) => new Typed('longstr', Buffer.concat([value, Buffer.from([0xff])]))); // biome-ignore format: one line
  const flat = fc.oneof(text, smallIntegers, integers, floats, times, bytes(), fc.boolean(), fc.constant(null), notUtf8);
  return fc.letrec<{ value: HeaderValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      { weight: 6, arbitrary: flat },
      { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
      { weight: 1, arbitrary: fc.array(fc.tuple(text, tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)) },
    ),
  })).value;
}

/** In two hours to a day; brokers count down meanwhile. */
const expiresAt = fc.integer({ min: 7200, max: 86_400 }).map((value) => Math.ceil(Date.now() / 1000 + value) * 1000);

/** Messages of a family, as its source hands them over. `carries` are those of its sink. */
export function messages(family: Family, carries: Carries): fc.Arbitrary<Message> {
  return inits[family](carries).map((init) => new Message(init as MessageInit));
}

const inits: Record<Family, (carries: Carries) => fc.Arbitrary<object>> = {
  amqp(carries) {
    const text = textOf(true, fc.oneof(controls, fc.constant('\0')));
    return fc.record({
      body,
      headers: uniqueHeaders(nameOf(carries, text), tableValue(text)).map((headers) => headers.map(traceAsText)),
      id: optional(text),
      correlationId: optional(text),
      replyTo: optional(fc.constantFrom('answers', 'amq.gen-JzTY20BRgKO', '')),
      timestamp: optional(pastSeconds.map((value) => value * 1000)),
      expiresAt: optional(expiresAt),
      priority: optional(fc.integer({ min: 0, max: 255 })),
      persistent: fc.constant(true),
      contentType: optional(fc.oneof(fc.constantFrom('application/json', ''), text)),
      contentEncoding: optional(fc.oneof(fc.constant('gzip'), text)),
      type: optional(text),
      appId: optional(text),
    });
  },
  kafka(carries) {
    const value = fc.oneof(
      bytes(),
      fc.constant(null),
      fc.constantFrom('', '42', 'true', 'é').map((text) => Buffer.from(text)),
    );
    const name = nameOf(carries, textOf(true, fc.oneof(controls, fc.constant('\0'))));
    return fc.record({
      body: fc.option(body, { freq: 8 }),
      key: fc.option(bytes()),
      headers: fc.array(fc.tuple(name, value), { maxLength: 6 }),
      timestamp: fc.integer({ min: 0, max: 1_750_000_000_000 }),
    });
  },
  mqtt5(carries) {
    const text = textOf(true);
    return fc.record({
      body,
      headers: fc.array(fc.tuple(nameOf(carries, text), text), { maxLength: 6 }),
      correlationId: optional(correlation(text)),
      replyTo: optional(fc.constantFrom('answers/1', 'größe/ü', ' ')),
      expiresAt: optional(expiresAt),
      contentType: optional(fc.oneof(fc.constantFrom('application/json', ''), text)),
    });
  },
  mqtt3: () => fc.record({ body }),
  stomp(carries) {
    // ActiveMQ garbles what lies beyond the basic plane when it reads a header back from its store.
    const text = textOf(false, controls);
    return fc.record({
      body,
      headers: uniqueHeaders(nameOf(carries, text), text),
      correlationId: optional(text),
      replyTo: optional(fc.constantFrom('/queue/answers', '/topic/ä')),
      expiresAt: optional(expiresAt),
      priority: optional(fc.integer({ min: 0, max: 9 })),
      persistent: fc.constant(true),
      contentType: optional(fc.oneof(fc.constantFrom('application/json', ''), text)),
      contentEncoding: optional(text),
      type: optional(text),
      ...(carries.properties.includes('appId') && { appId: optional(text) }),
    });
  },
};

/** As its writers have it. */
function traceAsText([name, value]: Header): Header {
  return [name, Buffer.isBuffer(value) && (traceNames as readonly string[]).includes(name) ? value.toString('hex') : value];
}

/** Text, or bytes that are none. */
function correlation(text: fc.Arbitrary<string>): fc.Arbitrary<string | Buffer> {
  return fc.oneof(
    text,
    bytes().map((value) => Buffer.concat([value, Buffer.from([0xff])])),
  );
}

function uniqueHeaders(name: fc.Arbitrary<string>, value: fc.Arbitrary<HeaderValue>): fc.Arbitrary<Header[]> {
  return fc.uniqueArray(fc.tuple(name, value), { maxLength: 6, selector: ([one]) => one });
}

/** What any step may have made: all that a message can hold. */
export function anyMessages(): fc.Arbitrary<Message> {
  const odd = fc.oneof(controls, fc.constantFrom('\0', '\u{1ffff}'));
  const text = textOf(true, odd);
  const name = fc.oneof(text, fc.constantFrom(...allHostileNames, ...traceNames, 'n'.repeat(300))).filter((one) => !/^mqf-/i.test(one));
  const number = fc.oneof(fc.maxSafeInteger(), fc.double()).map((value) => value || 0); // neither -0 nor NaN are times
  const init = fc.record({
    body: fc.option(body),
    key: fc.option(bytes()),
    headers: fc.array(fc.tuple(name, tableValue(text)), { maxLength: 5 }),
    id: optional(fc.oneof(text, fc.constant('i'.repeat(300)))),
    group: optional(text),
    correlationId: optional(fc.oneof(correlation(text), fc.constant('ü'.repeat(200)))),
    replyTo: optional(fc.oneof(text, fc.constantFrom('amq.rabbitmq.reply-to', '/temp-queue/x', 'a/#'))),
    timestamp: optional(number),
    expiresAt: optional(fc.oneof(expiresAt, fc.maxSafeInteger())),
    priority: optional(fc.oneof(fc.integer({ min: 0, max: 255 }), number)),
    persistent: fc.constantFrom(undefined, true, false),
    contentType: optional(fc.oneof(text, fc.constant('é'.repeat(200)))),
    contentEncoding: optional(text),
    type: optional(text),
    appId: optional(text),
  });
  return init.map((one) => new Message(one as MessageInit));
}

/** Values of headers of which some target can hold some, and none all. */
export function oddValues(): fc.Arbitrary<HeaderValue> {
  const text = textOf(true, fc.oneof(controls, fc.constantFrom('\0', '\ud800', '\u{1ffff}')));
  const typed = fc.oneof(
    fc.tuple(fc.constantFrom('int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'uint64'), fc.integer({ min: -70_000, max: 70_000 })),
    fc.tuple(fc.constantFrom('float', 'double'), fc.oneof(fc.double(), fc.integer())),
    fc.tuple(fc.constant('decimal'), fc.constantFrom('1.5', '00.5', '-1', '1e3', '4294967296', '', '0.0')),
    fc.tuple(fc.constantFrom('longstr', 'symbol'), bytes(4)),
  );
  const flat = fc.oneof(
    tableValue(text),
    typed.map(([type, value]) => new Typed(type, value)),
    // A whole double, a bigint that is safe, and parts of a second have their say in the declaration.
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 2n ** 63n, -(2n ** 64n), new Date(-1000), new Date(Number.NaN)),
  );
  return fc.oneof({ weight: 4, arbitrary: flat }, fc.array(flat, { maxLength: 2 }), fc.tuple(fc.constantFrom('k', 'n'.repeat(256)), flat).map((one) => new Map([one]))); // biome-ignore format: one line
}
