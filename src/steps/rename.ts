import { map, text } from '../config/fields.ts';
import { BadSetting, MqferryError } from '../errors.ts';
import type { Headers, Message } from '../message.ts';
import { JsonDraft } from './json.ts';
import { defineStep, eachMessage } from './step.ts';
import { parseTargets } from './target.ts';

export const rename = defineStep({
  name: 'rename',
  summary:
    'Gives headers and parts of a JSON body other names; values, types and digits stay as they are. All at once, so that two names can be swapped. What is not there is no error; what had the new name before is gone.',
  value: map('The new name by the old one: `header.<name>` or `body.<path>`.', text('The new name, of the same kind.')),
  example: {
    steps: '- rename:\n    header.x-region: header.region\n    body.customer.id: body.customerId',
    before: 'header.x-region: eu\nbody: {"customer":{"id":12345678901234567890},"total":1.50}',
    after: 'header.region: eu\nbody: {"customer":{},"total":1.50,"customerId":12345678901234567890}',
  },
  touches: (names) =>
    Object.entries(names).flatMap(([from, to]) => [
      { part: from, sets: false },
      { part: to, sets: true },
    ]),
  explain: (names) =>
    `renames ${Object.entries(names)
      .map(([from, to]) => `${from} to ${to}`)
      .join(', ')}`,
  compile(names) {
    const { headers, moves } = compileNames(names);
    return eachMessage('rename', (message) => {
      const renamed = headers.size > 0 ? renameHeaders(message.headers, headers) : message.headers;
      const body = moves.length > 0 ? moveParts(message, moves) : undefined;
      if (body === undefined && renamed === message.headers) return message;
      return message.change({ headers: renamed, ...body });
    });
  },
});

interface Move {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

function compileNames(names: Readonly<Record<string, string>>): { headers: ReadonlyMap<string, string>; moves: readonly Move[] } {
  const headers = new Map<string, string>();
  const moves: Move[] = [];
  const from = parseTargets(Object.keys(names));
  const keys = Object.keys(names);
  const to = parseTargets(Object.values(names), (_, index) => keys[index] as string);
  from.forEach((old, i) => {
    const fresh = to[i];
    if (old.kind === 'header' && fresh?.kind === 'header') headers.set(old.name, fresh.name);
    else if (old.kind === 'path' && fresh?.kind === 'path') moves.push({ from: old.path, to: fresh.path });
    else
      refuse(
        keys[i] as string,
        `${keys[i]} can only be renamed to a name of its own kind: header.<name> or body.<path>; else use set and remove`,
      );
  });
  for (const { from } of moves) {
    if (moves.some((other) => other.from.length < from.length && other.from.every((name, i) => name === from[i])))
      refuse(`body.${from.join('.')}`, `body.${from.join('.')} is a part of another that is renamed here: use two steps`);
  }
  return { headers, moves };
}

/** Each in its place; repeats too. */
function renameHeaders(before: Headers, names: ReadonlyMap<string, string>): Headers {
  const taken = new Set<string>();
  for (const [name] of before) {
    const fresh = names.get(name);
    if (fresh !== undefined) taken.add(fresh);
  }
  if (taken.size === 0) return before;
  return before.filter(([name]) => names.has(name) || !taken.has(name)).map(([name, value]) => [names.get(name) ?? name, value] as const);
}

/** Undefined when nothing of it is there. */
function moveParts(message: Message, moves: readonly Move[]): ReturnType<JsonDraft['change']> | undefined {
  const draft = new JsonDraft(message);
  const found = moves.map(({ from, to }) => ({ from, to, value: draft.get(from) })).filter(({ value }) => value !== undefined);
  if (found.length === 0) return undefined;
  for (const { from } of found) {
    if (Array.isArray(draft.get(from.slice(0, -1))))
      throw new MqferryError('STEP_FAILED', `body.${from.join('.')} is an element of a list: it has no name`);
    draft.remove(from);
  }
  for (const { to, value } of found) draft.place(to, value);
  return draft.change();
}

function refuse(key: string, sentence: string): never {
  throw new BadSetting(key, sentence);
}
