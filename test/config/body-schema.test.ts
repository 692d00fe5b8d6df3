/** A route with a `bodySchema`: misspelled names are found when the config is loaded. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Share } from '../../src/engine/plan.ts';
import { compileRoutes, Message } from '../../src/index.ts';
import { explain } from '../../src/route/explain.ts';

const order = {
  type: 'object',
  additionalProperties: false,
  properties: {
    orderId: { type: 'string' },
    total: { type: 'number' },
    note: { type: ['string', 'null'] },
    customer: { $ref: '#/definitions/customer' },
    lines: { type: 'array', items: { $ref: '#/definitions/line' } },
    tags: { type: 'object', additionalProperties: { type: 'string' } },
    pair: { type: 'array', items: [{ type: 'number' }, { type: 'object' }] },
  },
  definitions: {
    // Open: other names may be there.
    customer: { type: 'object', properties: { email: {}, address: { $ref: '#/definitions/address' }, id: {} } },
    address: { properties: { city: {}, parent: { $ref: '#/definitions/address' } }, additionalProperties: false },
    line: { type: 'object', additionalProperties: false, properties: { sku: {}, quantity: {}, price: {} } },
  },
};

async function compile(yaml: string, schema: unknown = order) {
  const folder = mkdtempSync(join(tmpdir(), 'mqferry-schema-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'order.schema.json'), typeof schema === 'string' ? schema : JSON.stringify(schema));
  const text = `routes:\n  r:\n    bodySchema: ./order.schema.json\n    source: { local: { queue: q } }\n${yaml}\n`;
  const { routes, problems } = await compileRoutes({ routes: { texts: [{ name: join(folder, 'r.yaml'), text }] } });
  const shown = problems.map(({ line, col, rule, message }) => `${line}:${col} ${rule}: ${message.replaceAll(`${folder}/`, '')}`);
  return { routes, problems: shown };
}

const steps = (yaml: string) => `    sink: print\n    steps:\n${yaml.replace(/^/gm, '      ')}`;

describe('a name that the schema does not know is an error at its place:', () => {
  test.each<[string, string]>([
    ['- filter: body.totl > 1', '7:22 bad-expression: `body` has no "totl" in order.schema.json — did you mean total?'],
    ['- filter: has(body.totl)', '7:26 bad-expression: `body` has no "totl" in order.schema.json — did you mean total?'],
    ['- filter: default(body.totl, 1) > 1', '7:30 bad-expression: `body` has no "totl" in order.schema.json — did you mean total?'],
    ['- filter: body.?totl.orValue(1) > 1', '7:23 bad-expression: `body` has no "totl" in order.schema.json — did you mean total?'],
    ['- filter: body["totl"] > 1', '7:22 bad-expression: `body` has no "totl" in order.schema.json — did you mean total?'],
    ['- map: { a: body.orderID }', '7:24 bad-expression: `body` has no "orderID" in order.schema.json — did you mean orderId?'],
    ["- set: { key: '${{ body.ordrId }}' }", '7:31 bad-template: `body` has no "ordrId" in order.schema.json — did you mean orderId?'],
    [
      '- filter: body.xyz == 1',
      '7:22 bad-expression: `body` has no "xyz" in order.schema.json — it has orderId, total, note, customer, lines, tags, pair',
    ],
    [
      '- filter: body.customer.emial == ""',
      '7:31 bad-expression: `body.customer` has no "emial" in order.schema.json — did you mean email?; if it has, write body.customer["emial"]',
    ],
    [
      '- filter: body.customer.address.parent.parent.cty == ""',
      '7:53 bad-expression: `body.customer.address.parent.parent` has no "cty" in order.schema.json — did you mean city?',
    ],
    ['- filter: body.lines.exists(l, l.skuu == "a")', '7:40 bad-expression: `l` has no "skuu" in order.schema.json — did you mean sku?'],
    [
      '- filter: body.lines.filter(l, l.price > 1).map(m, m.prize)[0] > 1',
      '7:60 bad-expression: `m` has no "prize" in order.schema.json — did you mean price?',
    ],
    ['- filter: body.lines.all(i, l, l.skuu == "a")', '7:40 bad-expression: `l` has no "skuu" in order.schema.json — did you mean sku?'],
    ['- filter: body.lines[0].skuu == "a"', '7:31 bad-expression: `body.lines[0]` has no "skuu" in order.schema.json — did you mean sku?'],
    [
      '- filter: first(body.lines).skuu == "a"',
      '7:35 bad-expression: `first(body.lines)` has no "skuu" in order.schema.json — did you mean sku?',
    ],
    [
      '- filter: cel.bind(c, body.customer.address, c.cty == "a")',
      '7:54 bad-expression: `c` has no "cty" in order.schema.json — did you mean city?',
    ],
    ['- filter: body.total.net > 1', '7:28 bad-expression: `body.total` is number in order.schema.json, and has no "net"'],
    ['- filter: body.lines.sku == "a"', '7:28 bad-expression: `body.lines` is array in order.schema.json, and has no "sku"'],
    ['- filter: body.note.x == "a"', '7:27 bad-expression: `body.note` is string in order.schema.json, and has no "x"'],
    ['- remove: [body.customr]', '7:18 unknown-name: `body` has no "customr" in order.schema.json — did you mean customer?'],
    ['- remove: body.lines.0.skuu', '7:17 unknown-name: `body.lines.0` has no "skuu" in order.schema.json — did you mean sku?'],
    ['- set: { body.customr.name: x }', '7:16 unknown-name: `body` has no "customr" in order.schema.json — did you mean customer?'],
    ['- set: { body.totl: null }', '7:16 unknown-name: `body` has no "totl" in order.schema.json — did you mean total?'],
    ['- rename: { body.totl: body.sum }', '7:19 unknown-name: `body` has no "totl" in order.schema.json — did you mean total?'],
  ])('%s', async (yaml, problem) => {
    expect((await compile(steps(yaml))).problems).toEqual([problem]);
  });

  test('in every place of a route', async () => {
    const { problems } = await compile(`    sink:
      switch:
        - when: body.totl > 1
          steps:
            - log: { text: '\${{ body.totl }}' }
          sink: print
        - otherwise:
            sink: { local: { queue: other } }
    onError:
      - when: body.totl > 2
        then: drop
      - then: stop`);
    expect(problems.map((one) => one.replace(/ bad.*/, ''))).toEqual(['7:22', '9:38', '14:20']);
    expect(new Set(problems.map((one) => one.replace(/^.*?: /, ''))).size).toBe(1);
  });

  test('all of them at once', async () => {
    const { problems } = await compile(steps('- filter: body.totl > 1\n- filter: body.nte == "a"\n- map: { a: body.orderID }'));
    expect(problems).toHaveLength(3);
  });
});

