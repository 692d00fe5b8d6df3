import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Carries } from '../src/connector.ts';
import { copyIds, inbound, type OutboundOptions, outbound } from '../src/envelope.ts';
import { MqferryError } from '../src/errors.ts';
import { type Header, type Headers, type HeaderValue, Message, type MessageInit, propertyNames, Typed } from '../src/message.ts';
import { eachIntoMany } from '../src/steps/step.ts';

const amqp: Carries = {
  headers: 'typed',
  repeats: false,
  key: false,
  properties: propertyNames.filter((name) => name !== 'group'),
  maxBytes: 1e9,
  reserved: ['cc', 'bcc', 'x-delay', 'x-stream-*'],
};
const kafka: Carries = { headers: 'bytes', repeats: true, key: true, properties: ['timestamp'], maxBytes: 1e9 };
const mqtt5: Carries = {
  headers: 'text',
  repeats: true,
  key: false,
  properties: ['correlationId', 'replyTo', 'expiresAt', 'contentType'],
  maxBytes: 1e9,
};
const mqtt3: Carries = { headers: 'none', repeats: false, key: false, properties: [], maxBytes: 1e9 };
const stomp: Carries = {
  headers: 'text',
  repeats: false,
  key: false,
  properties: ['id', 'contentType', 'correlationId', 'expiresAt', 'persistent', 'priority', 'replyTo'],
  maxBytes: 1e9,
  reserved: ['destination', 'receipt', 'transaction', 'content-length', 'amq_*'],
};
const everything: Carries = { headers: 'typed', repeats: true, key: true, properties: propertyNames, maxBytes: 1e9 };
const profiles = { amqp, kafka, mqtt5, stomp, everything };

/** What a message says, comparable. */
function content(message: Message): unknown {
  const properties = Object.fromEntries(propertyNames.map((name) => [name, message[name]]));
  return { ...properties, body: message.body, key: message.key, headers: message.headers };
}

/** What the protocol does to header values between the sink and the next source. */
function overTheWire(carries: Carries, message: Message): Message {
  if (carries.headers !== 'bytes') return message;
  return message.change({
    headers: message.headers.map(([name, value]) => [name, typeof value === 'string' ? Buffer.from(value) : value]),
  });
}

function pass(carries: Carries, message: Message, options: OutboundOptions = {}): Message {
  const out = outbound(carries, 'envelope', options)(message);
  if (out instanceof MqferryError) throw out;
  return overTheWire(carries, out);
}

const text = fc.string({ unit: 'binary', maxLength: 12 });
const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array));
const typed = fc.oneof(
  fc.integer({ min: -9, max: 9 }).map((value) => new Typed('int16', value)),
  fc.bigInt({ min: 0n, max: 99n }).map((value) => new Typed('uint64', value)),
  fc.tuple(text, bytes).map(([type, value]) => new Typed(type, value)),
);
const { value } = fc.letrec<{ value: HeaderValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    text,
    fc.string({ unit: fc.constantFrom('a', '\0', '\ud800', '\udc00', '\ufffe', '\u{1ffff}', '\u{1f600}', '"', '\\', '\x85') }),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }),
    bytes,
    fc.date(),
    fc.constant(null),
    typed,
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.oneof(text, fc.constantFrom('1', '0', '$b', '$map', '__proto__')), tie('value')))
      .map((entries) => new Map(entries)),
  ),
}));
const name = fc
  .oneof(
    text,
    fc.constantFrom(
      'a',
      'b',
      'CC',
      'bcc',
      'x-stream-Offset',
      'destination',
      'AMQ_x',
      'mqf-message-id',
      'MQF-Types',
      'mqf-types',
      '*',
      '#1',
      'a#1',
      'a;=%',
    ),
    fc.constantFrom('toString', '__proto__', 'constructor', 'Content-Type', 'content-type', 'content-encoding', 'mqf-tombstone', 'mqf-key'),
  )
  .filter((one) => !/^(mqf-h-|mqf-(hops|id)$)/.test(one));
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const message: fc.Arbitrary<Message> = fc
  .record({
    body: fc.option(bytes),
    key: fc.option(bytes),
    headers: fc.array(fc.tuple(name, value) as fc.Arbitrary<Header>, { maxLength: 6 }),
    id: optional(text),
    group: optional(text),
    correlationId: optional(
      fc.oneof(
        text,
        bytes.filter((one) => one.toString('latin1') !== one.toString()),
      ),
    ),
    replyTo: optional(text),
    timestamp: optional(fc.maxSafeInteger()),
    expiresAt: optional(fc.maxSafeInteger()),
    priority: optional(fc.integer({ min: 0, max: 255 })),
    persistent: fc.constantFrom(undefined, false),
    contentType: optional(text),
    contentEncoding: optional(text),
    type: optional(text),
  })
  .map((init) => new Message(init as MessageInit));

