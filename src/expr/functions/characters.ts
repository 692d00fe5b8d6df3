/** Text by its characters. A character is a code point, as in `size()`; nearly all texts have none that takes two places in a string. */
import { spend } from '../budget.ts';

const wide = /[\ud800-\udbff]/;

function isWide(text: string): boolean {
  if (!wide.test(text)) return false;
  spend(text.length >> 3);
  return true;
}

export function countOf(text: string): number {
  if (!isWide(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The characters from one place to before another. */
export function cut(text: string, from: number, to: number): string {
  return isWide(text) ? [...text].slice(from, to).join('') : text.slice(from, to);
}

/** As characters into it: what a place in the string is. */
export function placeOf(text: string, index: number): number {
  return index <= 0 || !isWide(text) ? index : countOf(text.slice(0, index));
}

/** The other way round. */
export function indexOf(text: string, place: number): number {
  if (!isWide(text)) return place;
  let index = 0;
  for (let i = 0; i < place && index < text.length; i++) index += (text.codePointAt(index) as number) > 0xffff ? 2 : 1;
  return index;
}
