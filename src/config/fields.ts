/**
 * Config fields, each declared once, description first. From one declaration come the type, the check, the default, the editor schema, the
 * reference page and the secret mark.
 */
import type { Message } from '../message.ts';

/** A text as it may be printed: what was filled in is not in it. */
export interface Shown {
  readonly text: string;
  /** Where in it a character of the text that is compiled stands. */
  at(offset: number): number;
  /** Where that is in the config. Absent for a text that is not out of one. */
  place?(offset: number): { readonly file: string; readonly line: number; readonly col: number };
}

/** What an expression yields, as far as that is known before there is a message. */
export type Yields = 'any' | 'boolean' | 'number' | 'text' | 'bytes' | 'list' | 'map' | 'time' | 'duration';

/**
 * Text with `${{ expr }}` in it, compiled; `constant` when it has none, else `head`: what stands before the first one. The connector checks what it
 * returns by its protocol's rules.
 */
export type Template = ((message: Message) => string) & { readonly constant?: string; readonly head?: string };

/** An expression, compiled: what it yields for a message. Throws STEP_FAILED when it cannot be evaluated. */
export type Expression = ((message: Message) => unknown) & { readonly text: string; readonly yields?: Yields };

/** Like {@link Expression}, of text with `${{ expr }}` in it or of a plain YAML scalar, which is then its `constant`. */
export type Value = ((message: Message) => unknown) & {
  readonly text: string;
  readonly yields?: Yields;
  readonly constant?: string | number | bigint | boolean;
};

/** An expression, or a YAML map or list (nested as you like) whose leaves are expressions. */
export type Mapping = Expression | readonly Mapping[] | ReadonlyMap<string, Mapping>;

export interface FieldOptions<T> {
  /** The value when the key is absent. A field with neither a default nor `optional` is required. */
  readonly default?: T;
  readonly optional?: true;
  /** Rarely needed; the reference lists it last. */
  readonly advanced?: true;
  /** Never printed: not in logs, errors, metrics, the API or `explain`. */
  readonly secret?: true;
  readonly example?: unknown;
  /** A list with nothing in it says something, too. */
  readonly mayBeEmpty?: true;
}

export type FieldKind =
  | { readonly kind: 'text'; readonly pattern?: RegExp; readonly hint?: string }
  | { readonly kind: 'file' }
  | { readonly kind: 'template'; readonly encode?: 'url' }
  | { readonly kind: 'expression'; readonly slot: 'boolean' | 'any'; readonly listAll: boolean }
  | { readonly kind: 'value' }
  | { readonly kind: 'mapping' }
  | { readonly kind: 'whole'; readonly min: number; readonly max: number }
  | { readonly kind: 'yesNo' }
  | { readonly kind: 'oneOf'; readonly values: readonly (string | number)[] }
  | { readonly kind: 'size' }
  | { readonly kind: 'duration' }
  | { readonly kind: 'durationRange' }
  | { readonly kind: 'rate' }
  | { readonly kind: 'list'; readonly of: Field<unknown> }
  | { readonly kind: 'map'; readonly of: Field<unknown> }
  | { readonly kind: 'group'; readonly fields: Fields }
  | { readonly kind: 'any' };

