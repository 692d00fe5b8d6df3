/** Which arguments are texts of a small language. */
import { callOf, type Node } from './ast.ts';
import type { Language } from './functions/language.ts';
import { regularExpressions } from './functions/patterns.ts';
import { timeFormats } from './functions/time-format.ts';
import { topicFilters } from './functions/topics.ts';
import { timeZones } from './functions/zones.ts';

const places: Readonly<Record<string, readonly [argument: number, language: Language<unknown>][]>> = {
  'regex.extract': [[1, regularExpressions]],
  'regex.extractAll': [[1, regularExpressions]],
  'regex.replace': [[1, regularExpressions]],
  'topic.match': [[1, topicFilters]],
  formatTime: [
    [1, timeFormats],
    [2, timeZones],
  ],
  parseTime: [
    [1, timeFormats],
    [2, timeZones],
  ],
};

/** Compiles what stands in the expression itself. Throws ExpressionError when it is wrong. */
export function prepareLiterals(call: Node): void {
  const { name, receiver, args } = callOf(call);
  const namespace = receiver?.op === 'id' ? `${receiver.args}.` : '';
  const key = `${receiver === undefined ? '' : namespace}${name}`;
  const found = Object.hasOwn(places, key) ? (places[key] ?? []) : ofMethod(name, receiver, args.length);
  for (const [argument, language] of found) {
    const node = args[argument];
    if (node?.op === 'value' && typeof node.args === 'string') language.prepare(node.args, node.pos);
  }
}

function ofMethod(name: string, receiver: Node | undefined, count: number): readonly [number, Language<unknown>][] {
  if (receiver === undefined || count !== 1) return [];
  if (name === 'matches') return [[0, regularExpressions]];
  return /^get[A-Z]/.test(name) ? [[0, timeZones]] : [];
}
