/** Where an error in an expression is said to be: file, line and column, however YAML has it written. */

import { describe, expect, test } from 'vitest';
import type { Share } from '../../src/engine/plan.ts';
import { compileRoutes } from '../../src/index.ts';
import { Message } from '../../src/message.ts';

/** What stands at the marked place is wrong; the mark is taken out before it is read. */
const spellings: Readonly<Record<string, string>> = {
  plain: '- filter: body.a == 1 && ¶nope.x',
  'plain, over two lines': '- filter: body.a == 1 &&\n    ¶nope.x',
  'plain, over lines with an empty one between': '- filter: body.a == 1 &&\n\n\n    ¶nope.x',
  'single quotes': "- filter: 'body.a == 1 && ¶nope.x'",
  'single quotes, doubled inside': "- filter: 'id != ''its'' && ¶nope.x'",
  'single quotes, over lines': "- filter: 'body.a == 1\n    && ¶nope.x\n    && true'",
  'double quotes': '- filter: "body.a == 1 && ¶nope.x"',
  'double quotes with escapes': '- filter: "id != \\"\\u00e9\\x41\\U0001F600\\t\\" && ¶nope.x"',
  'double quotes, a line joined': '- filter: "body.a == 1 \\\n    && ¶nope.x"',
  'double quotes, a line folded': '- filter: "body.a == 1\n\n    && ¶nope.x"',
  literal: '- filter: |\n    body.a == 1 &&\n    ¶nope.x',
  'literal, stripped': '- filter: |-\n    ¶nope.x &&\n    true',
  'literal, indented on': '- filter: |-\n    body.a == 1 &&\n      (body.b ||\n        ¶nope.x)',
  'literal with an empty line': '- filter: |-\n    body.a == 1 &&\n\n    ¶nope.x',
  'literal that begins with an empty line': '- filter: |-\n\n    ¶nope.x',
  'literal with an indentation indicator': '- filter: |2-\n      body.a == 1 &&\n      ¶nope.x',
  folded: '- filter: >\n    body.a == 1 &&\n    ¶nope.x',
  'folded with an empty line': '- filter: >-\n    body.a == 1 &&\n\n    ¶nope.x',
  'folded, indented on': '- filter: >-\n    body.a == 1 &&\n      ¶nope.x &&\n    true',
  'in a list': '- filter:\n    - body.a == 1\n    - body.b == 2 && ¶nope.x',
  'in a flow list': '- filter: [body.a == 1, ¶nope.x]',
  'in a template': "- set: { key: 'x-${{ id }}-${{ ¶nope.x }}' }",
  'in a template behind what is filled in': "- set: { key: '${FILLED}-${{ ¶nope.x }}' }",
  'in a template behind what is filled in and looks like one': "- set: { key: '${BRACES}-${{ ¶nope.x }}' }",
  'in a template, in a block': '- set:\n    key: |-\n      a ${{ id }}\n      b ${{ ¶nope.x }}',
  'in a template, over lines': "- set:\n    key: '${{ id +\n      ¶nope.x }}'",
  'behind what is filled in': '- filter: body.a < ${NUMBER} && ¶nope.x',
  'in a map': '- map: { id: body.a, total: 1 + ¶nope.x }',
  'in a map, nested': '- map:\n    a:\n      - b: |-\n          {"x":\n            ¶nope.x}',
  'in a group': '- split: { list: ¶nope.x }',
  'as a quoted key': '- set: { "header.a": \'${{ ¶nope.x }}\' }',
  'of Windows': '- filter: |-\r\n    body.a == 1 &&\r\n    ¶nope.x',
  'of Windows, folded': '- filter: "body.a == 1\r\n    && ¶nope.x"',
  'behind wide characters': '- filter: "id != \'é😀\' && ¶nope.x"',
};

const env = { FILLED: 'a long text that is filled in', BRACES: '${{ a ${{ b', NUMBER: '12345' };
const head = 'routes:\n  r:\n    source: { local: { queue: q } }\n    sink: print\n    steps:\n';

function yamlOf(marked: string): { text: string; line: number; col: number } {
  const whole = head + marked.replace(/^|(?<=\n)/g, '      ');
  const before = whole.slice(0, whole.indexOf('¶')).split('\n');
  return { text: whole.replace('¶', ''), line: before.length, col: before.at(-1)!.length + 1 };
}

describe('a name that there is not is found at its place:', () => {
  test.each(Object.entries(spellings))('%s', async (_, marked) => {
    const { text, line, col } = yamlOf(marked);
    const { problems } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text }] }, env });
    expect(problems.map((one) => [one.message, one.file, one.line, one.col])).toEqual([
      [expect.stringContaining('there is no name "nope"'), 'r.yaml', line, col],
    ]);
  });
});

describe('an expression that fails on a message says where it stands:', () => {
  test.each(Object.entries(spellings))('%s', async (_, marked) => {
    const { text, line, col } = yamlOf(marked.replace('¶nope.x', 'body.¶nope'));
    const { routes, problems } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text }] }, env });
    if (problems.length > 0) throw new Error(problems.map((one) => one.message).join());
    const { share } = (await routes[0]!.plan()).pumps[0]!;
    const failed: string[] = [];
    (share as Share)([new Message({ body: Buffer.from('{"a":1,"b":2}'), id: 'i' })], {
      fail: (_message, error) => failed.push(error.message),
      drop() {},
      tap() {},
    });
    expect(failed).toEqual([expect.stringContaining(` at r.yaml:${line}:${col}: there is no "nope"`)]);
  });
});
