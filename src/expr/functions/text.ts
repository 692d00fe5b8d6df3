/** Text. */
import { spend } from '../budget.ts';
import { fail } from '../failure.ts';
import { textOf } from '../result.ts';
import type { Entry } from './registry.ts';

const textMax = 16 * 1024 * 1024;

export const text: readonly Entry[] = [
  ['string(dyn): string', 'as text; an error for null, lists, maps and bytes that are not UTF-8', textOf],
  ['bytes.string(): string', 'the bytes as text; an error when they are not UTF-8', textOf],
  ['string.lowerAscii(): string', 'in lower case, A-Z only', (s: string) => s.replace(/[A-Z]+/g, (part) => part.toLowerCase())],
  ['string.upperAscii(): string', 'in upper case, a-z only', (s: string) => s.replace(/[a-z]+/g, (part) => part.toUpperCase())],
  ['string.replace(string, string): string', 'with every occurrence of the first replaced by the second', replace],
  ['string.substring(double): string', 'from this character on; the first is 0', (s: string, from: number) => substring(s, from, s.length)],
  ['string.substring(double, double): string', 'from this character to before that one', substring],
  ['string.indexOf(string): double', 'where it begins, or -1', (s: string, part: string) => s.indexOf(part)],
  ['string.lastIndexOf(string): double', 'where it begins last, or -1', (s: string, part: string) => s.lastIndexOf(part)],
  ['string.split(string): list<string>', 'the parts between the separators', (s: string, separator: string) => s.split(separator)],
  ['list.join(string): string', 'the texts, with this between them', join],
  ['string.padStart(double, string): string', 'filled up on the left to this length', pad],
  ['mask(string, double): string', 'all but the last n characters as *', mask],
];

function replace(s: string, part: string, by: string): string {
  spend(s.length >> 6);
  const pieces = s.split(part);
  spend(pieces.length);
  return pieces.length * by.length > textMax ? fail('the text would be too long') : pieces.join(by);
}

function substring(s: string, from: number, to: number): string {
  if (!(from >= 0 && from <= to && to <= s.length)) fail('the text is shorter than that');
  return s.substring(from, to);
}

function join(parts: readonly unknown[], separator: string): string {
  let length = 0;
  for (const part of parts) {
    if (typeof part !== 'string') fail('join() needs a list of texts: use l.map(x, string(x))');
    if ((length += part.length + separator.length) > textMax) fail('the text would be too long');
  }
  return parts.join(separator);
}

function pad(s: string, length: number, fill: string): string {
  if (length > 10_000) fail('padStart() makes at most 10000 characters');
  return s.padStart(length, fill);
}

function mask(s: string, keep: number): string {
  const hidden = keep >= 0 ? Math.max(0, s.length - Math.floor(keep)) : s.length;
  return '*'.repeat(hidden) + s.slice(hidden);
}
