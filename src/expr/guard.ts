/**
 * What CEL allows and we do not, or want otherwise. `guard` runs on the tree before CEL checks its types, `instrument` after: from then on
 * every evaluation is counted against its budget.
 */

import { boundName, type Comprehension, callOf, childrenOf, type Evaluate, isCall, isComprehension, type Node, renameCall } from './ast.ts';
import { spend, spendOnLook, spendOnResult } from './budget.ts';
import { ExpressionError } from './failure.ts';
import { prepareLiteralPattern } from './functions/patterns.ts';
import { isReplaced, replacedName } from './functions/registry.ts';
import { variables } from './names.ts';
import { isSafe } from './result.ts';

const nestingMax = 2;

/** Refuses what would be unbounded, and makes numbers numbers, `matches` RE2, `type` a name. */
export function guard(node: Node, loops = 0): void {
  if (loops > nestingMax) throw new ExpressionError(`at most ${nestingMax} of map, filter, all, exists may be inside each other`, node.pos);
  guardLiteral(node);
  guardName(node);
  if (isCall(node)) guardCall(node);
  if (node.op === '[]' || node.op === '[?]') allowNumberAsIndex((node.args as [Node, Node])[1]);
  for (const child of childrenOf(node)) guard(child.node, child.looped ? loops + 1 : loops);
}

/** Numbers in JSON are doubles; a whole literal is one too, so that `body.n / 2` and `7 / 2` mean the same. */
function guardLiteral(node: Node): void {
  if (node.op !== 'value') return;
  const value = node.args;
  if (typeof value === 'bigint' && isSafe(value)) node.args = Number(value);
  else if (value === null) node.setMeta('check', (checker) => checker.dynType);
  else if (Object.prototype.toString.call(value).startsWith('[object value =')) {
    throw new ExpressionError('there are no unsigned numbers: leave out the u', node.pos);
  }
}

function guardName(node: Node): void {
  if (node.op === 'id' && node.args === 'type') node.args = 'message_type';
  const bound = boundName(node);
  if (bound?.op === 'id' && Object.hasOwn(variables, bound.args as string)) {
    throw new ExpressionError(`"${bound.args}" already means something: choose another name here`, bound.pos);
  }
}

function guardCall(node: Node): void {
  const { name, receiver, args } = callOf(node);
  if (receiver !== undefined && /^get[A-Z]/.test(name) && args.length > 0) {
    throw new ExpressionError(`${name}() takes no time zone: it is always UTC`, args[0]?.pos ?? node.pos);
  }
  prepareLiteralPattern(name, receiver, args);
  if (isReplaced(name, receiver !== undefined)) renameCall(node, replacedName(name));
}

function allowNumberAsIndex(index: Node): void {
  const { check } = index.meta;
  index.setMeta('check', (checker, node, context) => {
    const type = check(checker, node, context);
    return type.name === 'double' ? checker.dynType : type;
  });
}

/** Counts elements visited, and in comprehensions what each visit looks at. */
export function instrument(node: Node, loops = 0): void {
  if (isComprehension(node)) countVisits((node.meta.alternate as Node).args as Comprehension);
  if (node.op === 'map' && (node.args as unknown[]).length > 0) node.setMeta('evaluate', makeMap);
  if (node.op === '+' || (isCall(node) && node.meta.macro === undefined && node.meta.alternate === undefined)) after(node, spendOnResult);
  const looks = loops > 0 && looksAtAll(node);
  for (const child of childrenOf(node)) {
    instrument(child.node, child.looped ? loops + 1 : loops);
    if (looks && child.node.op !== 'value') after(child.node, spendOnLook);
  }
}

const lookers = new Set(['in', '==', '!=', '+', 'call', 'rcall']);

function looksAtAll(node: Node): boolean {
  return lookers.has(node.op) && node.meta.macro === undefined && node.meta.alternate === undefined;
}

function countVisits(comprehension: Comprehension): void {
  const { step } = comprehension;
  const { evaluate } = step.meta;
  step.setMeta('evaluate', (evaluator, node, context) => {
    spend(1);
    return evaluate(evaluator, node, context);
  });
}

function after(node: Node, look: (value: unknown) => void): void {
  const { alternate, macro } = node.meta;
  if (alternate !== undefined) after(alternate, look);
  else if (macro !== undefined) macro.evaluate = looking(macro.evaluate, look);
  else node.setMeta('evaluate', looking(node.meta.evaluate, look));
}

function looking<A extends unknown[]>(evaluate: (...args: A) => unknown, look: (value: unknown) => void): (...args: A) => unknown {
  return (...args) => {
    const value = evaluate(...args);
    look(value);
    return value;
  };
}

/** CEL's own leaves out the keys `constructor`, `__proto__` and `prototype` without a word. */
const makeMap: Evaluate = (evaluator, node, context) => {
  const map = new Map<unknown, unknown>();
  for (const [key, value] of node.args as [Node, Node][]) map.set(evaluator.run(key, context), evaluator.run(value, context));
  return map;
};
