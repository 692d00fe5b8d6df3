/**
 * What one evaluation may cost. CEL has no endless loop, but a message with a long list makes nested ones long, and text grows with every
 * `+`: a sender must not be able to stop the process. Counted, not timed, so that the same message always ends the same way.
 *
 * A step is about a quarter of a microsecond: one element visited by a loop, or as much work inside a function. Made is what becomes of it:
 * characters of text, bytes, and for each value in the result a fixed number of them.
 */
import { fail } from './failure.ts';

export interface Limits {
  readonly steps: number;
  /** Characters. */
  readonly made: number;
}

export const defaultLimits: Limits = { steps: 100_000, made: 16 * 1024 * 1024 };

/** What a value in a result counts as. */
const valueWeight = 64;
/** An error takes 20 microseconds. */
const errorSteps = 80;

// Evaluation is synchronous and never nested, so that one counter serves all.
let limits = defaultLimits;
let steps = 0;
let made = 0;
let madeMax = 0;

export function beginEvaluation(given: Limits): void {
  limits = given;
  madeMax = given.made;
  steps = 0;
  made = 0;
}

/** A body that is read may be passed on as it is, however large it is. */
export function allowForBody(values: number, characters: number): void {
  madeMax += values * valueWeight + characters;
}

/** `||`, `exists` and `default` may have swallowed the error of a spent budget: called once more at the end. */
export function assertWithinBudget(): void {
  if (steps > limits.steps) fail(`it takes more than ${limits.steps} steps for this message (expressions.maxSteps)`);
  if (made > madeMax) fail(`it makes more than ${limits.made} characters for this message (expressions.maxText)`);
}

/** What the evaluation has taken so far: for tests, which count instead of timing. */
export function spent(): { readonly steps: number; readonly made: number } {
  return { steps, made };
}

/** Nothing more can come of this evaluation: who goes on in spite of errors stops. */
export function isSpent(): boolean {
  return steps > limits.steps || made > madeMax;
}

export function spend(count: number): void {
  if ((steps += count) > limits.steps) assertWithinBudget();
}

export function spendText(length: number): void {
  if ((made += length) > madeMax) assertWithinBudget();
}

/** Charges for values in the result. */
export function spendOnValues(count: number): void {
  spendText(count * valueWeight);
}

/** Charges for an error that does not end the evaluation. */
export function spendOnError(): void {
  spend(errorSteps);
}

/** Charges for a value that was made on the way: text by its length, a list by its elements. */
export function spendOnResult(value: unknown): void {
  if (typeof value === 'string' || value instanceof Uint8Array) spendText(value.length);
  else if (Array.isArray(value)) spend(value.length >> 2);
  else if (value instanceof Map) spend(value.size >> 2);
}

/** Charges for looking at all of a value, as `==`, `in` and functions do. */
export function spendOnLook(value: unknown): void {
  if (typeof value === 'string') spend(value.length >> 6);
  else if (typeof value === 'object' && value !== null) spendOnTree(value);
}

function spendOnTree(value: object): void {
  if (Array.isArray(value)) {
    spend(value.length);
    for (const item of value) spendOnLook(item);
  } else if (value instanceof Map) {
    spend(value.size);
    for (const item of value.values()) spendOnLook(item);
  } else if (value instanceof Uint8Array) spend(value.length >> 6);
  else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) {
      spend(1);
      spendOnLook(item);
    }
  }
}
