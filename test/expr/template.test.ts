import { describe, expect, test } from 'vitest';
import { compileTemplate, compileValue, ExpressionError, expressionReference } from '../../src/expr/index.ts';
import { Message } from '../../src/message.ts';
import { order } from './messages.ts';

describe('a template', () => {
  test.each<[string, string]>([
    ['plain', 'plain'],
    ['', ''],
    ['orders/${{ header.region }}/${{ body.n }}', 'orders/eu/5'],
    ['${{ body.flag }}${{ header.big }}', 'true1152921504606846976'],
    ['a ${{ "}}" + "x" }} b', 'a }}x b'],
    ['${{ {"a": {"b": "c"}}.a.b }}', 'c'],
    ["${{ 'it\\'s }}' + id }}", "it's }}m1"],
    ['${{ r"\\}}" + id }}', '\\}}m1'],
    ['${{ """}}"""+id }}', '}}m1'],
    ['$${{ literal }} ${{ id }}', '${{ literal }} m1'],
    ['${{ "${{" }} ${{ id }}', '${{ m1'],
    ['$share/${ENV}/$', '$share/${ENV}/$'],
    ['${{ header.when }}', '1970-01-01T00:00:00.000Z'],
    ['${{ duration("90s") }}', '90s'],
  ])('%s yields %s', (text, expected) => {
    expect(compileTemplate(text)(order)).toBe(expected);
  });

  test('has a constant when it has no expression', () => {
    expect(compileTemplate('a $${{ b').constant).toBe('a ${{ b');
    expect(compileTemplate('a${{ "${{" }}').constant).toBe('a${{');
    expect(compileTemplate('').constant).toBe('');
    expect(compileTemplate('a${{ id }}').constant).toBeUndefined();
  });

  test.each<[string, RegExp]>([
    ['${{ body.none }}', /it is null/],
    ['${{ group }}', /it is null/],
    ['${{ body.l }}', /not text/],
    ['${{ header.bin }}', /bytes are not text/],
    ['${{ 1 / 0 }}', /division by zero/],
    ['${{ 1e308 * 10 }}', /not a finite number/],
    ['a ${{ body.nope }}', /no "nope"/],
  ])('%s has no text for this message', (text, sentence) => {
    expect(() => compileTemplate(text)(order)).toThrow(sentence);
    expect(() => compileTemplate(text)(order)).toThrow(expect.objectContaining({ code: 'STEP_FAILED' }));
  });

  test.each<[string, number]>([
    ['ab ${{ body.', 3],
    ['ab ${{ bdy }}', 7],
    ['ab ${{ }}', 6],
    ['${{ id }} ${{ 1 + }}', 18],
    ['${{ "a }}', 0],
  ])('%s is wrong at %i', (text, offset) => {
    let error: unknown;
    try {
      compileTemplate(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ExpressionError);
    expect((error as ExpressionError).offset).toBe(offset);
  });
});

describe('a value', () => {
  test.each<[string, unknown]>([
    ['${{ body.n }}', 5],
    ['${{ body.l }}', [1, 2, 3]],
    ['${{ header.bin }}', Buffer.from([255])],
    ['${{ group }}', null],
    ['${{ body.n }} ', '5 '],
    ['5', '5'],
  ])('"%s" keeps its type only when it is exactly one expression', (text, expected) => {
    expect(compileValue(text)(order)).toEqual(expected);
  });
});

test('the reference names everything', () => {
  const page = expressionReference();
  for (const word of ['`body`', '`origin`', 'default(x, y)', 'regex.extract', 'hash.sha256', 'groupBy', 'RE2'])
    expect(page).toContain(word);
  expect(page).not.toMatch(/safe_|google/);
});

test('what an expression puts into a url is percent-encoded, what stands there is not', () => {
  const fill = compileTemplate('https://a.example/x y/${{ id }}?q=${{ body.n }}&${{ "a=b" }}', undefined, {}, 'url');
  expect(fill.head).toBe('https://a.example/x y/');
  const message = new Message({ body: Buffer.from('{"n":1.5}'), id: 'a/../b?c#ü%41' });
  expect(fill(message)).toBe('https://a.example/x y/a%2F..%2Fb%3Fc%23%C3%BC%2541?q=1.5&a=b');
  expect(() => fill(new Message({ body: Buffer.from('{"n":1}'), id: '\ud800' }))).toThrow(/not well-formed/);
  expect(compileTemplate('${{ id }}', undefined, {}, 'url').head).toBe('');
});
