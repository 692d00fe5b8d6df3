/** What goes wrong in an expression, said without a payload: what CEL and V8 say may quote the message. */
import { EvaluationError } from '@marcbachmann/cel-js';
import type { Shown } from '../config/fields.ts';
import { MqferryError } from '../errors.ts';

/** An expression or template that cannot be compiled. `offset`: characters into the text. */
export class ExpressionError extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.name = 'ExpressionError';
    this.offset = offset;
  }
}

const ours = 'mqferry';

/** Ends the evaluation with a sentence, which must not quote the message. */
export function fail(sentence: string): never {
  throw new EvaluationError({ code: ours, message: sentence });
}

/** There is no such key or element: what `default()` takes as absent. */
export function isAbsence(error: unknown): boolean {
  return error instanceof EvaluationError && (error.code === 'no_such_key' || error.code === 'index_out_of_bounds');
}

/** A text in which nothing was filled in. */
export function asItIs(text: string): Shown {
  return { text, at: (offset) => offset };
}

/** The error of a step for an expression that failed on a message, which it quotes as it is shown. It has no `cause`: that could quote the message. */
export function stepFailed(shown: Shown, error: unknown): MqferryError {
  if (error instanceof MqferryError) return error;
  const { text } = shown;
  return new MqferryError('STEP_FAILED', `cannot evaluate \`${excerpt(text)}\`${placeOf(shown, error)}: ${sentence(error, text)}`);
}

/** In the config, if the text stands in one; else in the text. */
function placeOf(shown: Shown, error: unknown): string {
  const offset = error instanceof EvaluationError ? error.range?.start : undefined;
  const { file, line, col } = shown.place?.(offset ?? 0) ?? {};
  if (file !== undefined) return ` at ${file}:${line}:${col}`;
  return error instanceof EvaluationError ? ` at ${place(shown.text, shown.at(offset ?? 0))}` : '';
}

const sentences: Readonly<Record<string, string>> = {
  index_out_of_bounds: 'the list is too short',
  field_type_mismatch: 'the field is of another type',
  list_item_type_mismatch: 'the element is of another type',
  division_by_zero: 'division by zero',
  modulo_by_zero: 'division by zero',
  numeric_overflow: 'the number is too large',
  double_conversion_error: 'this is not a number',
  bool_conversion_error: 'this text is neither true nor false',
  index_out_of_range: 'the index is outside the text',
  invalid_list_element_type: 'the list has elements of another type',
  invalid_duration: 'this is not a duration such as "1h30m"',
  invalid_comprehension_range: 'this is neither a list nor a map',
  optional_expected: 'this is not an optional: start with .?',
  optional_value_missing: 'the optional is empty',
};

/** These name types and nothing else. */
const typeCodes = new Set([
  ours,
  'no_such_overload',
  'no_matching_overload',
  'invalid_condition_type',
  'invalid_logical_operand',
  'variable_type_mismatch',
]);

function sentence(error: unknown, text: string): string {
  if (error instanceof RangeError) return 'the result is too large';
  if (!(error instanceof EvaluationError)) return 'it failed inside';
  if (typeCodes.has(error.code)) return readable(error.summary);
  if (error.code === 'no_such_key') return noSuchKey(error, text);
  return sentences[error.code] ?? error.code.replaceAll('_', ' ');
}

/** Names the key only when the expression itself spells it. */
function noSuchKey(error: EvaluationError, text: string): string {
  const { node } = error;
  const name = node?.op === '.' ? (node.args as unknown as [unknown, string])[1] : undefined;
  return name !== undefined && text.includes(name) ? `there is no "${name}"` : 'there is no such key';
}

/** Without what we and CEL use inside: our names for replaced functions, dyn<>. */
export function readable(summary: string): string {
  const plain = summary.replaceAll('safe_', '').replace(/dyn<([a-zA-Z.]+)>/g, '$1');
  return plain
    .replaceAll('message_type', 'type')
    .replaceAll('google.protobuf.', '')
    .replace('no such overload: ', 'these types do not go together: ')
    .replace('found no matching overload for ', 'there is no ')
    .replaceAll('double', 'number')
    .replaceAll('dyn', 'any');
}

function place(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

function excerpt(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
}
