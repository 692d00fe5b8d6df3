import { type Entry, type MapNode, type Node, nameOf } from './node.ts';
import type { Problems, Spot } from './problems.ts';

/** A choice and what belongs to it: `rabbitmq: {…}`, or the bare word `print`. */
export interface Choice extends Spot {
  readonly name: string;
  /** Absent for a bare word. */
  readonly value: Node | undefined;
}

/** What may be chosen, for the hint to somebody who has chosen several. */
export interface Choices {
  /** What it names, e.g. `a connector`. */
  readonly what: string;
  readonly names: readonly string[];
  /** How to write several. */
  readonly several: string;
}

/** Reads a one-key map or a bare word. Undefined when a problem was reported. */
export function choiceOf(node: Node, choices: Choices, problems: Problems): Choice | undefined {
  if (node.kind === 'broken') return undefined;
  if (node.kind === 'scalar' && node.text !== '') return { name: node.text, value: undefined, file: node.file, start: node.start };
  if (node.kind !== 'map') {
    const hint = node.kind === 'list' ? 'a list is not possible here' : 'is what belongs here missing, or not indented?';
    const message = `expected the name of ${choices.what}, or a map with that one key, found ${nameOf(node)}`;
    problems.error(node, node.kind === 'empty' ? 'null' : 'wrong-type', message, hint);
    return undefined;
  }
  const [first, second] = node.entries.values();
  if (first && !second) return { name: first.key, value: first.value, file: node.file, start: first.keyStart };
  notOne(node, choices, second, problems);
  return undefined;
}

function notOne({ entries, file, start }: MapNode, { what, names, several }: Choices, second: Entry | undefined, problems: Problems): void {
  const keys = [...entries.keys()];
  const found = second ? `found ${keys.length} keys: ${keys.slice(0, 6).join(', ')}` : 'found no key';
  const isSeveral = keys.every((key) => names.includes(key));
  const hint = isSeveral ? several : 'is what belongs to the first not indented?';
  const at = { file, start: second?.keyStart ?? start };
  problems.error(at, 'one-key', `expected a map with one key, the name of ${what}; ${found}`, second && hint);
}

/** Reports `print:` without anything behind it. */
export function refuseEmpty({ name, value }: Choice, problems: Problems): boolean {
  if (value?.kind !== 'empty') return false;
  problems.error(value, 'null', `"${name}" has no value`, `write the bare word \`${name}\` when nothing belongs to it`);
  return true;
}
