/**
 * What one evaluation may cost. CEL has no endless loop, but a message with a long list makes nested ones long, and text grows with every
 * `+`: a sender must not be able to stop the process. Counted, not timed, so that the same message always ends the same way.
 */
import { fail } from './failure.ts';

/** A step is one element visited or looked at: 0.1 to 0.5 microseconds. */
const stepsMax = 1_000_000;
/** Characters of text (and bytes) made. */
const textMax = 64 * 1024 * 1024;

// Evaluation is synchronous and never nested, so that one counter serves all.
let steps = 0;
let text = 0;

export function beginEvaluation(): void {
  steps = 0;
  text = 0;
}

/** `||`, `exists` and `default` may have swallowed the error of a spent budget: called once more at the end. */
export function assertWithinBudget(): void {
  if (steps > stepsMax) fail(`it takes more than ${stepsMax} steps for this message`);
  if (text > textMax) fail(`it makes more than ${textMax} characters of text for this message`);
}

/** Nothing more can come of this evaluation: who goes on in spite of errors stops. */
export function isSpent(): boolean {
  return steps > stepsMax || text > textMax;
}

/** Charges for an error that does not end the evaluation: making one takes 5 to 10 microseconds. */
export function spendOnError(): void {
  spend(30);
}

export function spend(count: number): void {
  if ((steps += count) > stepsMax) assertWithinBudget();
}

export function spendText(length: number): void {
  if ((text += length) > textMax) assertWithinBudget();
}

/** Charges for a value that was made: text by its length, a list by its elements. */
export function spendOnResult(value: unknown): void {
  if (typeof value === 'string' || value instanceof Uint8Array) spendText(value.length);
  else if (Array.isArray(value)) spend(value.length);
  else if (value instanceof Map) spend(value.size);
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
