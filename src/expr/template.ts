/** Plain text in which `${{ expr }}` stands for a value. `$${{` is a literal `${{`, and so is `${{ "${{" }}`. */

import type { Shown, Template } from '../config/fields.ts';
import type { About } from '../config/model.ts';
import type { Message } from '../message.ts';
import { type Compiled, compileExpression } from './compile.ts';
import { asItIs, ExpressionError, fail, stepFailed } from './failure.ts';
import { textOf } from './result.ts';

type Part = string | ((message: Message) => unknown);

/**
 * Compiles text with `${{ expr }}` in it; it has a `constant` when there is none, else a `head`. `encode`: what an expression yields is
 * percent-encoded. Throws {@link ExpressionError}.
 */
export function compileTemplate(text: string, shown: Shown = asItIs(text), about: About = {}, encode?: 'url'): Template {
  const parts = split(text).map((piece) => compilePart(piece, shown, about, encode));
  const [first = ''] = parts;
  if (parts.length <= 1 && typeof first === 'string') return Object.assign(() => first, { constant: first });
  const fill = (message: Message) => {
    let result = '';
    for (const part of parts) result += typeof part === 'string' ? part : part(message);
    return result;
  };
  return Object.assign(fill, { head: typeof first === 'string' ? first : '' });
}

/** Like {@link compileTemplate}, but text that is exactly one `${{ expr }}` yields the value with its type. */
export function compileValue(text: string, shown: Shown = asItIs(text), about: About = {}): Compiled & { readonly constant?: string } {
  const pieces = split(text);
  const [only] = pieces;
  if (pieces.length === 1 && only?.expression !== undefined)
    return compileAt(only.expression, only.offset, inside(only.expression, only.offset, shown), about);
  return Object.assign(compileTemplate(text, shown, about), { yields: 'text' as const });
}

interface Piece {
  readonly literal?: string;
  readonly expression?: string;
  /** Where the expression begins. */
  readonly offset: number;
}

function compilePart(piece: Piece, whole: Shown, about: About, encode: 'url' | undefined): Part {
  if (piece.expression === undefined) return piece.literal ?? '';
  const shown = inside(piece.expression, piece.offset, whole);
  const value = compileAt(piece.expression, piece.offset, shown, about);
  if (value.yields === 'list' || value.yields === 'map')
    throw new ExpressionError(`a ${value.yields} has no text here; use json.stringify(...)`, piece.offset);
  return (message) => {
    const result = value(message);
    if (typeof result === 'string' && !encode) return result;
    try {
      return encode ? encoded(textOf(result)) : textOf(result);
    } catch (error) {
      throw stepFailed(shown, error);
    }
  };
}

function encoded(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : fail('it is not well-formed Unicode text');
}

function compileAt(expression: string, offset: number, shown: Shown, about: About): Compiled {
  try {
    return compileExpression(expression, 'any', shown, about);
  } catch (error) {
    if (error instanceof ExpressionError) throw new ExpressionError(error.message, error.offset + offset);
    throw error;
  }
}

/** How the expression at this place of the template is shown. */
function inside(expression: string, offset: number, whole: Shown): Shown {
  const from = whole.at(offset);
  const text = whole.text.slice(from, whole.at(offset + expression.length));
  const { place } = whole;
  return { text, at: (within) => whole.at(offset + within) - from, ...(place && { place: (within) => place(offset + within) }) };
}

function split(text: string): Piece[] {
  const pieces: Piece[] = [];
  let literal = '';
  let at = 0;
  for (;;) {
    const open = text.indexOf('${{', at);
    literal += text.slice(at, open < 0 ? undefined : open);
    if (open < 0) break;
    if (open > at && text[open - 1] === '$') {
      literal += '{{';
      at = open + 3;
      continue;
    }
    const close = endOf(text, open + 3);
    if (close < 0) throw new ExpressionError('this ${{ has no }}', open);
    const expression = text.slice(open + 3, close);
    at = close + 2;
    const quoted = /^\s*"([^"\\]*)"\s*$/.exec(expression)?.[1];
    if (quoted !== undefined) {
      literal += quoted;
      continue;
    }
    if (literal !== '') pieces.push({ literal, offset: 0 });
    literal = '';
    pieces.push({ expression, offset: open + 3 });
  }
  if (literal !== '') pieces.push({ literal, offset: 0 });
  return pieces;
}

/** Where the expression ends: the first `}}` outside its texts and maps. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const c = text[i];
    if (c === '"' || c === "'") i = endOfText(text, i);
    else if (c === '{') depth++;
    else if (c === '}' && depth > 0) depth--;
    else if (c === '}' && text[i + 1] === '}') return i;
  }
  return -1;
}

/** The last character of the quoted text that begins here, or the end. */
function endOfText(text: string, start: number): number {
  const quote = text[start] as string;
  const mark = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  for (let i = start + mark.length; i < text.length; i++) {
    if (text[i] === '\\')
      i++; // In r"..." too: so the library has it.
    else if (text.startsWith(mark, i)) return i + mark.length - 1;
  }
  return text.length;
}
