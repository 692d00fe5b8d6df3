import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Header, type HeaderValue, Message, MqferryError, type Properties, propertyNames, Typed } from '../../src/connector.ts';
import { inbound, outbound } from '../../src/envelope.ts';
import { anyMessages, type Family, messages, oddValues } from './messages.ts';
import { allHostileNames, traceNames } from './names.ts';
import { hop, thereAndBack } from './trip.ts';
import { type Wire, wires } from './wires.ts';

const { rabbitmq, kafka, mqtt, stomp, mqtt311, artemis, rabbitmqStomp, anyStomp } = wires;
const ends: readonly (readonly [Family, Wire])[] = [
  ['amqp', rabbitmq],
  ['kafka', kafka],
  ['mqtt5', mqtt],
  ['stomp', stomp],
];
const targets = [rabbitmq, kafka, mqtt, stomp, artemis, rabbitmqStomp, anyStomp];
const pairs = ends.flatMap(([family, from]) => targets.map((to) => ({ family, from, to, name: `${from.name} → ${to.name}` })));
/** `RUNS=10000 npx vitest run test/roundtrip/wire.test.ts` looks longer. */
const numRuns = Number(process.env['RUNS'] ?? 150);

describe('a message that goes to another broker and comes back is the same', () => {
  test.each(pairs)('$name and back', ({ family, from, to }) => {
    fc.assert(
      fc.property(messages(family, from.sink), (message) => {
        expect(thereAndBack(message, from, to).wrong).toEqual([]);
      }),
      { numRuns },
    );
  });

  test('a body alone, by MQTT 3.1.1', () => {
    fc.assert(
      fc.property(messages('mqtt3', mqtt311.sink), (message) => {
        expect(thereAndBack(message, mqtt311, mqtt311).wrong).toEqual([]);
      }),
      { numRuns },
    );
  });
});

describe('bytes that are read are written as the same bytes', () => {
  test.each(ends)('%s', (family, wire) => {
    fc.assert(
      fc.property(messages(family, wire.sink), (message) => {
        // It counts down meanwhile.
        const bytes = wire.write(message.change({ expiresAt: undefined }));
        expect(wire.write(wire.read(bytes)).toString('latin1')).toBe(bytes.toString('latin1'));
      }),
      { numRuns: 4 * numRuns },
    );
  });
});

/** What the declaration of a target allows to be otherwise when a message comes from there. */
function isAsDeclared(name: keyof Properties, want: unknown, got: unknown, { source, sink }: Wire): boolean {
  if (isDeepStrictEqual(got, want)) return true;
  if (want === undefined) return source.fills?.[name] !== undefined || sink.fills?.[name] !== undefined;
  if (name === 'persistent' && want === true && got === undefined) return true; // only that it is not is worth saying
  if (name === 'expiresAt') return Math.abs((got as number) - (want as number)) < 3000;
  return name === 'correlationId' && Buffer.isBuffer(want) && want.toString() === got; // bytes that are text
}

describe('whatever a step has made of a message arrives, and is read as it was by who trusts', () => {
  test.each(targets)('$name', (wire) => {
    const give = outbound(wire.sink, 'envelope');
    const open = inbound(true, wire.source);
    fc.assert(
      fc.property(anyMessages(), (message) => {
        if (message.headers.some(([name]) => !isSpelled(wire, name))) return;
        const back = open(wire.read(wire.write(give(message) as Message)));
        const wrong = propertyNames.filter((name) => !isAsDeclared(name, message[name], back[name], wire));
        expect(wrong.map((name) => [name, message[name], back[name]])).toEqual([]);
        expect([back.body, back.key]).toEqual([message.body, message.key]);
        const order = (headers: readonly Header[]) =>
          wire.sink.ordered === false ? headers.toSorted(([a], [b]) => (a < b ? -1 : 1)) : headers;
        expect(order(back.headers)).toEqual(order(message.headers));
      }),
      { numRuns },
    );
  });
});

/** A name that is too long stays so when it is escaped: the message is refused. */
function isSpelled({ sink: { allowsName } }: Wire, name: string): boolean {
  return allowsName === undefined || allowsName(name) || allowsName(`mqf-x-${encodeURIComponent(name)}`);
}

