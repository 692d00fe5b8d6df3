/** Text to a function of a message. */

import { TypeError as CelTypeError, ParseError } from '@marcbachmann/cel-js';
import { closest, distance } from 'fastest-levenshtein';
import { systemClock } from '../clock.ts';
import type { Shown, Yields } from '../config/fields.ts';
import type { About } from '../config/model.ts';
import type { Message } from '../message.ts';
import type { Node } from './ast.ts';
import { Shape } from './body-shape.ts';
import { assertWithinBudget, beginEvaluation, defaultLimits } from './budget.ts';
import { checkNames } from './check-names.ts';
import { environment } from './environment.ts';
import { asItIs, ExpressionError, fail, readable, stepFailed } from './failure.ts';
import { guard } from './guard.ts';
import { habitOf, instead } from './habits.ts';
import { instrument } from './instrument.ts';
import { Names, variables } from './names.ts';
import { plain } from './result.ts';
import { unknownFunction } from './unknown-function.ts';

const lengthMax = 10_000;

/** `boolean` for what decides, `any` for what makes a value. */
export type Slot = 'boolean' | 'any';

/** What it yields for a message, and of which type, as far as that is known. */
export type Compiled = ((message: Message) => unknown) & { readonly yields: Yields };

/**
 * Compiles an expression. In a `boolean` slot it must be true or false, by its type and for every message. Throws {@link ExpressionError};
 * what it returns throws STEP_FAILED, which quotes `shown` and never the message.
 */
export function compileExpression(text: string, slot: Slot, shown: Shown = asItIs(text), about: About = {}): Compiled {
  const { limits = defaultLimits, time = systemClock } = about;
  const { run, yields } = compileRaw(text, slot, shown, about);
  const evaluate = (message: Message): unknown => {
    beginEvaluation(limits);
    try {
      const value = run(new Names(message, time));
      assertWithinBudget();
      if (slot === 'any') return plain(value);
      return typeof value === 'boolean' ? value : fail('it must be true or false here');
    } catch (error) {
      throw stepFailed(shown, error);
    }
  };
  return Object.assign(evaluate, { yields });
}

interface Raw {
  readonly run: (names: Names) => unknown;
  readonly yields: Yields;
}

function compileRaw(text: string, slot: Slot, shown: Shown, about: About): Raw {
  if (text.trim() === '') throw new ExpressionError('an expression is missing here', 0);
  if (text.length > lengthMax) throw new ExpressionError(`an expression may have ${lengthMax} characters`, lengthMax);
  const parsed = parse(text, shown);
  const root = parsed.ast as unknown as Node;
  guard(root);
  checkNames(root, about.body instanceof Shape ? about.body : undefined);
  const { error, type = 'dyn' } = parsed.check();
  if ((error as unknown) instanceof ExpressionError) throw error;
  if (error !== undefined) throw typeProblem(error, text, shown);
  const yields = yieldsOf(type);
  if (slot === 'boolean' && type !== 'bool' && type !== 'dyn') throw new ExpressionError(notBoolean(type), 0);
  if (yields === undefined) throw new ExpressionError('this is the name of a type: text stands in "quotes"', 0);
  instrument(root);
  return { run: parsed as unknown as (names: Names) => unknown, yields };
}

const kinds: Readonly<Record<string, Yields>> = {
  bool: 'boolean',
  int: 'number',
  double: 'number',
  string: 'text',
  bytes: 'bytes',
  'google.protobuf.Timestamp': 'time',
  'google.protobuf.Duration': 'duration',
};

/** Undefined for what is not a value. An optional may be empty, which is null. */
function yieldsOf(type: string): Yields | undefined {
  if (type === 'type') return undefined;
  if (type.startsWith('list')) return 'list';
  return type.startsWith('map') ? 'map' : (kinds[type] ?? 'any');
}

function parse(text: string, shown: Shown) {
  try {
    return environment.parse(text);
  } catch (error) {
    if (!(error instanceof ParseError || error instanceof CelTypeError)) throw error;
    const offset = Math.min(error.range?.start ?? 0, text.length);
    const at = shown.at(offset);
    throw new ExpressionError(syntaxProblem(error, shown.text.slice(0, at), shown.text.slice(at)), offset);
  }
}

const typeNames: Readonly<Record<string, string>> = { double: 'a number', int: 'a number', string: 'a text', list: 'a list', map: 'a map' };

function notBoolean(type: string): string {
  const remedy = type.startsWith('optional') ? '; end it with .orValue(false)' : '; compare it with something';
  return `this must be true or false, but it is ${typeNames[type] ?? readable(type)}${remedy}`;
}

function syntaxProblem(error: ParseError | CelTypeError, before: string, rest: string): string {
  const habit = habitOf(rest, before);
  if (habit !== undefined) return habit;
  if (error.code === 'limit_exceeded') return tooLarge(error.summary);
  if (rest.trim() === '') return 'the expression ends too early';
  if (error.summary.startsWith('Unterminated')) return 'a text begins here that never ends: its closing quote is missing';
  if (error.code === 'unexpected_character') return `the expression should have ended before \`${rest.slice(0, 20)}\``;
  if (error.summary.startsWith('Unexpected token')) return `\`${rest.slice(0, 20)}\` cannot stand here`;
  return readable(error.summary);
}

/** `Exceeded maxDepth (60)`: the library's words, and its name of the limit. */
function tooLarge(summary: string): string {
  const [, name = '', limit = ''] = /(\w+) \((\d+)\)/.exec(summary) ?? [];
  const what = name === 'maxDepth' ? `nested more than ${limit} deep` : `of more than ${limit} parts`;
  return `the expression is too large: it is ${what}; divide it among several steps`;
}

interface TypeError {
  readonly code: string;
  readonly summary: string;
  readonly range?: { readonly start: number } | undefined;
}

function typeProblem(error: TypeError, text: string, shown: Shown): ExpressionError {
  const offset = error.range?.start ?? 0;
  if (error.code === 'unknown_variable')
    return new ExpressionError(unknownName(error.summary, shown.text.slice(0, shown.at(offset))), offset);
  return unknownFunction(error.summary, text, offset) ?? new ExpressionError(readable(error.summary), offset);
}

function unknownName(summary: string, before: string): string {
  const name = summary.replace('Unknown variable: ', '');
  const [dashed] = /[\w-]+-$/.exec(before) ?? [];
  if (dashed !== undefined && /[.]$/.test(before.slice(0, -dashed.length)))
    return `there is no name "${name}" in expressions — a name with a dash is written ["${dashed}${name}"]`;
  const near = closest(name, Object.keys(variables));
  const hint = instead[name] ?? (distance(name, near) <= (name.length < 5 ? 1 : 2) ? near : undefined);
  return `there is no name "${name}" in expressions${hint === undefined ? '; text stands in "quotes"' : ` — did you mean ${hint}?`}`;
}
