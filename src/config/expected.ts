/** What to write in the place of what is wrong or missing, in terms of the field. */
import type { Field, Fields } from './fields.ts';
import type { Node } from './node.ts';

/** For a field that is not there. */
export function missingHint({ kind, options, doc }: Field<unknown>, name: string): string {
  if (options.example !== undefined) return `e.g. ${name}: ${options.example}`;
  if (kind.kind === 'oneOf') return `write \`${name}: …\`, one of ${kind.values.join(', ')}`;
  return `write \`${name}: …\`: ${summary(doc)}`;
}

/** For a node that should be a map of these fields. */
export function settingsHint(node: Node, fields: Fields, name: string): string | undefined {
  if (node.kind === 'map' || node.kind === 'broken') return undefined;
  const names = Object.keys(fields);
  const needed = names.find((one) => isNeeded(fields[one]!));
  const written = node.kind === 'scalar' ? node.text : '';
  const { kind } = fields[written] ?? {};
  if (kind?.kind === 'group') return `write \`${name}: { ${written}: {} }\``;
  if (needed === undefined && (node.kind === 'empty' || written === 'true')) return `write \`${name}: {}\` for its defaults`;
  return `write \`${name}: { ${needed ?? names[0] ?? ''}: … }\``;
}

/** For a value that should be single. */
export function singleHint(node: Node, { kind }: Field<unknown>, name: string): string | undefined {
  if (kind.kind === 'value' && node.kind === 'map') {
    const [key = 'name'] = node.entries.keys();
    return `write \`${name}.${key}: …\``;
  }
  if (kind.kind === 'durationRange' && node.kind === 'list') return 'write it as from..to: 1s..30s';
  return node.kind === 'map' || node.kind === 'list' ? "if it is meant as text, quote it: '…'" : undefined;
}

function isNeeded({ kind, options }: Field<unknown>): boolean {
  return !options.optional && options.default === undefined && kind.kind !== 'group';
}

/** The first sentence of a description, as a part of another. */
function summary(doc: string): string {
  const first = /^.*?(?=(?:, e\.g)?[.;:](?:\s|$))/s.exec(doc)?.[0] ?? doc;
  return /^[A-Z][a-z ]/.test(first) ? first.charAt(0).toLowerCase() + first.slice(1) : first;
}
