import { type Mapping, mapping } from '../config/fields.ts';
import { MqferryError } from '../errors.ts';
import { put } from '../expr/index.ts';
import type { Message } from '../message.ts';
import { bodyChange } from './json.ts';
import { assertJson } from './slots.ts';
import { defineStep, eachMessage } from './step.ts';

export const map = defineStep({
  name: 'map',
  summary: 'Makes a new body: a map or list becomes JSON with its content type, text becomes UTF-8, bytes stay as they are.',
  value: mapping('An expression, or a YAML map or list whose leaves are expressions.'),
  example: {
    steps: '- map: { id: body.orderId, cents: int(body.total * 100) }',
    before: 'body: {"orderId":7,"total":1.5,"note":"x"}',
    after: 'contentType: application/json\nbody: {"id":7,"cents":150}',
  },
  explain: (tree) => (tree instanceof Map ? `makes a new body with ${[...tree.keys()].join(', ')}` : 'makes a new body'),
  compile(tree) {
    if (typeof tree !== 'function') assertLeaves(tree, []);
    return eachMessage('map', (message) => {
      const value = evaluate(tree, message);
      if (value === null) throw new MqferryError('STEP_FAILED', 'the new body is null; for a tombstone use set with body: null');
      return message.change(bodyChange(value));
    });
  },
});

/** What a map or list may have in it. */
function assertLeaves(tree: Mapping, path: readonly string[]): void {
  if (typeof tree === 'function') assertJson(path.join('.'), tree.yields, path[0]);
  else for (const [name, item] of tree.entries()) assertLeaves(item, [...path, String(name)]);
}

/** What a tree of expressions yields for a message. */
export function evaluate(tree: Mapping, message: Message): unknown {
  if (typeof tree === 'function') return tree(message);
  if (Array.isArray(tree)) return (tree as readonly Mapping[]).map((item) => evaluate(item, message));
  const object: Record<string, unknown> = {};
  for (const [name, item] of tree as ReadonlyMap<string, Mapping>) put(object, name, evaluate(item, message));
  return object;
}
