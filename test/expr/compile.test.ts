import { describe, expect, test } from 'vitest';
import { MqferryError } from '../../src/errors.ts';
import { attachError, compileExpression, ExpressionError } from '../../src/expr/index.ts';
import { Message } from '../../src/message.ts';
import { jsonMessage, order } from './messages.ts';

const evaluate = (text: string, message = order): unknown => compileExpression(text, 'any')(message);

describe('an expression yields', () => {
  test.each<[string, unknown]>([
    ['body.amount > 100 && header.region in ["eu", "us"]', true],
    ['body.?customer.?vip.orValue(false)', false],
    ['body.?nothing', null],
    ['header["x-id"]', 'abc'],
    ['header.bin', Buffer.from([255])],
    ['header.table.a', 'b'],
    ['headers("region")', ['eu', 'us']],
    ['headers("nothing")', []],
    ['"region" in header && !("zip" in header) && has(header.region) && !has(header.zip)', true],
    ['key', 'k1'],
    ['id + "/" + type', 'm1/order.created'],
    ['group == null && replyTo == null', true],
    ['priority + 1', 5],
    ['timestamp', new Date(1_700_000_000_000)],
    ['now - timestamp > duration("1h")', true],
    ['epochMillis(header.when)', 0],
    ['size(raw) > 100', true],
    ['origin.offset + 1', 13],
    ['cel.bind(p, origin.topic.split("/"), p[1] + ":" + p[size(p) - 1])', 's1:temp'],
    ['default(body.customer.vip, "no")', 'no'],
    ['default(body.none, "null counts as missing")', 'null counts as missing'],
    ['default(body.a.b[0].c, "none")', 'none'],
    ['coalesce(body.x, body.none, header.nope, "z")', 'z'],
    [
      'body.lines.filter(l, l.qty > 0).map(l, {"sku": l.sku, "total": l.qty * l.price})',
      [
        { sku: 'a', total: 3 },
        { sku: 'c', total: 3 },
      ],
    ],
    ['sum(body.lines.map(l, l.qty * l.price))', 6],
    ['merge(body.customer, {"email": "***"})', { id: 7, email: '***' }],
    ['removeFields(body.customer, ["id"])', { email: 'a@b.c' }],
    ['pick(body.customer, ["id"])', { id: 7 }],
    ['groupBy(body.lines, "cat").x.map(l, l.sku)', ['a', 'c']],
    ['last(sortBy(body.lines, "qty")).sku', 'c'],
    ['enumerate(body.l).map(x, string(x.i) + "=" + string(x.v)).join(",")', '0=1,1=2,2=3'],
    ['toMap(["a"], [1])', { a: 1 }],
    ['fromEntries(entries(body.customer))', { id: 7, email: 'a@b.c' }],
    ['distinct([1, 2, 1])', [1, 2]],
    ['[min(body.l), max(body.l), avg(body.l), first(body.l), slice(body.l, 1, 2), reverse(body.l)]', [1, 3, 2, 1, [2], [3, 2, 1]]],
    ['int("42") < 50 && number("1.5") == 1.5', true],
    ['regex.extract(origin.topic, "sensors/([^/]+)/")', 's1'],
    ['regex.extract(origin.topic, "nothing")', null],
    ['regex.replace("a1b22", "([0-9]+)", "<$1>")', 'a<1>b<22>'],
    ['body.s.matches("^h.*o$")', true],
    ['hash.sha256("abc")', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['hash.crc32("abc")', 891568578],
    ['string(base64.decode(base64.encode("hé")))', 'hé'],
    ['hex.encode(b"\\xff")', 'ff'],
    ['json.parse("{\\"t\\": [1]}").t[0]', 1],
    ['json.stringify({"a": [1, null]})', '{"a":[1,null]}'],
    ['uuid.v5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com")', '2ed6657d-e927-568b-95e1-2665a8aea6a2'],
    ['mask("secret", 2)', '****et'],
    ['"a$b".replace("$", "$&")', 'a$&b'],
    ['"ÄX".lowerAscii()', 'Äx'],
    ['timestamp("2026-01-01T00:00:00Z").getFullYear()', 2026],
    ['"7".padStart(3, "0")', '007'],
  ])('%s', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });
});

