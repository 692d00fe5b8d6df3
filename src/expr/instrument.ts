/**
 * Puts the budget, and our own arithmetic, into a tree whose types CEL has checked: from then on every evaluation is counted. What is not
 * in a loop is looked at once, so that only inside loops what is looked at is charged for.
 */
import { EvaluationError } from '@marcbachmann/cel-js';
import { type Comprehension, childrenOf, type Evaluate, type Evaluator, isCall, isComprehension, type Node } from './ast.ts';
import { isSpent, spend, spendOnError, spendOnLook, spendOnResult } from './budget.ts';
import { arithmetic, exact } from './functions/numbers.ts';

export function instrument(node: Node, loops = 0): void {
  if (isComprehension(node)) countVisits((node.meta.alternate as Node).args as Comprehension, visitSteps(node));
  if (node.meta.macro?.names !== undefined) node.meta.macro.visitSteps = visitSteps(node);
  if (node.op === 'map' && (node.args as unknown[]).length > 0) node.setMeta('evaluate', makeMap);
  if (isArithmetic(node.op)) node.setMeta('evaluate', calculate(node.op));
  if (node.op === '+' || isPlainCall(node)) after(node, spendOnResult);
  if (node.op === '||' || node.op === '&&') countErrors((node.args as [Node, Node])[0]);
  const looks = loops > 0 && (isPlainCall(node) || lookers.has(node.op));
  for (const child of childrenOf(node)) {
    instrument(child.node, child.looped ? loops + 1 : loops);
    if (looks && child.node.op !== 'value') after(child.node, spendOnLook);
  }
}

const lookers = new Set(['in', '==', '!=', '+']);

function isPlainCall(node: Node): boolean {
  return isCall(node) && node.meta.macro === undefined && node.meta.alternate === undefined;
}

function isArithmetic(op: string): op is keyof typeof arithmetic {
  return Object.hasOwn(arithmetic, op);
}

/** CEL's own takes whole numbers beyond 2^53 as 64-bit integers, and divides by zero. */
function calculate(op: keyof typeof arithmetic): Evaluate {
  const run = arithmetic[op];
  const isPlus = op === '+';
  return (evaluator, node, context) => {
    const [leftNode, rightNode] = node.args as [Node, Node];
    const left = evaluator.run(leftNode, context);
    const right = evaluator.run(rightNode, context);
    try {
      if (typeof left === 'number' && typeof right === 'number') return run(left, right);
      if (isPlus && typeof left === 'string' && typeof right === 'string') return left + right;
      if (typeof left === 'bigint' && typeof right === 'bigint') return run(exact(left), exact(right));
      return (node as Operator).handle(left, right, node, evaluator);
    } catch (error) {
      throw error instanceof EvaluationError ? error.withAst(node as never) : error;
    }
  };
}

interface Operator extends Node {
  handle(left: unknown, right: unknown, node: Node, evaluator: Evaluator): unknown;
}

/** What one visit costs beside the functions it calls: a step for each eight parts of what is evaluated. */
function visitSteps(loop: Node): number {
  let parts = 0;
  for (const { node, looped } of childrenOf(loop)) if (looped) parts += partsOf(node);
  return Math.ceil(parts / 8);
}

/** But for the insides of further loops, which are counted there. */
function partsOf(node: Node): number {
  return childrenOf(node).reduce((sum, child) => sum + (child.looped ? 0 : partsOf(child.node)), 1);
}

function countVisits(comprehension: Comprehension, cost: number): void {
  const { step, condition } = comprehension;
  const { evaluate } = step.meta;
  step.setMeta('evaluate', (evaluator, node, context) => {
    spend(cost);
    return evaluate(evaluator, node, context);
  });
  if (condition === undefined) return;
  // `all` and `exists` go on in spite of errors, also in spite of a budget that is spent.
  comprehension.condition = (accumulated) => !isSpent() && condition(accumulated);
  countErrors(step);
}

/** Charges for errors that whoever asks for this value may swallow. */
function countErrors(node: Node): void {
  around(node, (evaluate) => (...args) => {
    try {
      return evaluate(...args);
    } catch (error) {
      spendOnError();
      throw error;
    }
  });
}

function after(node: Node, look: (value: unknown) => void): void {
  around(node, (evaluate) => (...args) => {
    const value = evaluate(...args);
    look(value);
    return value;
  });
}

/** Wraps what evaluates the node, wherever CEL keeps it. */
function around(node: Node, wrap: (evaluate: (...args: never[]) => unknown) => (...args: never[]) => unknown): void {
  const { alternate, macro } = node.meta;
  if (alternate !== undefined) around(alternate, wrap);
  else if (macro !== undefined) macro.evaluate = wrap(macro.evaluate as never) as typeof macro.evaluate;
  else node.setMeta('evaluate', wrap(node.meta.evaluate as never) as Evaluate);
}

/** CEL's own leaves out the keys `constructor`, `__proto__` and `prototype` without a word. */
const makeMap: Evaluate = (evaluator, node, context) => {
  const map = new Map<unknown, unknown>();
  for (const [key, value] of node.args as [Node, Node][]) map.set(evaluator.run(key, context), evaluator.run(value, context));
  return map;
};