describe('a message goes out and comes back from a trusted source as it was', () => {
  test.each(Object.entries(profiles))('by %s', (_, carries) => {
    const open = inbound(true, carries);
    fc.assert(
      fc.property(message, (original) => {
        expect(content(open(pass(carries, original)))).toEqual(content(original));
      }),
      { numRuns: 400 },
    );
  });

  test.each(Object.entries(profiles))('and %s can carry what goes out', (_, carries) => {
    fc.assert(
      fc.property(message, (original) => {
        const out = pass(carries, original, { maxHops: 9 });
        const names = out.headers.map(([one]) => one);
        if (!carries.repeats) expect(new Set(names).size).toBe(names.length);
        for (const one of names) expect((carries.reserved ?? []).includes(one.toLowerCase())).toBe(false);
        for (const [, one] of out.headers) if (carries.headers === 'text') expect(typeof one).toBe('string');
        for (const [, one] of out.headers) if (carries.headers === 'bytes') expect(one === null || Buffer.isBuffer(one)).toBe(true);
        for (const property of propertyNames) if (!carries.properties.includes(property)) expect(out[property]).toBeUndefined();
        if (!carries.key) expect(out.body).not.toBeNull();
      }),
      { numRuns: 100 },
    );
  });

  test.each([stomp, mqtt5, kafka])('what JSON cannot say, inside lists and maps too', (carries) => {
    const odd: HeaderValue = [-0, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 70n, new Date(Number.NaN), new Map([['$b', '\ud800']])];
    const original = new Message({
      body: Buffer.alloc(0),
      headers: [
        ['odd', odd],
        ['-0', -0],
      ],
    });
    expect(inbound(true)(pass(carries, original)).headers).toEqual(original.headers);
  });

  test('over a chain of all of them', () => {
    fc.assert(
      fc.property(message, (original) => {
        let at = original;
        for (const carries of [mqtt5, kafka, amqp, stomp, kafka]) at = inbound(true, carries)(pass(carries, at)).asReceived();
        expect(content(at)).toEqual(content(original));
      }),
      { numRuns: 100 },
    );
  });
});

describe('what fits is not touched', () => {
  test.each<[string, Carries, Partial<MessageInit>]>([
    [
      'amqp',
      amqp,
      {
        id: '1',
        headers: [
          ['n', 5],
          ['list', [1, 'a']],
        ],
        contentType: 'text/plain',
      },
    ],
    [
      'kafka',
      kafka,
      {
        key: Buffer.from('k'),
        body: null,
        headers: [
          ['a', Buffer.from('x')],
          ['a', null],
        ],
      },
    ],
    [
      'mqtt 5',
      mqtt5,
      {
        correlationId: Buffer.from([1]),
        headers: [
          ['a', 'x'],
          ['a', 'y'],
        ],
      },
    ],
    ['mqtt 3.1.1', mqtt3, {}],
    ['stomp', stomp, { id: '1', priority: 4, headers: [['a', 'x']] }],
    ['persistent messages anywhere', mqtt3, { persistent: true }],
  ])('%s', (_, carries, init) => {
    const original = new Message({ body: Buffer.from('x'), ...init });
    expect(outbound(carries, 'envelope')(original)).toBe(original);
    expect(inbound(true)(original)).toBe(original);
    expect(inbound(false)(original)).toBe(original);
  });
});