describe('numbers', () => {
  test.each<[string, unknown]>([
    ['7 / 2', 3.5],
    ['body.n / 2', 2.5],
    ['body.n % 2 == 1', true],
    ['body.n + 1', 6],
    ['1 + body.n * 2', 11],
    ['size(body.l) / 2', 1.5],
    ['size(body.l) == 3', true],
    ['body.n in [1, 5]', true],
    ['body.l == [1, 2, 3]', true],
    ['-body.n', -5],
    ['header.big', 2n ** 60n],
    ['header.big == 1152921504606846976', true],
    ['header.big > 1', true],
    ['string(header.big)', '1152921504606846976'],
  ])('%s is %s', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });

  test('beyond 2^53 are read exactly from a body, and never calculated with', () => {
    const message = jsonMessage('{"id": 9007199254740993, "x": [12345678901234567890]}');
    expect(evaluate('string(body.id) + "/" + string(body.x[0])', message)).toBe('9007199254740993/12345678901234567890');
    expect(evaluate('body.id == 9007199254740992', message)).toBe(false);
    expect(() => evaluate('body.id + 1', message)).toThrow(/beyond 2\^53/);
  });
});

describe('a message for which an expression fails is an error, never false', () => {
  test.each<[string, RegExp]>([
    ['body.nope > 5', /at 1:6: there is no "nope"/],
    ['body.s > 5', /string > number/],
    ['body.amount', /true or false/],
    ['body.flag && body.amount', /bool/],
    ['!body.s', /!string/],
    ['int(header.region) > 1', /not a whole number/],
    ['body.n % 0 == 1', /division by zero/],
    ['body.l[7] == 1', /too short/],
    ['error.code == "X"', /only in onError/],
    ['body.lines.all(l, l.zip == 1)', /there is no "zip"/],
    ['timestamp("Nov 21, 2026 10:00:00 GMT") < now', /not a time/],
  ])('%s', (text, expected) => {
    const decide = compileExpression(text, 'boolean');
    expect(() => decide(order)).toThrow(expected);
    expect(() => decide(order)).toThrow(expect.objectContaining({ code: 'STEP_FAILED' }));
  });

  test('and the error never quotes the message', () => {
    const secret = jsonMessage({ s: 'S3CRET', k: 'S3CRET', m: {}, l: ['S3CRET'] }, { headers: [['h', 'S3CRET']] });
    const texts = [
      'bool(body.s)',
      'duration(body.s)',
      'int(body.s)',
      'double(body.s)',
      'timestamp(body.s)',
      'body.m[body.k]',
      'body.s.matches("(" + body.s)',
      'body.s + 1',
      'json.parse(body.s)',
      'base64.decode(body.s + "!")',
      'uuid.v5(body.s, "x")',
      'sum(body.l)',
      'header.h > 1',
      'hex.decode(body.s)',
      'body.s.at(1)',
    ];
    for (const text of texts) {
      let error: unknown;
      try {
        evaluate(text, secret);
      } catch (thrown) {
        error = thrown;
      }
      expect(error, text).toBeInstanceOf(MqferryError);
      expect(`${(error as Error).stack} ${JSON.stringify((error as Error).cause)}`, text).not.toContain('S3CRET');
    }
    expect(() => evaluate('body.x', jsonMessage('S3CRET{'))).toThrow(/^(?!.*S3CRET).*the body is not JSON/);
  });

  test('where CEL says so, one side decides though the other fails', () => {
    expect(evaluate('body.nope || true')).toBe(true);
    expect(evaluate('body.nope && false')).toBe(false);
  });
});

