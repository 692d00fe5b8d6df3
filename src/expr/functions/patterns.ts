/** Regular expressions by RE2: their time grows with the text and the pattern, and never faster. */
import { RE2JS } from 're2js';
import { spend } from '../budget.ts';
import { fail } from '../failure.ts';
import { Language } from './language.ts';
import type { Entry } from './registry.ts';

const textMax = 16 * 1024 * 1024;
/** Instructions of a compiled pattern. */
const programMax = 10_000;
/** Smaller ones have so few states that the automaton is soon complete: then it takes the same time for each character. */
const programSmall = 32;

export const regularExpressions = new Language<RE2JS>('a pattern (RE2)', (text) => {
  const compiled = compile(text);
  if (compiled.programSize() > programMax) throw new Error('it is too large: it counts too far');
  return compiled;
});

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    throw new Error((error as Error).message.replace('error parsing regexp: ', ''), { cause: error });
  }
}

/** A pattern of ECMAScript, as JSON Schema has it, for RE2. Throws what is wrong with it: look-around and back-references are not possible. */
export function compilePattern(pattern: string): { test(text: string): boolean } {
  const compiled = regularExpressions.compile(RE2JS.translateRegExp(pattern));
  return { test: (text) => compiled.test(text) };
}

export const patterns: readonly Entry[] = [
  ['string.matches(string): bool', 'whether the pattern (RE2) is found in it', '"order-7".matches("^order-[0-9]+$")', matches],
  [
    'regex.extract(string, string): dyn',
    'the first group of the first match, or the match when the pattern has no group; null when there is none',
    'regex.extract("tenant-7.orders", "^tenant-([0-9]+)") == "7"',
    (_: unknown, text: string, pattern: string) => {
      const matcher = search(text, pattern);
      return matcher.find() ? (matcher.group(Math.min(1, matcher.groupCount())) ?? null) : null;
    },
  ],
  [
    'regex.extract(string, string, double): dyn',
    'the group of this number, 0 for the whole match; null when there is none',
    'regex.extract("a1-b2", "([a-z])([0-9])", 2) == "1"',
    (_: unknown, text: string, pattern: string, group: number) => {
      const matcher = search(text, pattern);
      if (!matcher.find()) return null;
      if (!(group >= 0 && group <= matcher.groupCount())) fail('the pattern does not have so many groups');
      return matcher.group(group) ?? null;
    },
  ],
  [
    'regex.extractAll(string, string): list<string>',
    'of each match its first group, or the match when the pattern has no group',
    'regex.extractAll("a1 b22", "[0-9]+") == ["1", "22"]',
    (_: unknown, text: string, pattern: string) => {
      const matcher = search(text, pattern);
      const group = Math.min(1, matcher.groupCount());
      const found: string[] = [];
      while (nextOf(matcher)) found.push(matcher.group(group) ?? '');
      return found;
    },
  ],
  [
    'regex.replace(string, string, string): string',
    'with every match replaced; $1 is the first group',
    'regex.replace("a1b22", "([0-9]+)", "<$1>") == "a<1>b<22>"',
    replace,
  ],
];

/** Only whether: that takes an automaton, whose states are kept. */
function matches(text: string, pattern: string): boolean {
  const compiled = regularExpressions.of(pattern);
  const size = compiled.programSize();
  spend(1 + (size > programSmall ? (text.length * size) >> 3 : text.length >> 4));
  return compiled.test(text);
}

/** With groups: each character may have to be looked at by each instruction. */
function search(text: string, pattern: string): ReturnType<RE2JS['matcher']> {
  const compiled = regularExpressions.of(pattern);
  spend(5 + ((text.length * compiled.programSize()) >> 3));
  return compiled.matcher(text);
}

/** Each search of many in a text takes some time to begin. */
function nextOf(matcher: ReturnType<typeof search>): boolean {
  spend(3);
  return matcher.find();
}

function replace(_: unknown, text: string, pattern: string, by: string): string {
  const matcher = search(text, pattern);
  if ((text.length + 1) * by.length > textMax) fail('the text and what replaces it are too long');
  let matched = 0;
  while (nextOf(matcher)) matched++;
  return matched === 0 ? text : matcher.reset().replaceAll(by);
}
