/** Slots with a type: what can never fit is an error at load, at its place. */
import { describe, expect, test } from 'vitest';
import { compileRoutes, Message } from '../../src/index.ts';
import { failure } from './route.ts';

const head = 'routes:\n  r:\n    source: { local: { queue: q } }\n    sink: print\n    steps:\n      ';

/** `line:col sentence` of each problem. */
async function problemsOf(step: string): Promise<string[]> {
  const { problems } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text: `${head}${step}\n` }] } });
  return problems.map(({ line, col, message, hint }) => `${line}:${col} ${message}${hint ? ` — ${hint}` : ''}`);
}

describe('what can never fit is an error at load:', () => {
  test.each<[string, string]>([
    ['- filter: \'"yes"\'', '6:18 this must be true or false, but it is a text; compare it with something'],
    ['- filter: body.?vip', '6:17 this must be true or false, but it is optional<any>; end it with .orValue(false)'],
    ['- filter: [body.a, size(body.l)]', '6:26 this must be true or false, but it is a number; compare it with something'],
    ["- set: { key: '${{ [1] }}' }", '6:16 key must be text or a number or bytes, but this is a list'],
    ["- set: { key: '${{ now }}' }", '6:16 key must be text or a number or bytes, but this is a time'],
    ["- set: { id: '${{ 1 < 2 }}' }", '6:16 id must be text or a number or bytes, but this is true or false'],
    ["- set: { timestamp: '${{ raw == null }}' }", '6:16 timestamp must be a time or a number or text, but this is true or false'],
    ['- set: { expiresAt: \'${{ duration("5m") }}\' }', '6:16 expiresAt must be a time or a number or text, but this is a duration'],
    ["- set: { priority: '${{ now }}' }", '6:16 priority must be a number or text, but this is a time'],
    ["- set: { persistent: '${{ 1 }}' }", '6:16 persistent must be true or false or text, but this is a number'],
    ["- set: { body.hash: '${{ hex.decode(id) }}' }", '6:16 body.hash would be bytes, which have no JSON; use base64.encode(...)'],
    ["- set: { key: 'a-${{ [1] }}' }", '6:27 a list has no text here; use json.stringify(...)'],
    ['- log: { text: \'${{ {"a": 1} }}\' }', '6:26 a map has no text here; use json.stringify(...)'],
    ["- set: { id: '${{ string }}' }", '6:24 this is the name of a type: text stands in "quotes"'],
    ['- map: { id: id, sum: [hex.decode(id)] }', '6:24 sum.0 would be bytes, which have no JSON; use base64.encode(...)'],
    ['- split: { list: string(body.l) }', '6:18 this must be a list, but it is text'],
  ])('%s', async (step, problem) => {
    expect(await problemsOf(step)).toEqual([problem]);
  });

  test('in a case of a switch, too', async () => {
    const text =
      'routes:\n  r:\n    source: { local: { queue: q } }\n    sink:\n      switch:\n        - when: header.a + "b"\n          sink: print\n';
    const { problems } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text }] } });
    expect(problems.map(({ line, col, message }) => [line, col, message])).toEqual([
      [6, 17, expect.stringContaining('must be true or false')],
    ]);
  });
});

describe('what may fit is judged when it is there:', () => {
  test.each([
    "- set: { key: '${{ body.a }}', priority: '${{ body.a }}', header.h: '${{ [1] }}', body.t: '${{ now }}' }",
    "- set: { timestamp: '${{ now }}', persistent: '${{ true }}', correlationId: '${{ raw }}', body: '${{ raw }}' }",
    "- set: { key: '${{ body.?a }}' }",
    '- map: raw',
    '- split: { list: body.l }',
    '- filter: default(body.a, false)',
  ])('%s', async (step) => {
    expect(await problemsOf(step)).toEqual([]);
  });

  test('a condition that is neither true nor false has failed', async () => {
    expect(await failure('- filter: body.a', new Message({ body: Buffer.from('{"a":1}') }))).toMatch(
      /STEP_FAILED .*must be true or false here/,
    );
  });
});