describe('the names and texts that other programs see', () => {
  const given = new Message({
    body: null,
    key: Buffer.from([0xff]),
    id: 'i-1',
    timestamp: 1_700_000_000_123,
    persistent: false,
    contentType: 'application/json',
    headers: [
      ['n', 42],
      ['half', 0.5],
      ['on', true],
      ['when', new Date(0)],
      ['who', 'me'],
      ['who', 'you'],
      ['destination', '/queue/victim'],
    ],
  });

  test('on STOMP', () => {
    expect(pass(stomp, given).headers).toEqual([
      ['n', '42'],
      ['half', '0.5'],
      ['on', 'true'],
      ['when', '1970-01-01T00:00:00.000Z'],
      ['who', '["me","you"]'],
      ['mqf-h-destination', '/queue/victim'],
      ['mqf-timestamp-ms', '1700000000123'],
      ['mqf-key', '/w=='],
      ['mqf-tombstone', 'true'],
      ['mqf-types', 'n=i64;half=f64;on=bool;when=time;who=multi;mqf-key=b64'],
    ]);
  });

  test('on Kafka', () => {
    const text = pass(kafka, given).headers.map(([one, bytes]) => [one, String(bytes)]);
    expect(text.slice(-5)).toEqual([
      ['destination', '/queue/victim'],
      ['mqf-message-id', 'i-1'],
      ['mqf-persistent', 'false'],
      ['content-type', 'application/json'],
      ['mqf-types', '*=s;n=i64;half=f64;on=bool;when=time'],
    ]);
  });

  test('content-type is not overwritten', () => {
    const both = new Message({ body: Buffer.alloc(0), contentType: 'a/b', headers: [['Content-Type', Buffer.from('c/d')]] });
    expect(pass(kafka, both).headers.map(([one]) => one)).toEqual(['Content-Type', 'mqf-content-type']);
  });
});

describe('orders', () => {
  const hostile: Headers = [
    ['mqf-id', 'forged'],
    ['Mqf-Key', 'forged'],
    ['mqf-hops', '2'],
    ['mqf-h-cc', 'kept'],
    ['plain', 'kept'],
  ];

  test('from an untrusted source are data, renamed and never removed', () => {
    const got = inbound(false)(new Message({ body: null, headers: hostile }));
    expect(got.id).toBeUndefined();
    expect(got.headers).toEqual([
      ['mqf-h-mqf-id', 'forged'],
      ['mqf-h-Mqf-Key', 'forged'],
      ['mqf-hops', '2'],
      ['mqf-h-cc', 'kept'],
      ['plain', 'kept'],
    ]);
    expect(inbound(false)(got)).toBe(got);
    expect(outbound(everything, 'envelope')(got)).not.toBeInstanceOf(MqferryError);
  });

  test('that say why a message is dead are ours, but for those of a stranger, also on trusted hops', () => {
    const ours: Headers = [['mqf-error-code', 'REFUSED']];
    const letter = new Message({ body: Buffer.alloc(0), headers: ours });
    for (const carries of [amqp, stomp, mqtt5, everything]) expect(pass(carries, letter).headers).toEqual(ours);
    expect(inbound(true)(pass(stomp, letter)).headers).toEqual(ours);
    const hidden = pass(stomp, inbound(false)(letter));
    expect(hidden.headers).toEqual([['mqf-h-mqf-error-code', 'REFUSED']]);
    expect(pass(stomp, inbound(true)(hidden)).headers).toEqual(hidden.headers);
  });

  test('to the target broker are renamed, in any spelling', () => {
    const out = pass(
      amqp,
      new Message({
        body: Buffer.alloc(0),
        headers: [
          ['CC', 'victim'],
          ['X-Stream-Offset', 1],
          ['ccc', 1],
        ],
      }),
    );
    expect(out.headers.map(([one]) => one)).toEqual(['mqf-h-CC', 'mqf-h-X-Stream-Offset', 'ccc']);
  });

  test('that are no use come back as they are', () => {
    const headers: Headers = [
      ['a', 'x'],
      ['b', 'y'],
      ['mqf-types', 'a=json;b=nonsense;=;;c'],
      ['mqf-priority', 'high'],
      ['mqf-tombstone', 'true'],
    ];
    const got = inbound(true)(new Message({ body: Buffer.from('body'), headers }));
    expect(got.headers).toEqual([
      ['a', 'x'],
      ['b', 'y'],
      ['mqf-priority', 'high'],
      ['mqf-tombstone', 'true'],
    ]);
    expect(got.body).toEqual(Buffer.from('body'));
  });

  test('in the types never throw', () => {
    const codes = fc.constantFrom('json', 'big', 'i64', 'time', 'multi', 'int16/json', 'x/', 'b64', '%/s', 'constructor');
    const texts = fc.oneof(
      fc.string(),
      fc.constantFrom('{"$map":5}', '{"$type":"a"}', '{"$type":1,"value":{}}', '{"$big":"x"}', '{"$map":[[1]]}', '[]'),
    );
    fc.assert(
      fc.property(texts, codes, (wire, code) => {
        inbound(true)(
          new Message({
            body: null,
            headers: [
              ['a', wire],
              ['mqf-types', `a=${code}`],
              ['mqf-key', 5],
            ],
          }),
        );
      }),
    );
  });
});

