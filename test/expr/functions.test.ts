import { describe, expect, test } from 'vitest';
import { functionDocs } from '../../src/expr/environment.ts';
import { compileExpression, expressionReference } from '../../src/expr/index.ts';
import { Message } from '../../src/message.ts';

const nothing = new Message({ body: null });
const evaluate = (text: string, message = nothing): unknown => compileExpression(text, 'any')(message);

describe('the example in the reference holds:', () => {
  const examples = functionDocs.flatMap(([, functions]) => functions.map(([signature, , example]) => [signature, example] as const));

  test.each(examples)('%s', (signature, example) => {
    const name = /(\w+)(?=\()/.exec(signature)?.[1];
    if (name !== undefined) expect(example).toContain(`${name}(`);
    expect(compileExpression(example, 'boolean')(nothing), example).toBe(true);
    expect(expressionReference()).toContain(example.replaceAll('|', '\\|'));
  });
});

describe('a function yields', () => {
  test.each<[string, unknown]>([
    ['"😀a".size()', 2],
    ['"😀a".substring(1)', 'a'],
    ['"😀ab".indexOf("b")', 2],
    ['"b😀b".indexOf("b", 1)', 2],
    ['"b😀b".lastIndexOf("b")', 2],
    ['"a😀".charAt(1)', '😀'],
    ['"a😀".reverse()', '😀a'],
    ['mask("😀ab", 1)', '**b'],
    ['"abc".charAt(3)', ''],
    ['"abc".split("")', ['a', 'b', 'c']],
    ['"a,b".split(",", 0)', []],
    ['"a.b".replace(".", "$&", -1)', 'a$&b'],
    ['"abab".replace("ab", "x", 0)', 'abab'],
    ['"abab".replace("ab", "x", 9)', 'xx'],
    ['["orderId", "order_id", "order-id", "Order Id", "ORDER_ID"].map(x, x.snakeCase()).join()', 'order_id'.repeat(5)],
    ['["orderId", "order_id", "order-id", "Order Id", "ORDER_ID"].map(x, x.camelCase()).join()', 'orderId'.repeat(5)],
    ['"HTTPStatus2Go".snakeCase()', 'http_status2_go'],
    ['"".camelCase()', ''],
    ['"größe_y".camelCase()', 'größeY'],
    ['"%s %d %.2f %e %x %X %o %b %%".format(["a", 3, 1.005, 1052.03, 255, "hi", 8, 5])', 'a 3 1.00 1.052030e+03 ff 6869 10 101 %'],
    ['"%s".format([{"b": [1, null], "a": true}])', '{a: true, b: [1, null]}'],
    ['topic.match("a/b/c/d", "a/+x/#rest")', { x: 'b', rest: 'c/d' }],
    ['topic.match("a", "a/#rest")', { rest: '' }],
    ['topic.match("a/b", "+/+")', {}],
    ['topic.match("$SYS/x", "#")', null],
    ['topic.match("$SYS/x", "$SYS/+x")', { x: 'x' }],
    ['topic.match("a/b", "a")', null],
    ['topic.segment("a/b/c", -1)', 'c'],
    ['topic.toSlashes(topic.toDots("a/b.c/+"))', 'a/b.c/+'],
    ['regex.extractAll("k1=a;k2=b", "=([a-z])")', ['a', 'b']],
    ['regex.extractAll("abc", "x*")', ['', '', '', '']],
    ['url.decode(url.encode("a b&ü/%"))', 'a b&ü/%'],
    [
      'hash.hmacSha256("key", "The quick brown fox jumps over the lazy dog")',
      'f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8',
    ],
    // What Java's client says of these keys: 479470107 and -790332482, without the sign.
    ['[kafka.partition("abc", 1000), kafka.partition(b"foobar", 1000)]', [107, 166]],
    ['formatTime(timestamp("2026-07-01T10:05:09.007Z"), "yy-M-d H:mm:ss.SSS")', '26-7-1 10:05:09.007'],
    ['formatTime(timestamp("2026-07-01T22:00:00Z"), "EEE dd MMM yyyy HH:mm XXX", "Asia/Kolkata")', 'Thu 02 Jul 2026 03:30 +05:30'],
    [`formatTime(timestamp("2026-07-01T22:00:00Z"), "HH 'o''clock'")`, "22 o'clock"],
    ['formatTime(timestamp("2026-01-01T00:00:00Z"), "XXX", "-03:30")', '-03:30'],
    ['parseTime("2026-03-01T10:00:00+02:00", "yyyy-MM-dd\'T\'HH:mm:ssXXX")', new Date('2026-03-01T08:00:00Z')],
    ['parseTime("01 Feb 26", "dd MMM yy")', new Date('2026-02-01T00:00:00Z')],
    ['parseTime("2026-10-25 02:30", "yyyy-MM-dd HH:mm", "Europe/Berlin")', new Date('2026-10-25T00:30:00Z')],
    ['parseTime("2026-03-29 02:30", "yyyy-MM-dd HH:mm", "Europe/Berlin")', new Date('2026-03-29T01:30:00Z')],
    ['timestamp(1.5)', new Date(1500)],
    ['timestamp("2026-12-31T23:30:00Z").getFullYear("Europe/Berlin")', 2027],
    ['timestamp("2026-12-31T23:30:00Z").getHours("+05:30")', 5],
    ['timestamp("2024-12-31T00:00:00Z").getDayOfYear()', 365],
    ['duration("-90m").getHours()', -1],
    ['sort([3, int("9007199254740993"), 1])', [1, 3, 9007199254740993n]],
    ['sort([timestamp(5), timestamp(1)])', [new Date(1000), new Date(5000)]],
    ['mergeDeep({"a": {"x": 1}, "b": 1}, {"a": {"y": 2}, "b": {"z": 3}})', { a: { x: 1, y: 2 }, b: { z: 3 } }],
    ['setField({}, "a.b.c", [1])', { a: { b: { c: [1] } } }],
    ['removeFields({"a.b": 1, "a": {"b": 2}}, ["a.b"])', { a: {} }],
    ['removeFields({"a": 1}, ["b.c", "x"])', { a: 1 }],
    ['denormalize({"a": {"b": {}, "c": []}, "l": [{"x": 1}]})', { 'a.b': {}, 'a.c': [], 'l.0.x': 1 }],
    ['[3, 4].transformMap(i, v, v * i)', { 0: 0, 1: 4 }],
    ['{"a": 1, "b": 0}.exists(k, v, 1 / v > 0)', true],
    ['{"a": 1, "b": 2}.existsOne(k, v, v > 0)', false],
    ['[[1, 2], [3]].transformList(i, l, l.transformList(j, v, v + i * 10 + j * 100))', [[1, 102], [13]]],
    ['[].all(e, e > 0)', true],
    ['[].exists(e, e > 0)', false],
    ['[] + [1]', [1]],
    ['{}.?a.orValue(1)', 1],
  ])('%s', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });

  test('another id each time, of the right version', () => {
    const ids = evaluate('[uuid.v4(), uuid.v4(), uuid.v7(), uuid.v7()]') as string[];
    expect(new Set(ids).size).toBe(4);
    expect(ids.map((id) => id[14])).toEqual(['4', '4', '7', '7']);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('a function fails for', () => {
  test.each<[string, RegExp]>([
    ['"abc".substring(2, 1)', /shorter/],
    ['"abc".substring(4)', /shorter/],
    ['"abc".charAt(4)', /shorter/],
    ['"abc".indexOf("a", 4)', /shorter/],
    ['[1].join(",")', /list of texts/],
    ['"%d".format([1.5])', /whole number/],
    ['"%d".format([])', /fewer values/],
    ['"%y".format([1])', /knows %s/],
    ['"%".format([1])', /knows %s/],
    ['"%.101f".format([1])', /at most 100 digits/],
    ['topic.segment("a/b", 2)', /fewer levels/],
    ['url.decode("%zz")', /percent-encoded/],
    ['url.decode("%ff")', /percent-encoded/],
    ['kafka.partition("a", 0)', /at least one/],
    ['parseTime("2026-02-30", "yyyy-MM-dd")', /not as its format says/],
    ['parseTime("2026-01-01 x", "yyyy-MM-dd")', /not as its format says/],
    ['parseTime("Mon 2026-01-01", "EEE yyyy-MM-dd")', /not as its format says/],
    ['formatTime(timestamp(0), key == null ? "yyyy" : "x", string(1))', /not a time zone/],
    ['timestamp("2026-01-01")', /not a time/],
    ['timestamp(null)', /not a time/],
    ['zip([1], [])', /same length/],
    ['setField({"a": 1}, "a.b", 2)', /is no map/],
    ['setField({}, "a..b", 2)', /not a path/],
    ['sort([1, "a"])', /put in order together/],
    ['min([])', /empty/],
    ['[1, 2].transformMapEntry(i, v, {"same": v})', /same key/],
    ['[1].transformMapEntry(i, v, dyn(1))', /make a map of each/],
    ['[0, 1].all(i, v, 1 / v > 0)', /division by zero/],
    ['[1].all(i, v, dyn(1))', /true or false/],
  ])('%s', (text, sentence) => {
    expect(() => evaluate(text)).toThrow(sentence);
    expect(() => evaluate(text)).toThrow(expect.objectContaining({ code: 'STEP_FAILED' }));
  });
});
