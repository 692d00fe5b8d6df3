/** Regular expressions by RE2: their time grows with the text, whatever the pattern and the message are. */
import { RE2JS } from 're2js';
import type { Node } from '../ast.ts';
import { spend } from '../budget.ts';
import { ExpressionError, fail } from '../failure.ts';
import type { Entry } from './registry.ts';

const patternMax = 1000;

/** The patterns that stand in expressions, by their text; those that come with messages are compiled each time. */
const literals = new Map<string, RE2JS>();

/** Compiles a pattern that stands in the expression, so that a wrong one is an error of the config. */
export function prepareLiteralPattern(name: string, receiver: Node | undefined, args: readonly Node[]): void {
  const isRegex = receiver?.op === 'id' && receiver.args === 'regex';
  const pattern = name === 'matches' && receiver !== undefined ? args[0] : isRegex ? args[1] : undefined;
  if (pattern?.op !== 'value' || typeof pattern.args !== 'string') return;
  try {
    literals.set(pattern.args, compile(pattern.args));
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace('error parsing regexp: ', '') : '';
    throw new ExpressionError(`this is not a pattern (RE2): ${reason}`, pattern.pos);
  }
}

/** A pattern of ECMAScript, as JSON Schema has it, for RE2. Throws what is wrong with it: look-around and back-references are not possible. */
export function compilePattern(pattern: string): { test(text: string): boolean } {
  const compiled = compile(RE2JS.translateRegExp(pattern));
  return { test: (text) => compiled.matcher(text).find() };
}

export const patterns: readonly Entry[] = [
  [
    'string.matches(string): bool',
    'whether the pattern (RE2) is found in it',
    (text: string, pattern: string) => find(text, pattern) !== null,
  ],
  [
    'regex.extract(string, string): dyn',
    'the first group of the first match, or the match when the pattern has no group; null when there is none',
    (_: unknown, text: string, pattern: string) => {
      const match = find(text, pattern);
      return match === null ? null : (match.group(Math.min(1, match.groupCount())) ?? null);
    },
  ],
  [
    'regex.extract(string, string, double): dyn',
    'the group of this number, 0 for the whole match; null when there is none',
    (_: unknown, text: string, pattern: string, group: number) => {
      const match = find(text, pattern);
      if (match === null) return null;
      if (!(group >= 0 && group <= match.groupCount())) fail('the pattern does not have so many groups');
      return match.group(group) ?? null;
    },
  ],
  [
    'regex.replace(string, string, string): string',
    'with every match replaced; $1 is the first group',
    (_: unknown, text: string, pattern: string, by: string) => {
      spend(20 + (text.length >> 4));
      if ((text.length + 1) * by.length > 16 * 1024 * 1024) fail('the text and what replaces it are too long');
      return usable(pattern).matcher(text).replaceAll(by);
    },
  ],
];

function find(text: string, pattern: string) {
  spend(20 + (text.length >> 4));
  const matcher = usable(pattern).matcher(text);
  return matcher.find() ? matcher : null;
}

function usable(pattern: string): RE2JS {
  const known = literals.get(pattern);
  if (known !== undefined) return known;
  spend(500 + pattern.length);
  try {
    return compile(pattern);
  } catch {
    fail('this is not a pattern (RE2)'); // What RE2 says quotes the pattern, which came with the message.
  }
}

function compile(pattern: string): RE2JS {
  if (pattern.length > patternMax) throw new Error(`it is longer than ${patternMax} characters`);
  return RE2JS.compile(pattern);
}