describe('hops', () => {
  const give = outbound(stomp, 'envelope', { maxHops: 3 });

  test('are counted, whatever type the last broker made of them', () => {
    for (const hops of [2, 2n, '2', Buffer.from('2'), new Typed('int16', 2)]) {
      const out = give(new Message({ body: Buffer.alloc(0), headers: [['Mqf-Hops', hops]] })) as Message;
      expect(out.headers).toEqual([['mqf-hops', '3']]);
    }
  });

  test('begin with one, also when somebody wrote nonsense', () => {
    for (const headers of [[], [['mqf-hops', 'x']], [['mqf-hops', -5]]] as Headers[]) {
      expect((give(new Message({ body: Buffer.alloc(0), headers })) as Message).headers).toEqual([['mqf-hops', '1']]);
    }
  });

  test('beyond the limit are an error', () => {
    const error = give(new Message({ body: Buffer.alloc(0), headers: [['mqf-hops', '3']] }));
    expect(error).toMatchObject({ code: 'HOPS_EXCEEDED' });
  });

  test('are no reason to reject a message', () => {
    const counted = new Message({ body: Buffer.alloc(0), headers: [['mqf-hops', 1]] });
    for (const carries of [stomp, kafka, mqtt3]) expect(outbound(carries, 'reject', { maxHops: 3 })(counted)).toBeInstanceOf(Message);
  });

  test('go nowhere on a target without headers', () => {
    const original = new Message({ body: Buffer.alloc(0) });
    expect((outbound(mqtt3, 'envelope', { maxHops: 3 })(original) as Message).headers).toEqual([]);
  });
});

