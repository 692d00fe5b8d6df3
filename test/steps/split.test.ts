import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RouteRun } from '../../src/engine/route-run.ts';
import { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { FakeSink, FakeSource, hastyClock, routePlan } from '../engine/fakes.ts';
import { jsonMessage } from '../expr/messages.ts';
import { explanationOf, failure, problemsOf, stepsOf, through } from './route.ts';
import { condition, expr, run, step } from './run.ts';

const bodies = (messages: readonly Message[]) => messages.map(({ body }) => body?.toString());
const by = (what: string, body: string | Buffer) => through(`- split: { by: ${what} }`, new Message({ body: Buffer.from(body as string) }));

describe('split', () => {
  test('gives each part the headers and properties of the whole, its place, the count and an id of its own', async () => {
    const whole = jsonMessage(
      { l: ['a', { b: 1 }] },
      {
        id: 'w',
        key: Buffer.from('k'),
        type: 't',
        headers: [
          ['split-count', 'old'],
          ['h', 1n],
        ],
      },
    );
    const parts = await through('- split: { list: body.l }', whole);
    expect(parts.map(({ headers }) => headers)).toEqual([
      [
        ['h', 1n],
        ['split-index', 0],
        ['split-count', 2],
      ],
      [
        ['h', 1n],
        ['split-index', 1],
        ['split-count', 2],
      ],
    ]);
    expect(parts.map(({ id, key, type, received }) => [id, key?.toString(), type, received === whole])).toEqual([
      ['w-0', 'k', 't', true],
      ['w-1', 'k', 't', true],
    ]);
    expect(bodies(parts)).toEqual(['a', '{"b":1}']);
    expect(parts[1]).toMatchObject({ contentType: 'application/json' });
    expect((await through('- split: { by: lines }', new Message({ body: Buffer.from('x') })))[0]?.id).toBeUndefined();
  });

  test('of a list keeps bytes and the digits of numbers', async () => {
    expect(bodies(await through('- split: { list: body }', jsonMessage('[12345678901234567890,{"n":9007199254740993}]')))).toEqual([
      '12345678901234567890',
      '{"n":9007199254740993}',
    ]);
    const [part] = await through("- split: { list: '[raw]' }", new Message({ body: Buffer.from([255, 0]) }));
    expect(part?.body).toEqual(Buffer.from([255, 0]));
  });

  test.each<[string, string | Buffer, readonly string[]]>([
    ['lines', 'a\nb\r\nc', ['a', 'b', 'c']],
    ['lines', 'a\n', ['a']],
    ['lines', '\n\r\n\na', ['', '', '', 'a']],
    ['lines', '\r\r\n', ['\r']],
    ['lines', '', []],
    ['json', '{"a":1}\n{"b":[2]}\n', ['{"a":1}', '{"b":[2]}']],
    ['json', '{"a":"}{\\"]"}[1]"x""y"1 2\ttrue', ['{"a":"}{\\"]"}', '[1]', '"x"', '"y"', '1', '2', 'true']],
    ['json', '\ufeff\u001e{"n":1.0e0}\n\u001e[ 1 ]\n', ['{"n":1.0e0}', '[ 1 ]']],
    ['json', ' \n ', []],
    ['json', '{"\\\\":"\\\\"}{}', ['{"\\\\":"\\\\"}', '{}']],
  ])('by %s of %j', async (what, body, expected) => {
    expect(bodies(await by(what, body))).toEqual(expected);
  });

  test('takes a line as the bytes that came', async () => {
    const parts = await by('lines', Buffer.from([0xff, 0x0a, 0xc0, 0x00]));
    expect(parts.map(({ body }) => body)).toEqual([Buffer.from([0xff]), Buffer.from([0xc0, 0x00])]);
  });

  test('by json finds again what was put one behind the other', () => {
    const split = step('split', { by: 'json', maxParts: 1000, maxBytes: 1e9 });
    const between = fc.constantFrom('\n', '', ' ', '\u001e', '\r\n\t');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.jsonValue(), between)), (values) => {
        // Words and numbers need something between them.
        const texts = values.map(([value]) => JSON.stringify(value));
        const body = texts.map((text, i) => text + (/[\w.]$/.test(text) ? '\n' : values[i]?.[1])).join('');
        expect(bodies(run(split, [new Message({ body: Buffer.from(body) })]).out)).toEqual(texts);
      }),
    );
  });

  test('lets a tombstone pass, and filters what has no part', async () => {
    const tombstone = new Message({ body: null });
    expect(await through('- split: { by: json }', tombstone)).toEqual([tombstone]);
    expect((await stepsOf('- split: { list: body }'))([jsonMessage([])])).toEqual({ out: [], failed: [], dropped: [] });
  });

  test.each([
    ['{ by: json }', '{"a":1}{"b":', /^DECODE_FAILED split: the last JSON value of the body never ends/],
    ['{ by: json }', '{"a":1},{"b":1}', /^DECODE_FAILED split: value 1 of the body is not JSON/],
    ['{ by: json }', '[1,,2]', /value 0 of the body is not JSON/],
    ['{ by: json }', ']', /value 0/],
    ['{ by: json, maxParts: 2 }', '1 2 3', /^TOO_LARGE split: more than 2 parts/],
    ['{ by: lines, maxParts: 2 }', 'a\nb\nc\n', /^TOO_LARGE/],
    ['{ list: body, maxParts: 2 }', '[1,2,3]', /^TOO_LARGE/],
    ['{ list: body }', '{"a":1}', /^STEP_FAILED split: this is not a list/],
    ['{ list: body }', '[1,null]', /element 1 of the list is null/],
    ['{ list: body.nope }', '{}', /there is no "nope"/],
    ['{ by: lines, maxBytes: 200 }', 'a\nb\nc\nd', /^TOO_LARGE split: the parts have more than 200 bytes/],
    [
      '{ list: \'body.items.map(i, {"i": i, "all": body})\', maxBytes: 1KiB }',
      '{"items":[1,2,3,4,5,6,7,8,9,10],"pad":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}',
      /^TOO_LARGE split: the parts have more than 1024/,
    ],
  ])('%s of %j fails as a whole', async (value, body, sentence) => {
    expect(await failure(`- split: ${value}`, jsonMessage(body))).toMatch(sentence);
  });

  test('does not cut a compressed body', async () => {
    expect(await failure('- split: { by: lines }', new Message({ body: Buffer.from('a\nb'), contentEncoding: 'gzip' }))).toMatch(
      /decompress/,
    );
  });

  test('takes one of list and by, and says so', async () => {
    expect(await problemsOf('- split: { maxParts: 3 }')).toEqual(['split needs one of `list` and `by`']);
    expect(await problemsOf('- split: { list: body, by: lines }')).toEqual(['`list` and `by` exclude each other: keep one of them']);
    expect(await explanationOf('- split: { list: body.a, maxParts: 3 }')).toBe('makes a message of each element of body.a, at most 3');
  });
});

