/**
 * `all`, `exists`, `existsOne`, `transformList`, `transformMap` and `transformMapEntry` with two names: place and element of a list, key and
 * value of a map. CEL's library of two-variable comprehensions; the package does not have it.
 */
import type { Environment } from '@marcbachmann/cel-js';
import type { Checker, Context, Evaluator, LoopMacro, Macro, Node, OverlayContext, Type } from '../ast.ts';
import { isSpent, spend, spendOnError } from '../budget.ts';
import { ExpressionError, fail, readable } from '../failure.ts';
import { entriesOf, isAnyMap } from './maps.ts';

export const twoVariableDocs: readonly (readonly [signature: string, doc: string, example: string])[] = [
  ['x.all(k, v, condition): bool', 'whether it holds for all; `k` is the place in a list or the key of a map', '[5, 6].all(i, v, v > i)'],
  ['x.exists(k, v, condition): bool', 'whether it holds for at least one', '{"a": 1}.exists(k, v, k == "a" && v == 1)'],
  ['x.existsOne(k, v, condition): bool', 'whether it holds for exactly one', '[5, 6].existsOne(i, v, i == 0)'],
  ['x.transformList(k, v, value): list', 'a list of what is made of each', '["a", "b"].transformList(i, v, v + string(i)) == ["a0", "b1"]'],
  ['x.transformList(k, v, condition, value): list', 'only of those for which it holds', '[5, 6].transformList(i, v, v > 5, i) == [1]'],
  ['x.transformMap(k, v, value): map', 'with the same keys and new values', '{"a": 1}.transformMap(k, v, v + 1) == {"a": 2}'],
  [
    'x.transformMap(k, v, condition, value): map',
    'only of those for which it holds',
    '{"a": 1, "b": 2}.transformMap(k, v, v > 1, v) == {"b": 2}',
  ],
  [
    'x.transformMapEntry(k, v, map): map',
    'with the keys and values of the maps that are made',
    '{"a": 1}.transformMapEntry(k, v, {k + "x": v}) == {"ax": 1}',
  ],
  [
    'x.transformMapEntry(k, v, condition, map): map',
    'only of those for which it holds',
    '[1, 2].transformMapEntry(i, v, v > 1, {"n": v}) == {"n": 2}',
  ],
];

interface Loop {
  /** What it yields; the type of its last part is given. */
  type(checker: Checker, made: Type): Type;
  /** Begins with nothing made. */
  start(): Made;
}

interface Made {
  /** With what the last part has yielded for one element; true when nothing more can change the result. */
  take(value: unknown, key: unknown): boolean;
  /** An error of one element is not yet one of all. */
  readonly outlivesErrors?: boolean;
  result(error: unknown): unknown;
}

const loops: Readonly<Record<string, Loop>> = {
  all: { type: boolOf, start: () => quantifier(false) },
  exists: { type: boolOf, start: () => quantifier(true) },
  existsOne: { type: boolOf, start: counter },
  transformList: { type: (checker) => checker.getType('list'), start: listMaker },
  transformMap: { type: (checker) => checker.getType('map'), start: () => mapMaker((value, key) => [[key, value]]) },
  transformMapEntry: { type: (checker) => checker.getType('map'), start: () => mapMaker(entryOf) },
};

export function registerTwoVariables(environment: Environment): void {
  for (const [name, loop] of Object.entries(loops)) {
    const most = name.startsWith('transform') ? 4 : 3;
    for (let count = 3; count <= most; count++) {
      const signature = `list.${name}(${Array(count).fill('ast').join(', ')}): dyn`;
      environment.registerFunction(signature, (call: Call) => macroOf(loop, name, call) as never, { async: false });
    }
  }
}

interface Call {
  readonly receiver: Node;
  readonly args: readonly Node[];
}

