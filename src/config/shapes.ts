import type { Node } from './node.ts';
import type { Problems, Spot } from './problems.ts';

/** A choice and what belongs to it: `rabbitmq: {…}`, or the bare word `print`. */
export interface Choice extends Spot {
  readonly name: string;
  /** Absent for a bare word. */
  readonly value: Node | undefined;
}

/** Reads a one-key map or a bare word; `what` is what it names, e.g. `a connector`. Undefined when a problem was reported. */
export function choiceOf(node: Node, what: string, problems: Problems): Choice | undefined {
  if (node.kind === 'broken') return undefined;
  if (node.kind === 'scalar' && node.text !== '') return { name: node.text, value: undefined, file: node.file, start: node.start };
  if (node.kind !== 'map') {
    const hint = node.kind === 'list' ? 'a list is not possible here' : undefined;
    problems.error(node, node.kind === 'empty' ? 'null' : 'wrong-type', `expected the name of ${what}, or a map with that one key`, hint);
    return undefined;
  }
  const [first, second] = node.entries.values();
  if (!first || second) {
    const keys = [...node.entries.keys()].slice(0, 6).join(', ');
    const found = first ? `found ${node.entries.size} keys: ${keys}` : 'found no key';
    const at = second ? { file: node.file, start: second.keyStart } : node;
    problems.error(
      at,
      'one-key',
      `expected a map with one key, the name of ${what}; ${found}`,
      second && 'is what belongs to the first not indented?',
    );
    return undefined;
  }
  const { key, keyStart, value } = first;
  return { name: key, value, file: node.file, start: keyStart };
}

/** Reports `print:` without anything behind it. */
export function refuseEmpty({ name, value }: Choice, problems: Problems): boolean {
  if (value?.kind !== 'empty') return false;
  problems.error(value, 'null', `"${name}" has no value`, `write the bare word \`${name}\` when nothing belongs to it`);
  return true;
}
