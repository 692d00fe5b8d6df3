/** What to take when something is not there. */
import type { Environment } from '@marcbachmann/cel-js';
import { Optional } from '@marcbachmann/cel-js';
import type { Checker, Context, Evaluator, Node } from '../ast.ts';
import { spendOnError } from '../budget.ts';
import { isAbsence } from '../failure.ts';
import { allHeaders, type Names } from '../names.ts';
import type { Described } from './registry.ts';

const argumentsMax = 8;

export const presenceDocs: readonly Described[] = [
  [
    'default(x, y): dyn',
    'x, or y when x or a part of its path is missing or null; other errors stay errors',
    'default({"a": null}.a.b, 5) == 5',
  ],
  [
    'coalesce(x, y, ...): dyn',
    'the first of up to 8 that is neither missing nor null; the last as it is',
    'coalesce({}.a, null, "c") == "c"',
  ],
  ['headers(name): list', 'the values of all headers of this name', 'headers("no-such-header") == []'],
];

/** These look at their arguments before they are evaluated, so that CEL wants them as macros. */
export function registerPresence(environment: Environment): void {
  const macro = { async: false };
  environment.registerFunction('default(ast, ast): dyn', firstPresent, macro);
  for (let count = 2; count <= argumentsMax; count++) {
    environment.registerFunction(`coalesce(${Array(count).fill('ast').join(', ')}): dyn`, firstPresent, macro);
  }
  environment.registerFunction('headers(ast): list', headersOf, macro);
}

function firstPresent({ args }: { args: readonly Node[] }) {
  return {
    async: false,
    typeCheck(checker: Checker, _: unknown, context: Context) {
      for (const arg of args) checker.check(arg, context);
      return checker.dynType;
    },
    evaluate(evaluator: Evaluator, _: unknown, context: Context) {
      for (let i = 0; i < args.length - 1; i++) {
        const value = present(evaluator, args[i] as Node, context);
        if (value !== undefined && value !== null) return value;
      }
      return evaluator.run(args.at(-1) as Node, context);
    },
  };
}

/** The value, or undefined when a part of its path is missing. A path is walked without throwing: an error costs 8 microseconds. */
function present(evaluator: Evaluator, node: Node, context: Context): unknown {
  if (node.op === '.' || node.op === '[]') {
    const [left, right] = node.args as [Node, Node | string];
    const base = present(evaluator, left, context);
    if (base === undefined || base === null) return undefined;
    const found = lookUp(base, typeof right === 'string' ? right : evaluator.run(right, context));
    if (found !== unknownKind) return found;
  }
  try {
    const value = evaluator.run(node, context);
    return value instanceof Optional ? value.orValue(undefined) : value;
  } catch (error) {
    spendOnError();
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

const unknownKind = Symbol('neither a list nor a map');

function lookUp(base: unknown, key: unknown): unknown {
  if (base instanceof Map) return base.get(key);
  if (Array.isArray(base)) return typeof key === 'number' || typeof key === 'bigint' ? base[Number(key)] : unknownKind;
  if (typeof base === 'object' && base !== null && Object.getPrototypeOf(base) === Object.prototype) {
    return Object.hasOwn(base, key as string) ? (base as Record<string, unknown>)[key as string] : undefined;
  }
  return unknownKind;
}

function headersOf({ args }: { args: readonly Node[] }) {
  const name = args[0] as Node;
  return {
    async: false,
    typeCheck(checker: Checker & { getType(name: string): unknown }, _: unknown, context: Context) {
      checker.check(name, context);
      return checker.getType('list');
    },
    evaluate(evaluator: Evaluator, _: unknown, context: Context) {
      // Not a registered variable: no expression can name it.
      const message = context.getValue('message') as Names['message'];
      return allHeaders(message, String(evaluator.run(name, context)));
    },
  };
}
