/** What is known of the body of a route's messages, from its `bodySchema`: for finding misspelled names when expressions are compiled. */
import { distance } from 'fastest-levenshtein';
import type { BodyShape } from '../config/model.ts';
import { nearest } from '../config/nearest.ts';
import { JsonSchema, type Schema } from './json-schema.ts';

type Path = readonly string[];

/** Reads a schema. Throws when it cannot be one. `file`: what to call it. */
export function bodyShape(json: unknown, file: string): BodyShape {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Error('a schema is a map');
  const schema = new JsonSchema(json);
  schema.assertUsable();
  return new Shape({ json: schema, file }, json, []);
}

interface Source {
  readonly json: JsonSchema;
  readonly file: string;
}

/** Of the body, or of a part of it. */
export class Shape implements BodyShape {
  readonly #source: Source;
  readonly #schema: Schema;
  /** What steps have set in it: it may be there whatever the schema says, and nothing is known of it. */
  readonly #set: readonly Path[];

  constructor(source: Source, schema: Schema, set: readonly Path[]) {
    this.#source = source;
    this.#schema = schema;
    this.#set = set;
  }

  with(path: Path): BodyShape {
    return new Shape(this.#source, this.#schema, [...this.#set, path]);
  }

  problem(path: Path, mayBeNew = false): string | undefined {
    let part: Shape = this;
    let text = 'body';
    for (const name of path) {
      const problem = part.missing(name, text, true, mayBeNew);
      if (problem !== undefined) return problem;
      part = /^\d+$/.test(name) ? part.items() : part.member(name);
      text += `.${name}`;
    }
    return undefined;
  }

  member(name: string): Shape {
    const below = this.#set.filter((path) => path[0] === name).map((path) => path.slice(1));
    const { is, schema } = this.#source.json.member(this.#schema, name);
    const isKnown = is === 'declared' && below.every((path) => path.length > 0);
    return new Shape(this.#source, isKnown ? schema : true, below);
  }

  items(): Shape {
    return new Shape(this.#source, this.#set.length > 0 ? true : this.#source.json.items(this.#schema), []);
  }

  /**
   * Why there can be no part of this name in what is written as `text`; undefined when there may be. `guess`: also when the schema is
   * silent, and knows a name that is nearly the same. `mayBeNew`: then only.
   */
  missing(name: string, text: string, guess: boolean, mayBeNew = false): string | undefined {
    if (this.#set.some((path) => path[0] === name)) return undefined;
    const { json, file } = this.#source;
    const types = json.types(this.#schema)?.filter((type) => type !== 'null') ?? [];
    if (types.length > 0 && !types.includes('object') && !(types.includes('array') && /^\d+$/.test(name)))
      return `\`${text}\` is ${types.join(' or ')} in ${file}, and has no "${name}"`;
    const { is } = json.member(this.#schema, name);
    if (is === 'declared' || (is === 'open' && !guess)) return undefined;
    const names = [...json.names(this.#schema)];
    const near = is === 'excluded' ? nearest(name, names) : names.find((known) => isTypo(name, known));
    if ((is === 'open' || mayBeNew) && near === undefined) return undefined;
    return `\`${text}\` has no "${name}" in ${file}${hintOf(near, names)}${is === 'open' ? `; if it has, write ${text}["${name}"]` : ''}`;
  }
}

function hintOf(near: string | undefined, names: readonly string[]): string {
  if (near !== undefined) return ` — did you mean ${near}?`;
  return names.length > 0 && names.length <= 12 ? ` — it has ${names.join(', ')}` : '';
}

/** Two names of which one is a slip of the other; short names are too near to each other to tell. */
function isTypo(written: string, known: string): boolean {
  if (written.toLowerCase() === known.toLowerCase() || isSwapped(written, known)) return true;
  const most = written.length < 4 ? 0 : written.length < 6 ? 1 : 2;
  return distance(written, known) <= most;
}

/** Two neighbours have changed places: `emial`. */
function isSwapped(written: string, known: string): boolean {
  if (written.length !== known.length || written.length < 4) return false;
  const at = [...known].findIndex((letter, i) => letter !== written[i]);
  return written === known.slice(0, at) + known.charAt(at + 1) + known.charAt(at) + known.slice(at + 2);
}
