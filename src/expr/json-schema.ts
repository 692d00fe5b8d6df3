/**
 * What a JSON Schema says of the names in a map. A sentence of it that we do not know says nothing; a `$ref` is followed inside the file,
 * and one that leads out of it says nothing either. Schemas may refer to themselves: what is asked goes one name down at a time.
 */
import { regularExpressions } from './functions/patterns.ts';

/** A schema: true says nothing, and so does what is no schema. */
export type Schema = unknown;

export interface Member {
  /** `excluded`: the schema says that there is none of this name. `open`: it does not speak of it. */
  readonly is: 'declared' | 'open' | 'excluded';
  readonly schema: Schema;
}

const open: Member = { is: 'open', schema: true };
const excluded: Member = { is: 'excluded', schema: true };

type Words = Readonly<Record<string, unknown>>;

export class JsonSchema {
  readonly #root: Schema;

  constructor(root: Schema) {
    this.#root = root;
  }

  /** Throws when a `$ref` inside the file leads nowhere, or a part is no schema. */
  assertUsable(): void {
    const visit = (part: unknown, depth: number): void => {
      if (typeof part !== 'object' || part === null) return;
      if (depth > 200) throw new Error('it is nested more than 200 deep');
      const { $ref: ref } = part as Words;
      if (typeof ref === 'string' && ref.startsWith('#') && this.#at(ref) === undefined) throw new Error(`"$ref": "${ref}" leads nowhere`);
      for (const inner of Object.values(part)) visit(inner, depth + 1);
    };
    visit(this.#root, 0);
  }

  /** `asked`: the schemas that have been asked for this name, and what they say; one that is being asked says nothing yet. */
  member(schema: Schema, name: string, asked = new Map<Schema, Member>()): Member {
    const words = wordsOf(schema);
    if (words === undefined) return open;
    const known = asked.get(schema);
    if (known !== undefined) return known;
    asked.set(schema, open);
    const ask = (part: Schema) => this.member(part, name, asked);
    const all = [this.#own(words, name), ...this.#parts(words).map(ask)];
    for (const choices of choicesOf(words)) all.push(anyOf(choices.map(ask)));
    for (const hint of hintsOf(words)) if (ask(hint).is === 'declared') all.push({ is: 'declared', schema: true });
    const met = allOf(all);
    const found = met.is === 'open' && words['unevaluatedProperties'] === false ? excluded : met;
    asked.set(schema, found);
    return found;
  }

  /** What the elements of a list are like. */
  items(schema: Schema, asked = new Set<Schema>()): Schema {
    const words = wordsOf(schema);
    if (words === undefined || asked.has(schema)) return true;
    asked.add(schema);
    if (words['items'] !== undefined && !Array.isArray(words['items']) && words['prefixItems'] === undefined) return words['items'];
    const found = this.#parts(words).map((part) => this.items(part, asked));
    return found.find((one) => one !== true) ?? true;
  }

  /** All names that it speaks of. */
  names(schema: Schema, into = new Set<string>(), asked = new Set<Schema>()): Set<string> {
    const words = wordsOf(schema);
    if (words === undefined || asked.has(schema)) return into;
    asked.add(schema);
    for (const name of Object.keys(wordsOf(words['properties']) ?? {})) into.add(name);
    for (const part of [...this.#parts(words), ...choicesOf(words).flat(), ...hintsOf(words)]) this.names(part, into, asked);
    return into;
  }

  /** The JSON types it allows; undefined when it does not say. */
  types(schema: Schema, asked = new Set<Schema>()): readonly string[] | undefined {
    const words = wordsOf(schema);
    if (words === undefined || asked.has(schema)) return undefined;
    asked.add(schema);
    const { type } = words;
    if (typeof type === 'string') return [type];
    if (Array.isArray(type)) return type.map(String);
    return this.#parts(words)
      .map((part) => this.types(part, asked))
      .find((found) => found !== undefined);
  }

  #own(words: Words, name: string): Member {
    const properties = wordsOf(words['properties']) ?? {};
    if (Object.hasOwn(properties, name)) return { is: 'declared', schema: properties[name] };
    for (const [pattern, schema] of Object.entries(wordsOf(words['patternProperties']) ?? {})) {
      if (isFound(pattern, name)) return { is: 'declared', schema };
    }
    const { additionalProperties: others } = words;
    if (others === false) return excluded;
    return wordsOf(others) === undefined ? open : { is: 'declared', schema: others };
  }

  /** Schemas that hold as well. */
  #parts(words: Words): Schema[] {
    const { $ref: ref } = words;
    const referred = typeof ref === 'string' && ref.startsWith('#') ? [this.#at(ref)] : [];
    return [...referred, ...listOf(words['allOf'])];
  }

  /** By JSON pointer. */
  #at(ref: string): Schema {
    let found: unknown = this.#root;
    for (const part of decoded(ref).split('/').slice(1)) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
      found = (found as Words)[name];
    }
    return ref === '#' || ref.startsWith('#/') ? found : undefined;
  }
}

function decoded(ref: string): string {
  try {
    return decodeURIComponent(ref);
  } catch {
    return ref;
  }
}

function wordsOf(schema: unknown): Words | undefined {
  return typeof schema === 'object' && schema !== null && !Array.isArray(schema) ? (schema as Words) : undefined;
}

function listOf(value: unknown): Schema[] {
  return Array.isArray(value) ? value : [];
}

/** Of each list, one or more hold. */
function choicesOf(words: Words): Schema[][] {
  const { anyOf: any, oneOf: one, if: condition, then: yes = true, else: no = true } = words;
  const branches = condition === undefined ? [] : [yes, no];
  return [listOf(any), listOf(one), branches].filter((choices) => choices.length > 0);
}

/** They may not hold, but show names that may be there. */
function hintsOf(words: Words): Schema[] {
  const dependent = [words['dependentSchemas'], words['dependencies']].flatMap((map) => Object.values(wordsOf(map) ?? {}));
  return [words['if'], ...dependent].filter((schema) => wordsOf(schema) !== undefined);
}

function allOf(members: readonly Member[]): Member {
  if (members.some(({ is }) => is === 'excluded')) return excluded;
  const declared = members.filter(({ is }) => is === 'declared');
  if (declared.length < 2) return declared[0] ?? open;
  return { is: 'declared', schema: { allOf: declared.map(({ schema }) => schema) } };
}

function anyOf(members: readonly Member[]): Member {
  const possible = members.filter(({ is }) => is !== 'excluded');
  if (possible.length === 0) return excluded;
  if (possible.every(({ is }) => is === 'open')) return open;
  return { is: 'declared', schema: { anyOf: possible.map(({ schema }) => schema) } };
}

/** A pattern that RE2 does not know may mean any name. */
function isFound(pattern: string, name: string): boolean {
  try {
    return regularExpressions.compile(pattern).test(name);
  } catch {
    return true;
  }
}