describe('a mistake is found when it is compiled, at its place', () => {
  test.each<[string, number, RegExp]>([
    ['', 0, /missing/],
    ['  ', 0, /missing/],
    ['body.x = 5', 7, /use ==/],
    ['body.a and body.b', 7, /use &&/],
    ['body.a & body.b', 7, /use &&/],
    ['topic == "x"', 0, /did you mean origin\.topic/],
    ['headers.x == "x"', 0, /did you mean header/],
    ['bdy.x == 1', 0, /did you mean body/],
    ['body.x >', 8, /too early/],
    ['nothing(1)', 0, /there is no function "nothing"/],
    ['"a" > 1', 0, /string > number/],
    ['body.x.matches("(")', 15, /not a pattern/],
    ['regex.extract(body.x, "(?=a)") == "a"', 22, /not a pattern/],
    ['5u == 5', 0, /leave out the u/],
    ['[1].exists(type, true)', 11, /already means something/],
    ['now.getHours("Europe/Berln") > 1', 13, /not a time zone/],
    ['formatTime(now, "YYYY") == ""', 16, /not a format of times: it knows yyyy .* not `YYYY`/],
    ['topic.match(key, "a/#/b") != null', 17, /not a topic filter: `#` stands only at the end/],
    ['b"hé" == raw', 0, /use bytes/],
    ['uint(5) == 5', 0, /use int/],
    ['hash == "x"', 0, /only begins the names of functions/],
    ['[1].exists(hash, true)', 11, /already means something/],
    ['[1].exists(i, now, true)', 14, /already means something/],
    ['[1].exists(i, 1, true)', 14, /a name for what is looked at/],
    ['[1].all(i, v, v)', 14, /all\(\) needs a condition here, but it is number/],
    ['"a".all(i, v, true)', 0, /a list or a map, but it is string/],
    ['message == 1', 0, /no name "message"/],
  ])('%s', (text, offset, sentence) => {
    let error: unknown;
    try {
      compileExpression(text, 'boolean');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ExpressionError);
    expect((error as Error).message).toMatch(sentence);
    expect((error as ExpressionError).offset).toBe(offset);
  });

  test.each(['"text"', '1 + 1', 'body.?vip', 'now', '[true]'])('what decides must be true or false: %s', (text) => {
    expect(() => compileExpression(text, 'boolean')).toThrow(/must be true or false, but it is/);
    compileExpression(text, 'any');
  });
});

test('the body is not parsed when nobody asks for it', () => {
  const message = new Message({ body: Buffer.from('no JSON'), headers: [['a', 'b']] });
  expect(evaluate('header.a == "b" && size(raw) == 7', message)).toBe(true);
  expect(() => evaluate('body == "x"', message)).toThrow(/not JSON/);
});

test('a tombstone has a null body', () => {
  expect(evaluate('body == null && raw == null', new Message({ body: null }))).toBe(true);
});

test('an empty body is not JSON', () => {
  expect(() => evaluate('body == null', jsonMessage(''))).toThrow(/not JSON/);
});

test('now is the same for a message and its changed copies', async () => {
  const first = evaluate('now');
  await expect.poll(() => Date.now() - (first as Date).getTime()).toBeGreaterThan(2);
  expect(evaluate('now', order.change({ id: 'other' }))).toEqual(first);
});

test('error is known for a message it was attached to, and its copies', () => {
  const message = jsonMessage({});
  attachError(message, { code: 'REFUSED', message: 'no', attempts: 3 });
  expect(evaluate('error.code + ": " + error.message', message.change({ id: 'x' }))).toBe('REFUSED: no');
  expect(evaluate('error.attempts == 3 && error.attempts < 4', message)).toBe(true);
});

test('now is of the time that the expression was compiled with', () => {
  const time = { date: () => Date.UTC(2026, 0, 31), now: () => 0 };
  expect(compileExpression('string(now)', 'any', undefined, { time })(jsonMessage({}))).toBe('2026-01-31T00:00:00.000Z');
});
