/** Regular expressions by RE2: their time grows with the text, whatever the pattern and the message are. */
import { RE2JS } from 're2js';
import { spend } from '../budget.ts';
import { fail } from '../failure.ts';
import { Language } from './language.ts';
import type { Entry } from './registry.ts';

const textMax = 16 * 1024 * 1024;

export const regularExpressions = new Language<RE2JS>('a pattern (RE2)', (text) => {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    throw new Error((error as Error).message.replace('error parsing regexp: ', ''), { cause: error });
  }
});

/** A pattern of ECMAScript, as JSON Schema has it, for RE2. Throws what is wrong with it: look-around and back-references are not possible. */
export function compilePattern(pattern: string): { test(text: string): boolean } {
  const compiled = regularExpressions.compile(RE2JS.translateRegExp(pattern));
  return { test: (text) => compiled.matcher(text).find() };
}

export const patterns: readonly Entry[] = [
  [
    'string.matches(string): bool',
    'whether the pattern (RE2) is found in it',
    '"order-7".matches("^order-[0-9]+$")',
    (text: string, pattern: string) => find(text, pattern) !== null,
  ],
  [
    'regex.extract(string, string): dyn',
    'the first group of the first match, or the match when the pattern has no group; null when there is none',
    'regex.extract("tenant-7.orders", "^tenant-([0-9]+)") == "7"',
    (_: unknown, text: string, pattern: string) => {
      const match = find(text, pattern);
      return match === null ? null : (match.group(Math.min(1, match.groupCount())) ?? null);
    },
  ],
  [
    'regex.extract(string, string, double): dyn',
    'the group of this number, 0 for the whole match; null when there is none',
    'regex.extract("a1-b2", "([a-z])([0-9])", 2) == "1"',
    (_: unknown, text: string, pattern: string, group: number) => {
      const match = find(text, pattern);
      if (match === null) return null;
      if (!(group >= 0 && group <= match.groupCount())) fail('the pattern does not have so many groups');
      return match.group(group) ?? null;
    },
  ],
  [
    'regex.extractAll(string, string): list<string>',
    'of each match its first group, or the match when the pattern has no group',
    'regex.extractAll("a1 b22", "[0-9]+") == ["1", "22"]',
    extractAll,
  ],
  [
    'regex.replace(string, string, string): string',
    'with every match replaced; $1 is the first group',
    'regex.replace("a1b22", "([0-9]+)", "<$1>") == "a<1>b<22>"',
    (_: unknown, text: string, pattern: string, by: string) => {
      spendOnSearch(text);
      if ((text.length + 1) * by.length > textMax) fail('the text and what replaces it are too long');
      return regularExpressions.of(pattern).matcher(text).replaceAll(by);
    },
  ],
];

function extractAll(_: unknown, text: string, pattern: string): string[] {
  spendOnSearch(text);
  const matcher = regularExpressions.of(pattern).matcher(text);
  const group = Math.min(1, matcher.groupCount());
  const found: string[] = [];
  while (matcher.find()) {
    spend(1);
    found.push(matcher.group(group) ?? '');
  }
  return found;
}

function find(text: string, pattern: string) {
  spendOnSearch(text);
  const matcher = regularExpressions.of(pattern).matcher(text);
  return matcher.find() ? matcher : null;
}

function spendOnSearch(text: string): void {
  spend(20 + (text.length >> 4));
}