describe('a declaration says what the connector does', () => {
  const slots = targets.flatMap((wire) => wire.sink.properties.map((name) => ({ wire, name, title: `${wire.name}: ${name}` })));

  test.each(slots)('$title', ({ wire, name }) => {
    const keeps = wire.sink.slots?.[name]?.keeps as ((value: unknown) => string) | undefined;
    const seen = new Set<string>();
    fc.assert(
      fc.property(anyMessages(), ({ [name]: value }) => {
        if (value === undefined) return;
        const kept = keeps?.(value) ?? 'exactly';
        seen.add(kept);
        const fate = fateOf(name, value, wire);
        // Where it is not known which broker it is, the limits are those of all. ActiveMQ obeys the group, and does not deliver it.
        if (wire === anyStomp && fate === 'exactly') return;
        if (wire === stomp && name === 'group' && kept === 'nearly') return;
        // A moment has passed.
        if (name === 'expiresAt' && [keeps?.((value as number) - 5000), keeps?.((value as number) + 5000)].includes(fate)) return;
        expect([value, kept, fate]).toEqual([value, kept, kept]);
      }),
      { numRuns },
    );
    expect(seen.size).toBeGreaterThan(0);
    if (keeps) expect(wire.sink.slots?.[name]?.but).toBeDefined();
  });

  /** What becomes of a property when nobody looks at the declaration. */
  function fateOf(name: keyof Properties, value: unknown, wire: Wire): string {
    const back = writtenAndRead(wire, { [name]: value });
    if (back === undefined) return 'not';
    if (isAsDeclared(name, value, back[name], wire)) return 'exactly';
    return back[name] === undefined ? 'not' : 'nearly';
  }

  test.each(targets.filter(({ sink }) => sink.headers !== 'bytes'))('$name: header values', (wire) => {
    const keeps =
      wire.sink.keepsValue ??
      ((value: HeaderValue) => typeof value === 'string' && !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(value));
    fc.assert(
      fc.property(oddValues(), (value) => {
        const back = writtenAndRead(wire, { headers: [['h', value]] });
        const isKept = back !== undefined && isDeepStrictEqual(back.headers, [['h', value]]);
        expect([value, isKept]).toEqual([value, keeps(value)]);
      }),
      { numRuns: 4 * numRuns },
    );
  });

  test.each(targets.filter((wire) => wire !== anyStomp))('$name: names of headers', (wire) => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.constantFrom('', '\ud800', 'n'.repeat(255), 'n'.repeat(256), '\0', 'é'.repeat(128)),
    );
    fc.assert(
      fc.property(name, (one) => {
        const back = writtenAndRead(wire, { headers: [[one, 'v']] });
        const isKept = back?.headers.some(([other, value]) => other === one && String(value) === 'v') ?? false;
        expect([one, isKept]).toEqual([one, wire.sink.allowsName?.(one) ?? true]);
      }),
      { numRuns },
    );
  });

  /** Undefined when the sink refuses it. */
  function writtenAndRead(wire: Wire, init: object): Message | undefined {
    try {
      return wire.read(wire.write(new Message({ body: Buffer.alloc(0), ...init })));
    } catch (error) {
      if (error instanceof MqferryError) return undefined;
      throw error;
    }
  }
});

describe('a header is data, whatever its name', () => {
  const body = Buffer.from('x');
  const value = { amqp: '/queue/victim', kafka: Buffer.from('/queue/victim'), mqtt5: '/queue/victim', mqtt3: '', stomp: '/queue/victim' };

  test.each(allHostileNames)('%s', (name) => {
    for (const { family, from, to } of pairs) {
      const sent = new Message({ body, headers: [[name, value[family]]], timestamp: 1000, persistent: true });
      const harmless = hop(sent.change({ headers: [['harmless', value[family]]] }), from, to, false);
      const there = hop(sent, from, to, false);
      // It arrives, under its name or a name that says it, and nothing else is different.
      const arrived = there.headers.filter(([one]) => [name, `mqf-h-${name}`].includes(one));
      expect(arrived.map(([, one]) => String(one))).toEqual(['/queue/victim']);
      expect(contentOf(there)).toEqual(contentOf(harmless));
      // Read by who trusts, it has its name again, and is still no property.
      const open = inbound(true, to.source);
      expect(open(there).headers.filter(([one]) => one === name)).toHaveLength(1);
      expect(contentOf(open(there))).toEqual(contentOf(open(harmless)));
    }
  });

  function contentOf(message: Message): unknown {
    const { body: bytes, key, origin } = message;
    return { bytes, key, origin, properties: propertyNames.map((name) => [name, message[name]]) };
  }
});

describe('trace context', () => {
  const texts: Record<string, string> = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
    baggage: 'userId=alice,serverNode=DF%2028,isProduction=false',
  };
  const sent = (family: Family) =>
    new Message({
      body: Buffer.alloc(0),
      headers: traceNames.map((name) => [name, family === 'kafka' ? Buffer.from(texts[name] as string) : (texts[name] as string)] as const),
    });

  test.each(pairs)('arrives under its names: $name', ({ family, from, to }) => {
    const there = hop(sent(family), from, to, false);
    for (const name of traceNames) {
      const value = there.header(name);
      expect([name, String(value)]).toEqual([name, texts[name]]);
      expect([name, Buffer.isBuffer(value)]).toEqual([name, to.sink.headers === 'bytes']);
    }
    expect(thereAndBack(sent(family), from, to).wrong).toEqual([]);
  });

  test('has no place in MQTT 3.1.1, which is said and not passed over', () => {
    expect(outbound(mqtt311.sink, 'envelope')(sent('mqtt5'))).toMatchObject({
      code: 'UNMAPPABLE',
      message: expect.stringContaining('"traceparent"'),
    });
    expect(mqtt311.sink.words?.limits.join()).toContain('a header');
  });
});

test('a type of another protocol arrives as the nearest plain one, and is what it was to who trusts', () => {
  const headers: Header[] = [['n', new Typed('uint64', 5n)], ['d', new Typed('decimal128', '1.50')]]; // biome-ignore format: one line
  const there = rabbitmq.read(
    rabbitmq.write(outbound(rabbitmq.sink, 'envelope')(new Message({ body: Buffer.alloc(0), headers })) as Message),
  );
  expect(there.headers.slice(0, 2)).toEqual([['n', 5], ['d', '1.50']]); // biome-ignore format: one line
  expect(inbound(true, rabbitmq.source)(there).headers).toEqual(headers);
});
