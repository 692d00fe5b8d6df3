/** How our functions are written down and registered. */
import type { Environment } from '@marcbachmann/cel-js';

/** A signature as CEL has it, what it does, and the function; a receiver or namespace is its first argument. */
export type Entry = readonly [signature: string, doc: string, run: (...args: never[]) => unknown];

/**
 * Functions of CEL that ours take the place of. CEL does not let them be overridden, so that a call is renamed before it is checked:
 * RE2 instead of a backtracking RegExp, numbers instead of bigint, strict instead of lenient, UTC and ASCII as written.
 */
const replacedFunctions = new Set(['size', 'int', 'string', 'timestamp', 'duration']);
const replacedMethods = new Set([
  'matches',
  'size',
  'json',
  'string',
  'join',
  'split',
  'substring',
  'indexOf',
  'lastIndexOf',
  'lowerAscii',
  'upperAscii',
  'at',
]);

export function isReplaced(name: string, isMethod: boolean): boolean {
  return (isMethod ? replacedMethods : replacedFunctions).has(name);
}

export function replacedName(name: string): string {
  return `safe_${name}`;
}

export function register(environment: Environment, entries: readonly Entry[]): void {
  for (const [signature, description, run] of entries) {
    environment.registerFunction(renamed(signature), run, { description, async: false });
  }
}

function renamed(signature: string): string {
  const [, receiver, name = '', rest] = /^([\w<>]+\.)?(\w+)(\(.*)$/.exec(signature) ?? [];
  return isReplaced(name, receiver !== undefined) ? `${receiver ?? ''}${replacedName(name)}${rest}` : signature;
}

/** A word before the dot, as `hash` in `hash.sha256(x)`. */
export function registerNamespace(environment: Environment, name: string): void {
  const Namespace = class {};
  environment.registerType(name, Namespace);
  environment.registerConstant(name, name, new Namespace());
}
