/** How our functions are written down and registered. */
import type { Environment } from '@marcbachmann/cel-js';

/**
 * A signature as CEL has it, what it does, an expression that shows it and is true, and the function; a receiver or namespace is its first
 * argument.
 */
export type Entry = readonly [signature: string, doc: string, example: string, run: (...args: never[]) => unknown];

/** The same, of a function that we only describe: CEL has it, or it is a macro. */
export type Described = readonly [signature: string, doc: string, example: string];

/** The words before the dot, as `hash` in `hash.sha256(x)`. */
export const namespaces = ['regex', 'math', 'topic', 'base64', 'base64url', 'hex', 'url', 'json', 'hash', 'kafka', 'uuid'] as const;

/** Those, and CEL's own. */
export function isNamespace(name: string): boolean {
  return (namespaces as readonly string[]).includes(name) || name === 'cel' || name === 'optional';
}

/**
 * Functions of CEL that ours take the place of. CEL does not let them be overridden, so that a call is renamed before it is checked:
 * RE2 instead of a backtracking RegExp, numbers instead of bigint, strict instead of lenient, characters instead of halves of them.
 */
const replacedFunctions = new Set(['size', 'int', 'double', 'string', 'timestamp', 'duration']);
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
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getDayOfYear',
  'getHours',
  'getMinutes',
  'getSeconds',
  'getMilliseconds',
]);

export function isReplaced(name: string, isMethod: boolean): boolean {
  return (isMethod ? replacedMethods : replacedFunctions).has(name);
}

export function replacedName(name: string): string {
  return `safe_${name}`;
}

export function register(environment: Environment, entries: readonly Entry[]): void {
  for (const [signature, description, , run] of entries) {
    environment.registerFunction(renamed(signature), run, { description, async: false });
  }
}

function renamed(signature: string): string {
  const [, receiver, name = '', rest] = /^([\w<>.]+\.)?(\w+)(\(.*)$/.exec(signature) ?? [];
  return isReplaced(name, receiver !== undefined) ? `${receiver ?? ''}${replacedName(name)}${rest}` : signature;
}

export function registerNamespaces(environment: Environment): void {
  for (const name of namespaces) {
    const Namespace = class {};
    environment.registerType(name, Namespace);
    environment.registerConstant(name, name, new Namespace());
  }
}
