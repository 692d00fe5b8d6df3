/** Arguments that are a small language of their own: patterns, topic filters, formats of times, time zones. */
import { spend } from '../budget.ts';
import { ExpressionError, fail } from '../failure.ts';

const lengthMax = 1000;
/** Of a text that comes with a message, for which compiling is a part of the cost. */
const foreignLengthMax = 100;
const foreignSteps = 5000;

/**
 * One such language. A text that stands in an expression is compiled with it, and kept, so that a wrong one is an error of the config; one
 * that comes with a message is compiled each time.
 */
export class Language<T> {
  readonly #what: string;
  readonly #compile: (text: string) => T;
  readonly #known = new Map<string, T>();

  /** `what`: as in "this is not …". `compile` throws what is wrong, in which a piece of the text stands in backticks. */
  constructor(what: string, compile: (text: string) => T) {
    this.#what = what;
    this.#compile = compile;
  }

  /** Of an expression. Throws {@link ExpressionError}. */
  prepare(text: string, offset: number): void {
    try {
      this.#known.set(text, this.compile(text));
    } catch (error) {
      throw new ExpressionError(`this is not ${this.#what}: ${(error as Error).message}`, offset);
    }
  }

  /** What the text means. Fails without quoting it. */
  of(text: string): T {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    spend(foreignSteps);
    // Counting far makes a pattern of any size out of a few characters.
    if (text.length > foreignLengthMax || /\{\d*,?\d{3}/.test(text)) fail(`${this.#what} that comes with a message must be shorter`);
    try {
      return this.compile(text);
    } catch {
      return fail(`this is not ${this.#what}`);
    }
  }

  /** Throws what is wrong with it. */
  compile(text: string): T {
    if (text.length > lengthMax) throw new Error(`it is longer than ${lengthMax} characters`);
    return this.#compile(text);
  }
}