describe('what may be there is let pass:', () => {
  test.each([
    '- filter: body.total > 1 && body.customer.address.parent.city == "x" && body.lines[0].sku == "a"',
    '- filter: body.customer.vip == true && body.customer.eMailAddress == "a"',
    '- filter: body.customer["emial"] == ""',
    '- filter: body.tags.anything == "a" && body.pair[0].anything == 1',
    '- filter: header.totl == "a" && raw != null && origin.totl == 1',
    '- filter: body.lines.exists(body1, body1.sku == "a")',
    '- filter: body[header.x] == 1',
    '- filter: cel.bind(l, header, l.skuu == "a") && body.lines.exists(l, l.sku == "a")',
    "- set: { body.lines2: '${{ 1 }}', body.customer.name: x }\n- filter: body.lines2 == 1 && body.customer.name.first == 1 && body.total > 1",
    '- set: { body.extra.deep: x }\n- filter: body.extra.deep == 1',
    '- rename: { body.total: body.sum }\n- filter: body.sum == 1',
    '- map: { totl: body.total }\n- filter: body.totl == 1',
    '- split: { list: body.lines }\n- filter: body.skuu == 1',
    '- cloudEvents: { to: structured }\n- filter: body.dta == 1',
    '- decode: { csv: {} }\n- filter: body.total == 1',
  ])('%s', async (yaml) => {
    expect((await compile(steps(yaml))).problems).toEqual([]);
  });

  test('behind a step that keeps the body it is still known', async () => {
    const { problems } = await compile(
      steps("- filter: body.total > 1\n- set: { key: '${{ body.orderId }}' }\n- log: { text: a }\n- filter: body.totl == 1"),
    );
    expect(problems).toEqual([expect.stringContaining('10:22 bad-expression: `body` has no "totl"')]);
  });

  test('what one case of a switch sets, the next does not see', async () => {
    const { problems } = await compile(`    sink:
      switch:
        - when: body.total > 1
          steps: [ { set: { body.extra: a } }, { log: { text: '\${{ body.extra }}' } } ]
          sink: print
        - when: body.extra == 1
          sink: print`);
    expect(problems).toEqual([expect.stringContaining('10:22 bad-expression: `body` has no "extra"')]);
  });

  test('explain says so', async () => {
    const { routes } = await compile(steps('- filter: body.total > 1'));
    expect(explain(routes[0]!)).toContain('Names in expressions: checked against order.schema.json; messages are not.');
  });

  test('no message is checked against it', async () => {
    const { routes } = await compile(steps('- filter: body.total > 1'));
    const failed: unknown[] = [];
    const message = new Message({ body: Buffer.from('{"total":2,"totl":"not in the schema","lines":7}') });
    const { share } = (await routes[0]!.plan()).pumps[0]!;
    const aside = { fail: (_: unknown, error: unknown) => void failed.push(error), drop() {}, tap() {} };
    const [out] = (share as Share)([message], aside);
    expect([out, failed]).toEqual([[message], []]);
  });
});

