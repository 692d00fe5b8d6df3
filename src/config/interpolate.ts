import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { fileFault } from './file-fault.ts';
import type { Part } from './node.ts';
import { looksSecret } from './redact.ts';

/** Where `${…}` gets its values from. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What `${file:…}` reads, by the path as it is written; where it is given, no file is read. */
  readonly files?: Readonly<Record<string, string>>;
  /** Paths of `${file:…}` are relative to the folder of this config file. */
  readonly file: string;
  /** Values that must never be printed are added here. */
  readonly secrets: Set<string>;
}

/** Why a `${…}` could not be filled in. */
export class Unresolved extends Error {
  readonly offset: number;
  readonly hint: string | undefined;
  constructor(offset: number, message: string, hint?: string) {
    super(message);
    this.offset = offset;
    this.hint = hint;
  }
}

const reference = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\?)(.*))?$/s;

/**
 * Fills in `${ENV}`, `${ENV:-default}`, `${ENV:?message}` and `${file:path}`, once: what is filled in is not looked at again.
 * `$${` becomes a literal `${`; `${{ … }}` is left for the templates, and so is its escape `$${{`. Throws {@link Unresolved}.
 */
export function interpolate(text: string, from: Surroundings, depth = 0): Part[] {
  if (depth > 8) throw new Unresolved(0, 'defaults inside defaults, more than eight deep', 'name one variable, and one default');
  const parts: Part[] = [];
  let literalFrom = 0;
  let at = text.indexOf('${');
  const literal = (end: number): void => {
    if (end <= literalFrom) return;
    const piece = text.slice(literalFrom, end);
    parts.push({ text: piece, filled: false, at: literalFrom, shown: piece });
  };
  while (at !== -1) {
    let next: number;
    const escaped = at > literalFrom && text[at - 1] === '$';
    if (text[at + 2] === '{') {
      next = endOfTemplate(text, at);
    } else if (escaped) {
      literal(at - 1);
      literalFrom = at;
      next = at + 2;
    } else {
      literal(at);
      const end = closing(text, at);
      const inside = text.slice(at + 2, end);
      parts.push({ text: resolveOne(inside, at, from, depth), filled: true, at, shown: shownAs(inside) });
      literalFrom = next = end + 1;
    }
    at = text.indexOf('${', next);
  }
  literal(text.length);
  return parts;
}

function endOfTemplate(text: string, at: number): number {
  const end = text.indexOf('}}', at + 3);
  return end === -1 ? text.length : end + 2;
}

/** A default could be a secret, too. */
function shownAs(inside: string): string {
  return `\${${inside.startsWith('file:') ? inside : inside.replace(/:[-?].*/s, '')}}`;
}

/** The `}` that closes the `${` at `at`; a default may hold another `${…}`. */
function closing(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === '$' && text[i + 1] === '{') depth += 1;
    else if (text[i] === '}') depth -= 1;
    if (depth === 0 && i > at) return i;
  }
  throw new Unresolved(at, 'a `${` that is never closed', 'close it with `}`, or write `$${` for a literal `${`');
}

function resolveOne(inside: string, at: number, from: Surroundings, depth: number): string {
  if (inside.startsWith('file:')) return secretAt(inside.slice('file:'.length), at, from);
  const match = reference.exec(inside);
  if (!match) throw new Unresolved(at, 'an unresolved `${`: this is not the name of an environment variable', hintFor(inside));
  const [, name, operator, rest] = match;
  const found = from.env[name!];
  if (found !== undefined && (found !== '' || operator === undefined)) return noted(name!, found, from);
  if (operator === ':-') {
    const parts = interpolate(rest!, from, depth + 1);
    return noted(name!, parts.map((part) => part.text).join(''), from);
  }
  const state = found === undefined ? 'not set' : 'empty';
  if (operator === ':?') throw new Unresolved(at, `the environment variable ${name} is ${state}: ${rest || 'it is required'}`, 'set it');
  throw new Unresolved(at, `the environment variable ${name} is ${state}`, `set it, or give a default: \${${name}:-…}`);
}

function noted(name: string, value: string, from: Surroundings): string {
  if (looksSecret(name) && value !== '') from.secrets.add(value);
  return value;
}

function hintFor(inside: string): string {
  if (/^\s*(?:body|header|headers|key|origin|raw|now|error)\b/.test(inside)) return 'a value of the message is written `${{ … }}`';
  if (inside.includes('${')) return 'a name cannot be made of another: write it out';
  const [, name, isColon] = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:)[^-?]|[-?+=])/.exec(inside) ?? [];
  if (name && isColon) return `a default is written \${${name}:-…}, a file \${file:path}`;
  if (name) return `a default is written \${${name}:-…}`;
  return 'write `${NAME}`, or `$${` for a literal `${`';
}

function secretAt(path: string, at: number, from: Surroundings): string {
  if (from.files === undefined) return readSecret(path, at, from);
  const value = Object.hasOwn(from.files, path) ? from.files[path] : undefined;
  if (value === undefined) throw new Unresolved(at, `no content is given for the file ${path || '(no path)'}`);
  from.secrets.add(value);
  return value;
}

const largestSecret = 64 * 1024;

function readSecret(path: string, at: number, from: Surroundings): string {
  if (path === '') throw new Unresolved(at, 'a `${file:}` without a path', 'write it behind the colon: ${file:/run/secrets/name}');
  // What stands behind it may be the secret itself, so it is not said.
  if (/:[-?]/.test(path)) throw new Unresolved(at, 'a file has no default', 'write only its path: ${file:/run/secrets/name}');
  if (path.includes('${')) throw new Unresolved(at, 'nothing is filled in inside the path of a file', 'write the path out');
  const full = resolve(dirname(from.file), path);
  let value: string;
  try {
    const found = statSync(full);
    // A device or pipe could hang the start; a big file is not a secret but a mistake.
    if (!found.isFile()) throw new Error('it is not a regular file');
    if (found.size > largestSecret) throw new Error('it is larger than 64 KiB');
    value = readFileSync(full, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new Unresolved(at, `cannot read the file ${path}: ${fileFault(error)}`, pathHint(path));
  }
  if (value.trim() === '') throw new Unresolved(at, `the file ${path} is empty`, 'it has to hold the value');
  from.secrets.add(value);
  return value;
}

function pathHint(path: string): string | undefined {
  return isAbsolute(path) ? undefined : 'its path begins at the folder of this config file';
}
