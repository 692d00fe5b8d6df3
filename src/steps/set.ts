import { map, type Value, value } from '../config/fields.ts';
import { BadSetting } from '../errors.ts';
import { Draft } from './draft.ts';
import { assertFits } from './slots.ts';
import { defineStep, eachMessage } from './step.ts';
import { parseTargets, type Target } from './target.ts';
import { headerValue, keyValue, propertyValue } from './values.ts';

export const set = defineStep({
  name: 'set',
  summary:
    'Sets the key, properties, headers, the body or parts of a JSON body; null removes. All values are of the message as it was before.',
  value: map(
    'By what is set: `key`, `id`, `contentType` ..., `header.<name>`, `body`, `body.<path>`.',
    value('Text, in which `${{ expr }}` is evaluated; what is exactly one keeps its type; null removes.'),
  ),
  example: {
    steps:
      "- set:\n    key: '${{ body.customerId }}'\n    header.region: eu\n    body.total: '${{ body.net + body.tax }}'\n    body.net: null",
    before: 'body: {"customerId":7,"net":10,"tax":2}',
    after: 'key: 7\nheader.region: eu\nbody: {"customerId":7,"tax":2,"total":12}',
  },
  touches: (values) => Object.entries(values).map(([part, value]) => ({ part, sets: value !== null })),
  explain: explainSet,
  compile(values) {
    const names = Object.keys(values);
    const changes = parseTargets(names).map((target, i) => ({ target, value: values[names[i] as string] ?? null }));
    changes.forEach(({ target, value }, i) => {
      checkConstant(names[i] as string, target, value);
      if (value?.constant === undefined) assertFits(target, names[i] as string, value?.yields);
    });
    return eachMessage('set', (message) => {
      const draft = new Draft(message);
      for (const { target, value } of changes) draft.set(target, value === null ? null : (value(message) ?? null));
      return draft.finish();
    });
  },
});

function explainSet(values: Readonly<Record<string, Value | null>>): string {
  const names = Object.keys(values);
  const removed = names.filter((name) => values[name] === null);
  const kept = names.filter((name) => values[name] !== null);
  return [kept.length > 0 && `sets ${kept.join(', ')}`, removed.length > 0 && `removes ${removed.join(', ')}`].filter(Boolean).join('; ');
}

/** A value that is the same for every message is checked before there is one. */
function checkConstant(name: string, target: Target, value: Value | null): void {
  if (value === null || value.constant === undefined) return;
  try {
    if (target.kind === 'property') propertyValue(target.name, value.constant);
    else if (target.kind === 'key') keyValue(value.constant);
    else if (target.kind === 'header') headerValue(target.name, value.constant);
  } catch (error) {
    throw new BadSetting(name, `${(error as Error).message}, found "${value.text}"`);
  }
}