describe('a schema', () => {
  const about = (schema: unknown, filter: string) => compile(steps(`- filter: ${filter}`), schema);

  test.each<[string, unknown]>([
    ['allOf', { allOf: [{ properties: { a: {} } }, { properties: { b: {} } }], unevaluatedProperties: false }],
    [
      'anyOf',
      {
        anyOf: [
          { properties: { a: {} }, additionalProperties: false },
          { properties: { b: {} }, additionalProperties: false },
        ],
      },
    ],
    [
      'oneOf and $defs',
      {
        oneOf: [{ $ref: '#/$defs/x' }, { properties: { b: {} }, additionalProperties: false }],
        $defs: { x: { properties: { a: {} }, additionalProperties: false } },
      },
    ],
    // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
    ['if, then, else', { if: { properties: { a: {} } }, then: { properties: { b: {} } }, unevaluatedProperties: false }],
    ['patternProperties', { patternProperties: { '^(a|b)$': {} }, additionalProperties: false }],
    ['dependentSchemas', { properties: { a: {} }, dependentSchemas: { a: { properties: { b: {} } } }, unevaluatedProperties: false }],
    [
      'a reference with a strange name',
      { $ref: '#/definitions/a~1b%25', definitions: { 'a/b%': { properties: { a: {}, b: {} }, additionalProperties: false } } },
    ],
  ])('may use %s', async (_, schema) => {
    expect((await about(schema, 'body.a == body.b')).problems).toEqual([]);
    expect((await about(schema, 'body.c == 1')).problems).toHaveLength(1);
  });

  test.each<[string, unknown]>([
    ['a reference to another file', { $ref: 'other.json#/a' }],
    ['words that mean nothing here', { $id: 'x', title: 'T', not: { required: ['a'] }, if: true }],
    ['only itself', { $ref: '#' }],
    ['itself in many ways', { anyOf: [{ $ref: '#' }, { $ref: '#' }], allOf: [{ $ref: '#' }, { $ref: '#' }] }],
  ])('with %s says nothing', async (_, schema) => {
    expect((await about(schema, 'body.totl == 1')).problems).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'order.schema.json cannot be used as a schema: '],
    ['a list', [], 'order.schema.json cannot be used as a schema: a schema is a map'],
    ['a reference to nothing', { properties: { a: { $ref: '#/definitions/x' } } }, '"$ref": "#/definitions/x" leads nowhere'],
    ['too large', `"${'x'.repeat(1024 * 1024)}"`, 'larger than 1 MiB'],
    ['too deep', `${'{"not":'.repeat(300)}{}${'}'.repeat(300)}`, 'nested more than 200 deep'],
  ])('that is %s is an error at its place', async (_, schema, sentence) => {
    const { problems } = await about(schema, 'body.a == 1');
    expect(problems).toEqual([expect.stringMatching(/^3:17 body-schema: /)]);
    expect(problems[0]).toContain(sentence);
  });

  test('that is not there is an error at its place', async () => {
    const text = 'routes:\n  r:\n    bodySchema: nowhere.json\n    source: { local: { queue: q } }\n    sink: print\n';
    const { problems } = await compileRoutes({ routes: { texts: [{ name: '/tmp/r.yaml', text }] } });
    expect(problems).toMatchObject([{ line: 3, col: 17, rule: 'body-schema', message: expect.stringContaining('cannot read the file') }]);
  });
});
