/** Text. */
import { spend } from '../budget.ts';
import { fail } from '../failure.ts';
import { textOf } from '../result.ts';
import { countOf, cut, indexOf, placeOf } from './characters.ts';
import { format } from './format.ts';
import type { Entry } from './registry.ts';

const textMax = 16 * 1024 * 1024;

export const text: readonly Entry[] = [
  ['string(dyn): string', 'as text; an error for null, lists, maps and bytes that are not UTF-8', 'string(7) == "7"', textOf],
  ['bytes.string(): string', 'the bytes as text; an error when they are not UTF-8', 'b"hi".string() == "hi"', textOf],
  ['string.lowerAscii(): string', 'in lower case, A-Z only', '"EU".lowerAscii() == "eu"', lowerAscii],
  ['string.upperAscii(): string', 'in upper case, a-z only', '"eu".upperAscii() == "EU"', upperAscii],
  [
    'string.camelCase(): string',
    'words joined, all but the first with a capital',
    '"order_id".camelCase() == "orderId"',
    (s: string) => words(s).map(capital).join(''),
  ],
  [
    'string.snakeCase(): string',
    'words in lower case, joined by _',
    '"orderId".snakeCase() == "order_id"',
    (s: string) => words(s).join('_'),
  ],
  ['string.replace(string, string): string', 'with every occurrence replaced', '"a.b.c".replace(".", "/") == "a/b/c"', replace],
  ['string.replace(string, string, double): string', 'with the first n replaced', '"a.b.c".replace(".", "/", 1) == "a/b.c"', replace],
  ['string.substring(double): string', 'from this character on; the first is 0', '"order-7".substring(6) == "7"', substring],
  ['string.substring(double, double): string', 'from this character to before that one', '"order-7".substring(0, 5) == "order"', substring],
  ['string.charAt(double): string', 'the character at this place; nothing behind the last', '"abc".charAt(1) == "b"', charAt],
  ['string.indexOf(string): double', 'where it begins, or -1', '"a-b".indexOf("-") == 1', find],
  ['string.indexOf(string, double): double', 'where it begins from this place on, or -1', '"a-b-c".indexOf("-", 2) == 3', find],
  ['string.lastIndexOf(string): double', 'where it begins last, or -1', '"a-b-c".lastIndexOf("-") == 3', findLast],
  [
    'string.lastIndexOf(string, double): double',
    'where it begins last, at this place or before, or -1',
    '"a-b-c".lastIndexOf("-", 2) == 1',
    findLast,
  ],
  ['string.split(string): list<string>', 'the parts between the separators', '"a,b".split(",") == ["a", "b"]', split],
  ['string.split(string, double): list<string>', 'at most n parts, the last with the rest', '"a,b,c".split(",", 2) == ["a", "b,c"]', split],
  ['list.join(): string', 'the texts, one behind the other', '["a", "b"].join() == "ab"', join],
  ['list.join(string): string', 'the texts, with this between them', '["a", "b"].join("/") == "a/b"', join],
  ['string.reverse(): string', 'back to front', '"abc".reverse() == "cba"', reverse],
  ['string.padStart(double, string): string', 'filled up on the left to this length', '"7".padStart(3, "0") == "007"', pad],
  [
    'string.format(list): string',
    '`%s` as text, `%d` whole, `%.2f` with so many digits, `%e` `%x` `%X` `%o` `%b`; `%%` is a percent sign',
    '"%s has %d (%.1f)".format(["a", 3, 1.26]) == "a has 3 (1.3)"',
    format,
  ],
  ['mask(string, double): string', 'all but the last n characters as *', 'mask("4111222", 3) == "****222"', mask],
];

function lowerAscii(s: string): string {
  return s.replace(/[A-Z]+/g, (part) => part.toLowerCase());
}

function upperAscii(s: string): string {
  return s.replace(/[a-z]+/g, (part) => part.toUpperCase());
}

/** In lower case: `orderId`, `order_id`, `order-id`, `ORDER_ID` and `HTTPStatus` have two each. */
function words(s: string): string[] {
  spend(s.length >> 2);
  const found = s.match(/\p{Lu}+(?!\p{Ll})\p{N}*|\p{Lu}?[\p{Ll}\p{N}]+|\p{L}+/gu) ?? [];
  spend(found.length);
  return found.map((word) => word.toLowerCase());
}

function capital(word: string, index: number): string {
  return index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1);
}

function replace(s: string, part: string, by: string, times = -1): string {
  spend(s.length >> 6);
  const pieces = s.split(part);
  spend(pieces.length);
  const count = times < 0 ? pieces.length : Math.min(times, pieces.length - 1);
  if (count * by.length > textMax) fail('the text would be too long');
  if (times < 0) return pieces.join(by);
  return [pieces.slice(0, count + 1).join(by), ...pieces.slice(count + 1)].join(part);
}

function substring(s: string, from: number, to = countOf(s)): string {
  if (!(from >= 0 && from <= to && to <= countOf(s))) fail('the text is shorter than that');
  return cut(s, from, to);
}

function charAt(s: string, place: number): string {
  return substring(s, place, Math.min(place + 1, countOf(s)));
}

function find(s: string, part: string, from = 0): number {
  if (!(from >= 0 && from <= countOf(s))) fail('the text is shorter than that');
  return placeOf(s, s.indexOf(part, indexOf(s, from)));
}

function findLast(s: string, part: string, from = countOf(s)): number {
  if (!(from >= 0 && from <= countOf(s))) fail('the text is shorter than that');
  return placeOf(s, s.lastIndexOf(part, indexOf(s, from)));
}

function split(s: string, separator: string, most = -1): string[] {
  spend(s.length >> (separator === '' ? 3 : 6));
  const parts = separator === '' ? [...s] : s.split(separator);
  if (most < 0 || parts.length <= most) return parts;
  return most === 0 ? [] : [...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)];
}

function reverse(s: string): string {
  spend(s.length >> 3);
  return [...s].reverse().join('');
}

function join(parts: readonly unknown[], separator = ''): string {
  let length = 0;
  spend(parts.length >> 1);
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
  const hidden = keep >= 0 ? Math.max(0, countOf(s) - Math.floor(keep)) : countOf(s);
  return '*'.repeat(hidden) + cut(s, hidden, countOf(s));
}
