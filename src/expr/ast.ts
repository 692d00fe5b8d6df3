/**
 * The part of CEL's syntax tree that we walk and adjust before it is checked, and instrument after. The library has no types for it; its
 * version is pinned and test/expr/guards.test.ts fails when it changes.
 */

/** Runs nodes. */
export interface Evaluator {
  run(node: Node, context: Context): unknown;
}

export interface Context {
  getValue(name: string): unknown;
  forkWithVariable(name: string, type: Type): OverlayContext;
}

/** A context in which one more name stands for something. */
export interface OverlayContext extends Context {
  reuse(parent: Context): this;
  setIterValue(value: unknown, evaluator: Evaluator): this;
}

export interface Checker {
  readonly dynType: Type;
  check(node: Node, context: Context): Type;
  getType(name: string): Type;
}

export interface Type {
  readonly name: string;
  readonly kind: string;
  readonly type: string;
  /** Of a list, a map, an optional. */
  readonly valueType?: Type;
  readonly keyType?: Type;
}

export type Evaluate = (evaluator: Evaluator, node: Node, context: Context) => unknown;

export interface Macro {
  evaluate(evaluator: Evaluator, macro: Macro, context: Context): unknown;
  /** Of a loop of ours: the names it gives, and the steps of one visit. */
  readonly names?: readonly Node[];
  visitSteps?: number;
}

/** A loop of ours. */
export interface LoopMacro extends Macro {
  readonly async: false;
  readonly names: readonly Node[];
  visitSteps: number;
  typeCheck(checker: Checker, macro: unknown, context: Context): Type;
}

interface Meta {
  check(checker: Checker, node: Node, context: Context): Type;
  evaluate: Evaluate;
  /** What the node was expanded to: a comprehension, or the value of a constant. */
  alternate?: Node;
  macro?: Macro;
}

export interface Node {
  readonly op: string;
  args: unknown;
  readonly pos: number;
  /** The text of the expression, and where in it the node stands. */
  readonly input: string;
  readonly start: number;
  readonly end: number;
  readonly meta: Meta;
  readonly checkedType?: Type;
  setMeta<K extends keyof Meta>(key: K, value: Meta[K]): this;
}

export interface Comprehension {
  readonly step: Node;
  /** Whether an `all` or `exists` goes on. */
  condition?: (accumulated: unknown) => boolean;
}

/** `name(args)` and `receiver.name(args)`. */
export interface Call {
  readonly name: string;
  readonly receiver: Node | undefined;
  readonly args: readonly Node[];
}

export function isCall(node: Node): boolean {
  return node.op === 'call' || node.op === 'rcall';
}

export function callOf(node: Node): Call {
  const parts = node.args as [string, Node[]] | [string, Node, Node[]];
  return parts.length === 3
    ? { name: parts[0], receiver: parts[1], args: parts[2] }
    : { name: parts[0], receiver: undefined, args: parts[1] };
}

export function renameCall(node: Node, name: string): void {
  (node.args as [string, ...unknown[]])[0] = name;
}

/** One of the library's: `map`, `filter`, `all`, `exists`, `exists_one`. */
export function isComprehension(node: Node): boolean {
  return node.meta.alternate?.op === 'comprehension';
}

/** A child and whether it is run once per element. */
export interface Child {
  readonly node: Node;
  readonly looped: boolean;
}

/** The children that are expressions; the names that `map(x, ...)` and `cel.bind(x, ...)` give are not. */
export function childrenOf(node: Node): Child[] {
  if (isCall(node)) return childrenOfCall(node);
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return once([(node.args as [Node, string])[0]]);
    case 'map':
      return once((node.args as [Node, Node][]).flat());
    default:
      return once(Array.isArray(node.args) ? (node.args as Node[]) : [node.args as Node]);
  }
}

/** The names that a comprehension or `cel.bind` gives to values. */
export function boundNames(node: Node): readonly Node[] {
  if (!isCall(node)) return [];
  const { name, receiver, args } = callOf(node);
  const binds = isComprehension(node) || (name === 'bind' && receiver?.op === 'id' && receiver.args === 'cel');
  return node.meta.macro?.names ?? (binds ? args.slice(0, 1) : []);
}

function childrenOfCall(node: Node): Child[] {
  const { receiver, args } = callOf(node);
  const looped = isComprehension(node) || node.meta.macro?.names !== undefined;
  const children = args.slice(boundNames(node).length).map((child) => ({ node: child, looped }));
  return receiver === undefined ? children : [{ node: receiver, looped: false }, ...children];
}

function once(nodes: readonly Node[]): Child[] {
  return nodes.map((node) => ({ node, looped: false }));
}