describe('the parts of a message share its fate', () => {
  const split = step('split', { list: expr('body'), maxParts: 100, maxBytes: 1e6 });
  const filter = step('filter', condition('body != "none"'));
  const wholes = ['["a","bad","c","bad"]', '["d"]', '[]', '["none","none"]', '["none","e"]'].map((body, i) =>
    jsonMessage(body, { id: `w${i}` }),
  );

  function start(sinks: readonly FakeSink[], dead: FakeSink): { run: RouteRun; source: FakeSource } {
    const source = new FakeSource();
    source.push(...wholes);
    const share: Parameters<typeof routePlan>[2] = {
      share: (messages, aside) => {
        const parts = split(messages, aside).map((part) => part.change({ body: Buffer.from(JSON.stringify(part.body?.toString())) }));
        const kept = filter(parts, aside);
        return sinks.map(() => kept);
      },
      dead,
    };
    const route = new RouteRun(routePlan(source, sinks, share), hastyClock);
    route.start();
    onTestFinished(() => void route.stop(0));
    return { run: route, source };
  }

  test('one dead letter of the whole however many of them fail, and each delivery is counted once', async () => {
    const [sink, dead] = [new FakeSink(), new FakeSink()];
    sink.answer = (message) => (message.body?.toString() === '"bad"' ? 'refuse' : 'store');
    const { run: route, source } = start([sink, sink], dead);
    await until('all are acked', () => source.acked.length === wholes.length);
    expect(dead.stored.map(({ id, body }) => [id, body?.toString()])).toEqual([['w0', wholes[0]?.body?.toString()]]);
    expect([...new Set(bodies(sink.stored))].sort()).toEqual(['"a"', '"c"', '"d"', '"e"']);
    expect(route.books).toMatchObject({ read: 5, delivered: 2, filtered: 2, deadLettered: 1, dropped: 0, inFlight: 0 });
    expect(route.isBalanced).toBe(true);
  });

  test('it is not acked before the last of them is stored', async () => {
    const [sink, dead] = [new FakeSink(), new FakeSink()];
    const ackedAt: number[] = [];
    let refusals = 2;
    sink.answer = (message) => {
      if (message.body?.toString() !== '"c"') return 'store';
      ackedAt.push(source.acked.length);
      return refusals-- > 0 ? 'later' : 'store';
    };
    const { run: route, source } = start([sink], dead);
    await until('all are acked', () => source.acked.length === wholes.length);
    expect(ackedAt).toEqual([0, 0, 0]);
    expect(bodies(sink.stored)).toEqual(['"a"', '"bad"', '"bad"', '"d"', '"e"', '"c"']);
    expect(route.books).toMatchObject({ read: 5, delivered: 3, filtered: 2, inFlight: 0 });
  });
});