function macroOf(loop: Loop, name: string, { receiver, args }: Call): LoopMacro {
  const condition = args.length === 4 ? args[2] : undefined;
  const last = args.at(-1) as Node;
  let outer: OverlayContext;
  let inner: OverlayContext;
  return {
    async: false,
    names: args.slice(0, 2),
    visitSteps: 1,
    typeCheck(checker: Checker, _: unknown, context: Context) {
      const [keyName, valueName] = args.slice(0, 2).map(identifier);
      const [keyType, valueType] = elementTypes(checker, checker.check(receiver, context), receiver);
      outer = context.forkWithVariable(keyName as string, keyType);
      inner = outer.forkWithVariable(valueName as string, valueType);
      const conditionType = condition && checker.check(condition, inner);
      const type = checker.check(last, inner);
      if (conditionType) assertBool(conditionType, condition as Node, name);
      if (loop.type === boolOf) assertBool(type, last, name);
      return loop.type(checker, type);
    },
    evaluate(evaluator: Evaluator, { visitSteps = 1 }: Macro, context: Context) {
      const made = loop.start();
      const elements = elementsOf(evaluator.run(receiver, context));
      inner.reuse(outer.reuse(context));
      let error: unknown;
      for (const [key, value] of elements) {
        if (isSpent()) break;
        try {
          spend(visitSteps);
          outer.setIterValue(key, evaluator);
          inner.setIterValue(value, evaluator);
          if (condition !== undefined && !isTrue(evaluator.run(condition, inner))) continue;
          if (made.take(evaluator.run(last, inner), key)) return made.result(undefined);
        } catch (thrown) {
          if (!made.outlivesErrors) throw thrown;
          spendOnError();
          error ??= thrown;
        }
      }
      return made.result(error);
    },
  };
}

function identifier(node: Node): string {
  if (node.op !== 'id') throw new ExpressionError('a name for what is looked at must stand here', node.pos);
  return node.args as string;
}

function elementTypes(checker: Checker, type: Type, node: Node): [Type, Type] {
  if (type.kind === 'dyn') return [checker.dynType, checker.dynType];
  if (type.kind === 'list') return [checker.getType('double'), type.valueType as Type];
  if (type.kind === 'map') return [type.keyType as Type, type.valueType as Type];
  throw new ExpressionError(`this must be a list or a map, but it is ${readable(type.name)}`, node.pos);
}

function assertBool({ type, kind, name }: Type, node: Node, macro: string): void {
  if (type !== 'bool' && kind !== 'dyn')
    throw new ExpressionError(`${macro}() needs a condition here, but it is ${readable(name)}`, node.pos);
}

function boolOf(checker: Checker): Type {
  return checker.getType('bool');
}

function elementsOf(value: unknown): Iterable<readonly [unknown, unknown]> {
  if (Array.isArray(value)) return value.entries();
  return isAnyMap(value) ? entriesOf(value) : fail('this is neither a list nor a map');
}

function isTrue(value: unknown): boolean {
  return typeof value === 'boolean' ? value : fail('the condition must be true or false');
}

function quantifier(decisive: boolean): Made {
  let isDecided = false;
  return {
    outlivesErrors: true,
    take: (value) => (isDecided = isTrue(value) === decisive),
    result(error) {
      if (error !== undefined && !isDecided) throw error;
      return isDecided === decisive;
    },
  };
}

function counter(): Made {
  let count = 0;
  return {
    take(value) {
      if (isTrue(value)) count++;
      return false;
    },
    result: () => count === 1,
  };
}

function listMaker(): Made {
  const list: unknown[] = [];
  return {
    take(value) {
      list.push(value);
      return false;
    },
    result: () => list,
  };
}

function mapMaker(entries: (value: unknown, key: unknown) => Iterable<readonly [unknown, unknown]>): Made {
  const map = new Map<unknown, unknown>();
  return {
    take(value, key) {
      for (const [name, item] of entries(value, key)) {
        spend(4);
        if (map.has(name)) fail('two entries have the same key');
        map.set(name, item);
      }
      return false;
    },
    result: () => map,
  };
}

function entryOf(value: unknown): Iterable<readonly [unknown, unknown]> {
  return isAnyMap(value) ? entriesOf(value) : fail('transformMapEntry() must make a map of each');
}
