/** The number policy of docs/reference/expressions.md. */
import { describe, expect, test } from 'vitest';
import { compileExpression } from '../../src/expr/index.ts';
import type { Message } from '../../src/message.ts';
import { jsonMessage } from './messages.ts';

const message = jsonMessage(
  '{"whole": 5, "point": 5.0, "half": 2.5, "zero": 0, "big": 9007199254740993, "huge": 12345678901234567890, "text": "5"}',
  {
    headers: [
      ['big', 2n ** 60n],
      ['retries', '3'],
      ['short', 7],
    ],
  },
);
const evaluate = (text: string, of: Message = message): unknown => compileExpression(text, 'any')(of);

describe('there is one kind of number', () => {
  test.each<[string, unknown]>([
    ['7 / 2', 3.5],
    ['body.whole / 2', 2.5],
    ['1 + body.half', 3.5],
    ['body.half + 1', 3.5],
    ['body.whole - 1.5', 3.5],
    ['2 * body.half', 5],
    ['body.whole % 2', 1],
    ['5.5 % 2', 1.5],
    ['-7 % 3', -1],
    ['-body.whole', -5],
    ['body.whole == 5 && body.whole == 5.0 && body.point == 5', true],
    ['body.whole < 5.5 && body.half > 2 && 3 >= body.half', true],
    ['body.whole in [5.0] && 5.0 in [body.point]', true],
    ['{"n": body.whole} == {"n": 5.0}', true],
    ['size("abc") / 2 + now.getMonth() * 0', 1.5],
    ['"a-b".indexOf("-") / 2', 0.5],
    ['header.short / 2', 3.5],
    ['math.trunc(7 / 2)', 3],
    ['[1, 2, 3][body.half - 0.5]', 3],
    ['0.1 + 0.2 == 0.3', false],
  ])('%s is %s', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });
});

describe('whole numbers beyond 2^53', () => {
  test.each<[string, unknown]>([
    ['body.big', 9007199254740993n],
    ['body.big == 9007199254740993', true],
    ['body.big == 9007199254740992', false],
    ['body.big == 9007199254740992.0', false],
    ['body.big > 9007199254740992 && body.big > 1.5 && body.huge > body.big', true],
    ['body.big in [9007199254740993]', true],
    ['string(body.huge)', '12345678901234567890'],
    ['{"id": body.huge}', { id: 12345678901234567890n }],
    ['json.stringify([body.huge])', '[12345678901234567890]'],
    ['int("9007199254740993")', 9007199254740993n],
    ['number("9007199254740993")', 9007199254740993n],
    ['int("9007199254740991")', 9007199254740991],
    ['double(body.big)', 9007199254740992],
    ['isInteger(body.big)', true],
    ['max([1, body.big])', 9007199254740993n],
    ['math.greatest(body.big, 1)', 9007199254740993n],
    ['header.big == 1152921504606846976', true],
    ['-body.big', -9007199254740993n],
  ])('%s is %s', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });

  test.each([
    'body.big + 1',
    '1.5 * body.big',
    'body.big - body.big',
    'header.big / header.big',
    'body.big % 2',
    '9007199254740993 + 1',
    'sum([body.big])',
  ])('%s is an error, not a rounded number', (text) => {
    expect(() => evaluate(text)).toThrow(/beyond 2\^53/);
  });
});

describe('what is not a number in the end', () => {
  test.each(['1 / 0', 'body.whole / body.zero', '0 / 0', '1 % 0', 'body.half % 0', 'body.zero > 1 / body.zero'])(
    '%s divides by zero',
    (text) => {
      expect(() => evaluate(text)).toThrow(/division by zero/);
    },
  );

  test('is found at its place', () => {
    expect(() => evaluate('1 + body.whole / body.zero')).toThrow(/at 1:5: division by zero/);
  });

  test('Infinity and NaN can be compared, and have no text and no JSON', () => {
    expect(evaluate('1e308 * 10 > 1')).toBe(true);
    expect(evaluate('double("NaN") == double("NaN")')).toBe(false);
    expect(() => evaluate('string(1e308 * 10)')).toThrow(/not a finite number/);
    expect(() => evaluate('json.stringify(double("NaN"))')).toThrow(/not finite/);
  });
});

describe('a conversion', () => {
  test.each<[string, unknown]>([
    ['int("42")', 42],
    ['int("-42")', -42],
    ['int("+42")', 42],
    ['int(1.9)', 1],
    ['int(-1.9)', -1],
    ['int(header.retries) < 5', true],
    ['number("1.50")', 1.5],
    ['number("-.5e1")', -5],
    ['double("-inf")', Number.NEGATIVE_INFINITY],
    ['string(1.0)', '1'],
    ['string(0.1)', '0.1'],
    ['string(1e21)', '1e+21'],
    ['string(-0.0)', '0'],
    ['bool("true") && !bool("f")', true],
  ])('%s is %s', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });

  test.each<[string, RegExp]>([
    ['int("1.5")', /not a whole number/],
    ['int("0x10")', /not a whole number/],
    ['int(" 1")', /not a whole number/],
    ['int("")', /not a whole number/],
    ['int(1e300)', /at most 2\^53/],
    ['int(null)', /text or a number/],
    ['int(true)', /text or a number/],
    ['number("1,5")', /not a number/],
    ['number("0x10")', /not a number/],
    ['double("0x10")', /not a number/],
    ['number("")', /not a number/],
    ['number(null)', /text or a number/],
    ['bool("yes")', /neither true nor false/],
    ['string(null)', /null/],
    ['string([1])', /not text/],
    ['body.text + 1', /string \+ number/],
    ['body.text < 6', /string < number/],
  ])('%s is an error', (text, sentence) => {
    expect(() => evaluate(text)).toThrow(sentence);
  });
});