describe('mqf-id', () => {
  const places = [
    ['topicId', 'partition', 'offset'],
    ['bufferId', 'bufferSequence'],
  ];
  /** For one sink. */
  const ids = () => copyIds('orders', places);
  const body = Buffer.alloc(0);
  const place = { topic: 't', topicId: 'JNDU', partition: 0, offset: 17 };
  const idsOf = (message: Message | MqferryError) =>
    (message as Message).headers.filter(([one]) => one.toLowerCase() === 'mqf-id').map(([, one]) => String(one));

  test.each(Object.entries(profiles))('is the place of the message, the same for each copy, on %s', (_, carries) => {
    for (const headers of [[], [['a', 'x']], [['n', 5]]] as Headers[]) {
      const give = outbound(carries, 'envelope', { copyId: ids() });
      const copy = () => give(new Message({ body, headers, origin: { ...place } }));
      expect(idsOf(copy())).toEqual(['orders/JNDU/0/17']);
      expect(idsOf(copy())).toEqual(idsOf(copy()));
    }
  });

  test('is of the first place that the message has all of', () => {
    const buffered = { bufferId: 'b0', bufferSequence: 3 };
    const idOf = (origin: Message['origin']) => ids()(new Message({ body, origin }), undefined);
    expect(idOf({ ...place, ...buffered })).toBe('orders/JNDU/0/17');
    expect(idOf({ ...place, topicId: null, ...buffered })).toBe('orders/b0/3');
    expect(idOf({ topicId: 'JNDU', offset: 17 })).toBeUndefined();
    expect(idOf({ topicId: 'JNDU', partition: 0, offset: 0 })).toBe('orders/JNDU/0/0');
  });

  test('of a place that is not whole there is none, whatever came before', () => {
    const id = copyIds('orders', [['topic', 'partition', 'offset']]);
    const at = (origin: Message['origin']) => id(new Message({ body: null, origin }), undefined);
    expect(at({ partition: 1, offset: 1 })).toBeUndefined();
    expect(at({ topic: 'a', partition: 1, offset: 1 })).toBe('orders/a/1/1');
    expect(at({ partition: 1, offset: 2 })).toBeUndefined();
    expect(at({ offset: 2 })).toBeUndefined();
    expect(at({ topic: 'b', partition: 1, offset: 2 })).toBe('orders/b/1/2');
    expect(at({ topic: 'b', partition: 0, offset: 0 })).toBe('orders/b/0/0');
    expect(at({ topic: 'b', partition: 0 })).toBeUndefined();
    expect(at({ topic: null, partition: 0, offset: 3 })).toBeUndefined();
  });

  test('is another one for each message that a step has made of one', () => {
    const give = outbound(kafka, 'envelope', { copyId: copyIds('orders', [['offset']]) });
    const divide = eachIntoMany('divide', (message) => [message.change({ key: body }), message.change({ body: null })]);
    const nobody = { fail: () => expect.unreachable(), drop: () => expect.unreachable(), tap: () => expect.unreachable() };
    const idsOfParts = (messages: readonly Message[]) => messages.flatMap((part) => idsOf(give(part)));
    const whole = () => new Message({ body, origin: { offset: 17 } });
    const once = divide([whole()], nobody);
    const twice = divide(once, nobody);
    expect(idsOfParts(once)).toEqual(['orders/17#1', 'orders/17#2']);
    expect(idsOfParts(twice)).toEqual(['orders/17#1#1', 'orders/17#1#2', 'orders/17#2#1', 'orders/17#2#2']);
    // A number stays, whatever becomes of the others on a later delivery.
    expect(idsOfParts(divide([whole()], nobody).slice(1))).toEqual(['orders/17#2']);
    const given = divide([new Message({ body, headers: [['mqf-id', 'given']] })], nobody);
    expect(idsOfParts(given)).toEqual(['given#1', 'given#2']);
  });

  test('is not there when the message has no place', () => {
    const original = new Message({ body });
    for (const carries of Object.values(profiles)) expect(outbound(carries, 'envelope', { copyId: ids() })(original)).toBe(original);
  });

  test('that is there already stays: it is the first route that knows the message best', () => {
    for (const given of ['given', Buffer.from('given')]) {
      const message = new Message({ body, headers: [['Mqf-Id', given]], origin: place });
      for (const carries of Object.values(profiles))
        for (const options of [{ copyId: ids() }, { copyId: ids(), maxHops: 3 }, {}])
          expect(idsOf(outbound(carries, 'envelope', options)(message))).toEqual(['given']);
    }
  });

  test('goes through a chain of trusted hops as the first of them wrote it', () => {
    let at: Message = new Message({ body, headers: [['n', 5]], origin: place });
    for (const carries of [mqtt5, kafka, amqp, stomp, kafka])
      at = inbound(true)(pass(carries, at, { copyId: ids(), maxHops: 9 }).change({})).asReceived();
    expect(idsOf(at)).toEqual(['orders/JNDU/0/17']);
  });

  test('of a stranger is hidden, and stays so on trusted hops', () => {
    const hidden = inbound(false)(new Message({ body, headers: [['mqf-id', 'forged']], origin: place }));
    const again = inbound(true)(pass(stomp, hidden, { copyId: ids() }));
    expect(again.headers).toEqual([
      ['mqf-h-mqf-id', 'forged'],
      ['mqf-id', 'orders/JNDU/0/17'],
    ]);
    expect(idsOf(pass(amqp, again, { copyId: ids() }))).toEqual(['orders/JNDU/0/17']);
  });

  test('is no reason to reject a message, and goes nowhere on a target without headers', () => {
    const message = new Message({ body, headers: [['mqf-id', 'given']], origin: place });
    for (const carries of [stomp, kafka, mqtt3]) expect(outbound(carries, 'reject', { copyId: ids() })(message)).toBeInstanceOf(Message);
    expect(outbound(mqtt3, 'envelope', { copyId: ids() })(message)).toMatchObject({ headers: [] });
  });
});

