/** What CEL allows and we do not, or want otherwise: runs on the tree before CEL checks its types. */
import { boundNames, callOf, childrenOf, isCall, type Node, renameCall } from './ast.ts';
import { ExpressionError } from './failure.ts';
import { isNamespace, isReplaced, replacedName } from './functions/registry.ts';
import { instead } from './habits.ts';
import { prepareLiterals } from './literals.ts';
import { variables } from './names.ts';
import { isSafe } from './result.ts';

const nestingMax = 2;

/** Refuses what would be unbounded, and makes numbers numbers, `matches` RE2, `type` a name. */
export function guard(node: Node, loops = 0): void {
  if (loops > nestingMax) throw new ExpressionError(`at most ${nestingMax} of map, filter, all, exists may be inside each other`, node.pos);
  guardLiteral(node);
  if (node.op === 'id') guardName(node);
  for (const name of boundNames(node)) guardBoundName(name);
  if (isCall(node)) guardCall(node);
  if (node.op === '[]' || node.op === '[?]') allowNumberAsIndex((node.args as [Node, Node])[1]);
  for (const child of childrenOf(node)) {
    if (!isNamespaceOf(node, child.node)) guard(child.node, child.looped ? loops + 1 : loops);
  }
}

/** Numbers in JSON are doubles; a whole literal is one too, so that `body.n / 2` and `7 / 2` mean the same. */
function guardLiteral(node: Node): void {
  if (node.op === 'list' || node.op === 'map') guardEmpty(node);
  if (node.op !== 'value') return;
  const value = node.args;
  if (typeof value === 'bigint' && isSafe(value)) node.args = Number(value);
  else if (value === null) node.setMeta('check', (checker) => checker.dynType);
  else if (value instanceof Uint8Array && /[^\x00-\x7f]/.test(node.input.slice(node.start, node.end))) {
    // The library keeps the lower half of each character.
    throw new ExpressionError('only ASCII stands in b"…": use bytes("…")', node.pos);
  } else if (Object.prototype.toString.call(value).startsWith('[object value =')) {
    throw new ExpressionError('there are no unsigned numbers: leave out the u', node.pos);
  }
}

/** CEL's own type of an empty list or map fits two of its operators at once: `[].all(x, x > 0)` would be an error of its own. */
function guardEmpty(node: Node): void {
  if ((node.args as unknown[]).length > 0) return;
  const isList = node.op === 'list';
  node.setMeta('check', (checker) => checker.getType(isList ? 'list' : 'map'));
  node.setMeta('evaluate', isList ? () => [] : () => new Map());
}

function guardName(node: Node): void {
  const name = node.args as string;
  if (name === 'type') node.args = 'message_type';
  if (!isNamespace(name)) return;
  const hint = Object.hasOwn(instead, name) ? ` — did you mean ${instead[name]}?` : '';
  throw new ExpressionError(`"${name}" only begins the names of functions, such as ${name}.…(…)${hint}`, node.pos);
}

function guardBoundName(name: Node): void {
  if (name.op !== 'id' || !(Object.hasOwn(variables, name.args as string) || isNamespace(name.args as string))) return;
  throw new ExpressionError(`"${name.args}" already means something: choose another name here`, name.pos);
}

function guardCall(node: Node): void {
  const { name, receiver } = callOf(node);
  if (receiver === undefined && name === 'uint') throw new ExpressionError('there are no unsigned numbers: use int(...)', node.pos);
  prepareLiterals(node);
  if (isReplaced(name, receiver !== undefined)) renameCall(node, replacedName(name));
}

function isNamespaceOf(call: Node, node: Node): boolean {
  return isCall(call) && callOf(call).receiver === node && node.op === 'id' && isNamespace(node.args as string);
}

function allowNumberAsIndex(index: Node): void {
  const { check } = index.meta;
  index.setMeta('check', (checker, node, context) => {
    const type = check(checker, node, context);
    return type.name === 'double' ? checker.dynType : type;
  });
}
