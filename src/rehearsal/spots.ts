/** Where in a test file something stands that was checked already. */
import type { Node } from '../config/node.ts';
import type { Spot } from '../config/problems.ts';

/** Keys of maps and places in lists. */
export type Path = readonly (string | number)[];

export function inside(node: Node | undefined, step: string | number): Node | undefined {
  if (node?.kind === 'map') return node.entries.get(String(step))?.value;
  return node?.kind === 'list' && typeof step === 'number' ? node.items[step] : undefined;
}

/** The place of what the path leads to, a key by its name; as near as there is one. */
export function spotOf(from: Node, path: Path): Spot {
  let node = from;
  let spot: Spot = from;
  for (const step of path) {
    const entry = node.kind === 'map' ? node.entries.get(String(step)) : undefined;
    const next = inside(node, step);
    if (!next) break;
    node = next;
    spot = entry ? { file: node.file, start: entry.keyStart } : node;
  }
  return spot;
}