describe('replyTo', () => {
  const original = new Message({ body: Buffer.alloc(0), replyTo: 'amq.gen-1' });

  test("of the source's broker is not given to another broker as an address", () => {
    const out = pass(amqp, original);
    expect(out.replyTo).toBeUndefined();
    expect(out.headers).toEqual([['mqf-reply-to', 'amq.gen-1']]);
  });

  test('that a step has set is', () => {
    expect(pass(amqp, original.change({ replyTo: 'answers' })).replyTo).toBe('answers');
    expect(pass(amqp, original, { replyTo: 'slot' })).toBe(original);
  });

  test('stays inside the process', () => {
    expect(pass(everything, original)).toBe(original);
  });
});

describe('without an envelope', () => {
  const rich = new Message({
    body: null,
    id: '1',
    headers: [
      ['n', 5],
      ['a', 'x'],
      ['a', 'y'],
      ['receipt', 'z'],
    ],
    key: Buffer.from('k'),
  });
  const misfits: [string, Partial<MessageInit>][] = [
    ['the property type', { type: 't' }],
    ['the key', { key: Buffer.from('k') }],
    ['a message without a body', { body: null }],
    ['a header named "receipt"', { headers: [['receipt', 'z']] }],
    [
      'the header "a" more than once',
      {
        headers: [
          ['a', 'x'],
          ['a', 'y'],
        ],
      },
    ],
    ['the type of the header "n"', { headers: [['n', 5]] }],
  ];

  test.each(misfits)('reject says what does not fit: %s', (what, init) => {
    const error = outbound(stomp, 'reject')(new Message({ body: Buffer.alloc(0), ...init }));
    expect(error).toMatchObject({ code: 'UNMAPPABLE', message: expect.stringContaining(what) });
  });

  test('envelope is reject where there are no headers to put it in', () => {
    expect(outbound(mqtt3, 'envelope')(new Message({ body: Buffer.alloc(0), headers: [['a', 'x']] }))).toMatchObject({
      code: 'UNMAPPABLE',
    });
  });

  test('reject lets text to a target of bytes', () => {
    const original = new Message({ body: Buffer.alloc(0), headers: [['a', 'x']] });
    expect(outbound(kafka, 'reject')(original)).toBe(original);
  });

  test('drop leaves out what does not fit', () => {
    expect(content(outbound(stomp, 'drop')(rich) as Message)).toMatchObject({
      id: '1',
      key: null,
      body: Buffer.alloc(0),
      headers: [
        ['n', '5'],
        ['a', 'x'],
      ],
    });
    expect(content(outbound(mqtt3, 'drop', { maxHops: 3 })(rich) as Message)).toMatchObject({ id: undefined, headers: [] });
  });

  test('a copy still knows what was received', () => {
    expect((outbound(stomp, 'drop')(rich) as Message).received).toBe(rich);
    expect(pass(stomp, rich).received).toBe(rich);
  });
});
