/** Walks an expression with what is known of the body, and refuses names that cannot be there. Runs before CEL checks its types. */
import { callOf, childrenOf, isCall, isComprehension, type Node } from './ast.ts';
import type { Shape } from './body-shape.ts';
import { ExpressionError } from './failure.ts';

/** What the names of loops and `cel.bind` stand for; undefined: not known. */
type Scope = ReadonlyMap<string, Shape | undefined>;

/** `body`: undefined when nothing is known of it. Throws {@link ExpressionError} at the name. */
export function checkNames(root: Node, body: Shape | undefined): void {
  if (body !== undefined) shapeOf(root, new Map([['body', body]]));
}

/** What is known of what the node yields. */
function shapeOf(node: Node, scope: Scope): Shape | undefined {
  if (node.op === 'id') return scope.get(node.args as string);
  if (node.op === '.' || node.op === '.?') {
    const [left, name] = node.args as [Node, string];
    return memberOf(node, shapeOf(left, scope), left, name, true);
  }
  if (node.op === '[]' || node.op === '[?]') return elementOf(node, scope);
  if (isCall(node)) return shapeOfCall(node, scope);
  for (const child of childrenOf(node)) shapeOf(child.node, scope);
  return undefined;
}

function memberOf(node: Node, shape: Shape | undefined, left: Node, name: string, guess: boolean): Shape | undefined {
  const problem = shape?.missing(name, left.input.slice(left.start, left.end), guess);
  if (problem !== undefined) throw new ExpressionError(problem, node.pos);
  return shape?.member(name);
}

/** `x["name"]` is the way to write a name that looks like a slip and is none. */
function elementOf(node: Node, scope: Scope): Shape | undefined {
  const [left, index] = node.args as [Node, Node];
  const shape = shapeOf(left, scope);
  if (index.op === 'value' && typeof index.args === 'string') return memberOf(index, shape, left, index.args, false);
  shapeOf(index, scope);
  return index.op === 'value' ? shape?.items() : undefined;
}

function shapeOfCall(node: Node, scope: Scope): Shape | undefined {
  const { name, receiver, args } = callOf(node);
  if (isComprehension(node)) {
    const list = shapeOf(receiver as Node, scope);
    const inner = new Map(scope).set((args[0] as Node).args as string, list?.items());
    for (const part of args.slice(1)) shapeOf(part, inner);
    return name === 'filter' ? list : undefined;
  }
  const names = node.meta.macro?.names;
  if (names !== undefined) {
    const list = shapeOf(receiver as Node, scope);
    const inner = new Map(scope).set(names[0]?.args as string, undefined).set(names[1]?.args as string, list?.items());
    for (const part of args.slice(2)) shapeOf(part, inner);
    return undefined;
  }
  if (name === 'bind' && receiver?.op === 'id' && receiver.args === 'cel') {
    const [variable, value, result] = args as [Node, Node, Node];
    return shapeOf(result, new Map(scope).set(variable.args as string, shapeOf(value, scope)));
  }
  const shapes = childrenOf(node).map((child) => shapeOf(child.node, scope));
  return receiver === undefined && (name === 'first' || name === 'last') ? shapes[0]?.items() : undefined;
}
