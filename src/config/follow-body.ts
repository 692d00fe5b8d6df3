/** What is known of the body from step to step, for expressions behind them. */
import type { Checker } from './check.ts';
import type { About, BodyShape, StepSpecKind, Touch } from './model.ts';
import type { Node } from './node.ts';
import type { Spot } from './problems.ts';
import type { Choice } from './shapes.ts';

export function withoutBody({ body: _, ...about }: About): About {
  return about;
}

/** Looks at the parts of the body that a step names, and goes on with the body as it is behind it. `value`: undefined when it is wrong. */
export function followBody({ compiler, problems }: Checker, kind: StepSpecKind, value: unknown, { value: node, ...at }: Choice): void {
  let { body } = compiler.about;
  if (kind.touches === 'nothing') return;
  const touches = value === undefined ? undefined : kind.touches?.(value);
  for (const touch of touches ?? []) {
    const path = pathOf(touch.part);
    if (path === undefined || body === undefined) continue;
    const problem = problemOf(body, path, touch);
    if (problem !== undefined) problems.error((node && spotOf(node, touch.part)) ?? at, 'unknown-name', problem);
    if (touch.sets) body = path.length === 0 ? undefined : body.with(path);
  }
  const rest = withoutBody(compiler.about);
  compiler.about = touches !== undefined && body !== undefined ? { ...rest, body } : rest;
}

/** What is set may be new, and what it stands in is made if need be; a name that is nearly a known one is a slip. */
function problemOf(body: BodyShape, path: readonly string[], { sets }: Touch): string | undefined {
  return sets ? body.problem(path.slice(0, -1), true) : body.problem(path);
}

function pathOf(part: string): readonly string[] | undefined {
  return part === 'body' || part.startsWith('body.') ? part.split('.').slice(1) : undefined;
}

/** Where the value spells it, as a key or as text. */
function spotOf(node: Node, written: string): Spot | undefined {
  if (node.kind === 'scalar' && node.text === written) return node;
  if (node.kind === 'list') return node.items.map((item) => spotOf(item, written)).find((spot) => spot !== undefined);
  if (node.kind !== 'map') return undefined;
  for (const { key, keyStart, value } of node.entries.values()) {
    if (key === written) return { file: node.file, start: keyStart };
    const inner = spotOf(value, written);
    if (inner) return inner;
  }
  return undefined;
}
