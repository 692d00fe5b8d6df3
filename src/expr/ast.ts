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
}

export interface Checker {
  readonly dynType: Type;
  check(node: Node, context: Context): Type;
}

export interface Type {
  readonly name: string;
  readonly kind: string;
}

export type Evaluate = (evaluator: Evaluator, node: Node, context: Context) => unknown;

export interface Macro {
  evaluate(evaluator: Evaluator, macro: Macro, context: Context): unknown;
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
  readonly meta: Meta;
  readonly checkedType?: Type;
  setMeta<K extends keyof Meta>(key: K, value: Meta[K]): this;
}

export interface Comprehension {
  readonly step: Node;
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

/** The name that a comprehension or `cel.bind` gives to a value. */
export function boundName(node: Node): Node | undefined {
  if (!isCall(node)) return undefined;
  const { name, receiver, args } = callOf(node);
  const binds = isComprehension(node) || (name === 'bind' && receiver?.op === 'id' && receiver.args === 'cel');
  return binds ? args[0] : undefined;
}

function childrenOfCall(node: Node): Child[] {
  const { receiver, args } = callOf(node);
  const looped = isComprehension(node);
  const values = boundName(node) === undefined ? args : args.slice(1);
  const children = values.map((child) => ({ node: child, looped }));
  return receiver === undefined ? children : [{ node: receiver, looped: false }, ...children];
}

function once(nodes: readonly Node[]): Child[] {
  return nodes.map((node) => ({ node, looped: false }));
}