/** A declared field. `T` is what the program gets. */
export interface Field<T> {
  readonly doc: string;
  readonly kind: FieldKind;
  readonly options: FieldOptions<T>;
  /** Only for the type checker. */
  readonly '~type'?: T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Infer<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

type Optional<T, O> = O extends { optional: true } ? T | undefined : T;
type Opt<T> = FieldOptions<T>;

function field<T, O extends Opt<T>>(doc: string, kind: FieldKind, options: O | undefined): Field<Optional<T, O>> {
  return { doc, kind, options: (options ?? {}) as FieldOptions<Optional<T, O>> };
}

/** Text as it stands in the file: `007`, `1.0` and `+49...` stay what they are. `pattern` with a `hint` that says what is right. */
export function text<const O extends Opt<string> & { pattern?: RegExp; hint?: string }>(doc: string, options?: O) {
  const { pattern, hint, ...rest } = (options ?? {}) as O;
  return field<string, O>(doc, { kind: 'text', ...(pattern && { pattern }), ...(hint && { hint }) }, rest as O);
}

/** The path of a file, from the folder of the config file on; the program gets it absolute. Nobody has looked whether it is there. */
export function file<const O extends Opt<string>>(doc: string, options?: O) {
  return field<string, O>(doc, { kind: 'file' }, options);
}

/** Text that is never printed. */
export function secret<const O extends Opt<string> & { pattern?: RegExp; hint?: string }>(doc: string, options?: O) {
  const { doc: _, ...declared } = text(doc, options);
  return { doc, ...declared, options: { ...declared.options, secret: true as const } };
}

/** Text in which `${{ expr }}` is evaluated for each message. `encode`: percent-encoded then, for a url. */
export function template<const O extends FieldOptions<string> & { encode?: 'url' }>(doc: string, options?: O) {
  const { encode, ...rest } = (options ?? {}) as O;
  const kind = { kind: 'template', ...(encode && { encode }) } as const;
  return field<Template, Opt<Template>>(doc, kind, rest as unknown as Opt<Template>) as Field<Optional<Template, O>>;
}

/** An expression, compiled. With `listAll` also a list, joined into one: it is true when each of them is. */
export function expression<const O extends FieldOptions<string> & { slot: 'boolean' | 'any'; listAll?: boolean }>(doc: string, options: O) {
  const { slot, listAll = false, ...rest } = options;
  const kind = { kind: 'expression', slot, listAll } as const;
  return field<Expression, Opt<Expression>>(doc, kind, rest as unknown as Opt<Expression>) as Field<Optional<Expression, O>>;
}

/** Text in which `${{ expr }}` is evaluated, or a plain YAML scalar. What is one `${{ expr }}` keeps its type; null is null. */
export function value<const O extends FieldOptions<string>>(doc: string, options?: O) {
  return field<Value | null, Opt<Value | null>>(doc, { kind: 'value' }, options as unknown as Opt<Value | null>) as Field<
    Optional<Value | null, O>
  >;
}

/** An expression, or a tree of them. */
export function mapping<const O extends Omit<Opt<Mapping>, 'default'>>(doc: string, options?: O) {
  return field<Mapping, O>(doc, { kind: 'mapping' }, options);
}

/** A whole number. */
export function whole<const O extends Opt<number> & { min?: number; max?: number }>(doc: string, options?: O) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, ...rest } = (options ?? {}) as O;
  return field<number, O>(doc, { kind: 'whole', min, max }, rest as O);
}

export function yesNo<const O extends Opt<boolean>>(doc: string, options?: O) {
  return field<boolean, O>(doc, { kind: 'yesNo' }, options);
}

export function oneOf<const V extends readonly (string | number)[], const O extends Opt<V[number]>>(doc: string, values: V, options?: O) {
  return field<V[number], O>(doc, { kind: 'oneOf', values }, options);
}

/** Bytes: `16MiB`, `1GB`, `512`. */
export function size<const O extends Opt<number>>(doc: string, options?: O) {
  return field<number, O>(doc, { kind: 'size' }, options);
}

/** Milliseconds: `30s`, `250ms`, `5m`, `1h`, `7d`. */
export function duration<const O extends Opt<number>>(doc: string, options?: O) {
  return field<number, O>(doc, { kind: 'duration' }, options);
}

export interface DurationRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** From one time to another: `1s..30s`. */
export function durationRange<const O extends Opt<DurationRange>>(doc: string, options?: O) {
  return field<DurationRange, O>(doc, { kind: 'durationRange' }, options);
}

/** So many in a time. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** How many in a second, minute, hour or day: `100/s`, `6000/min`, `10/h`, `1/d`. */
export function rate<const O extends Opt<Rate>>(doc: string, options?: O) {
  return field<Rate, O>(doc, { kind: 'rate' }, options);
}

/** A list; of plain values also as `a,b` text. */
export function list<T, const O extends Opt<readonly T[]>>(doc: string, of: Field<T>, options?: O) {
  return field<readonly T[], O>(doc, { kind: 'list', of: of as Field<unknown> }, options);
}

/** Names that the user chooses, each with a value. */
export function map<T, const O extends Opt<Readonly<Record<string, T>>>>(doc: string, of: Field<T>, options?: O) {
  return field<Readonly<Record<string, T>>, O>(doc, { kind: 'map', of: of as Field<unknown> }, options);
}

/** Fields that belong together. Absent and not optional: the group of their defaults. */
export function group<F extends Fields, const O extends Opt<Infer<F>>>(doc: string, fields: F, options?: O) {
  return field<Infer<F>, O>(doc, { kind: 'group', fields }, options);
}

/** Any YAML value, e.g. AMQP queue arguments. */
export function anything<const O extends Opt<unknown>>(doc: string, options?: O) {
  return field<unknown, O>(doc, { kind: 'any' }, options);
}
