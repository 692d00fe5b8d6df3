import { test } from 'vitest';
import { MqferryError } from '../../src/errors.ts';
import { compileExpression, ExpressionError } from '../../src/expr/index.ts';
import { order } from '../expr/messages.ts';
import { fuzz, inputs, textFrom } from './mutate.ts';

const whole = [
  'body.amount > 100 && header.region in ["eu", "us"]',
  'body.lines.filter(l, l.qty > 0).map(l, l.price * l.qty)',
  'body.?customer.?vip.orValue(false) ? "a" : key + "/" + string(priority)',
  'cel.bind(p, origin.topic.split("/"), p[1] + ":" + p[size(p) - 1])',
  'now - timestamp > duration("1h") || epochMillis(header.when) == 0',
  'headers("region").exists(h, h.matches("^e.$"))',
  '{"a": [1, 2.5, 3u, b"x", null], "b": {"c": -1}}',
];
const words = [
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '.',
  '?',
  ':',
  ',',
  '"',
  "'",
  '&&',
  '||',
  '!',
  '-',
  '1e999',
  '0x',
  '9223372036854775808',
  'body',
  'header',
  'map(x, x)',
  'filter(',
  'matches("(a+)+$")',
  'constructor',
  '__proto__',
  'null',
  'in',
  '\0',
  '\u{1F600}',
  '\ud800',
  'r"',
  '"""',
];

test('any text is an expression, or an error at its place; what it makes of a message is a value or an error', {
  timeout: 60_000 + inputs,
}, async () => {
  await fuzz(
    inputs,
    (random) => textFrom(whole, words, random),
    (text: string) => {
      let compiled: (message: typeof order) => unknown;
      try {
        compiled = compileExpression(text, 'any');
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw new TypeError(`compiling threw ${String(error)}`, { cause: error });
        return;
      }
      try {
        compiled(order);
      } catch (error) {
        if (!(error instanceof MqferryError)) throw new TypeError(`evaluating threw ${String(error)}`, { cause: error });
      }
    },
  );
});
