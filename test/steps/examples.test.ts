import { isUtf8 } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { Message, type MessageInit, propertyNames } from '../../src/message.ts';
import { stepKinds } from '../../src/steps/index.ts';
import { anyStepsOf } from './route.ts';
import { throughStage } from './stage.ts';

describe('the example in the reference holds: ', () => {
  test.each(Object.values(stepKinds).map((kind) => [kind.name, kind.example] as const))('%s', async (name, example) => {
    expect(example.steps).toContain(name);
    const given = example.before.split('\n---\n').map(parse);
    const passed = stepKinds[name]?.stage ? throughStage(example.steps, given) : (await anyStepsOf(example.steps, example.files))(given);
    const { out, failed, dropped } = { dropped: [], ...(await passed) };
    const after = failed[0]?.[1].code ?? (dropped.length > 0 ? 'dropped' : out.length === 0 ? 'filtered' : out.map(show).join('\n---\n'));
    expect(after, failed[0]?.[1].message).toBe(example.after);
  });
});

/** A message written as lines of `name: value`. */
function parse(text: string): Message {
  const init: { -readonly [K in keyof MessageInit]: MessageInit[K] } & Record<string, unknown> = { body: null };
  const headers: [string, string][] = [];
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^([\w.:-]+): (.*)$/.exec(line) ?? [];
    if (name.startsWith('header.')) headers.push([name.slice('header.'.length), value]);
    else if (name === 'body' || name === 'key')
      init[name] = value.startsWith('base64 ') ? Buffer.from(value.slice(7), 'base64') : Buffer.from(value);
    else init[name] = /^(timestamp|expiresAt|priority)$/.test(name) ? Number(value) : value;
  }
  return new Message({ ...init, headers });
}

function show(message: Message): string {
  const lines = message.key === null ? [] : [`key: ${bytes(message.key)}`];
  for (const name of propertyNames) if (message[name] !== undefined) lines.push(`${name}: ${message[name]}`);
  for (const [name, value] of message.headers) lines.push(`header.${name}: ${value}`);
  if (message.body !== null) lines.push(`body: ${bytes(message.body)}`);
  return lines.join('\n');
}

function bytes(given: Buffer): string {
  return isUtf8(given) ? given.toString() : `base64 ${given.toString('base64')}`;
}
