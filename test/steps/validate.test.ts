import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Message } from '../../src/message.ts';
import { areUnique } from '../../src/steps/json-unique.ts';
import { jsonMessage } from '../expr/messages.ts';
import { explanationOf, failure, problemsOf, through } from './route.ts';

const validate = (schema: unknown) => `- validate: { schema: ${JSON.stringify(schema)} }`;
const verdict = (schema: unknown, body: unknown) => raw(schema, JSON.stringify(body));
const raw = (schema: unknown, body: string) => failure(validate(schema), jsonMessage(body));

describe('validate', () => {
  test('lets pass, as it is, what fits the schema', async () => {
    const message = jsonMessage('{"id": 9007199254740993}', { contentType: 'text/x' });
    const out = await through(validate({ type: 'object', required: ['id'], properties: { id: { type: 'integer' } } }), message);
    expect(out[0]).toBe(message);
  });

  test.each<[unknown, unknown, string]>([
    [{ type: 'object' }, [], 'the body must be object (#/type)'],
    [{ required: ['id'] }, {}, "the body must have required property 'id' (#/required)"],
    [{ properties: { a: { items: { maximum: 3 } } } }, { a: [1, 7] }, 'body.a.1 must be <= 3 (#/properties/a/items/maximum)'],
    [{ additionalProperties: { type: 'string' } }, { secret: 1 }, 'body.* must be string (#/additionalProperties/type)'],
    [{ additionalProperties: false }, { secret: 1 }, 'the body must NOT have additional properties (#/additionalProperties)'],
    [{ pattern: '^a+$' }, 'bbb', 'the body must match pattern "^a+$" (#/pattern)'],
    [{ format: 'date' }, '2024-02-30', 'the body must match format "date" (#/format)'],
    [{ enum: ['a'] }, 'secret', 'the body must be equal to one of the allowed values (#/enum)'],
    [
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      'the body must not hold an element twice (#/uniqueItems)',
    ],
    [false, 1, 'the body boolean schema is false (#/false schema)'],
  ])('%j refuses %j with the rule', async (schema, body, sentence) => {
    expect(await verdict(schema, body)).toBe(`INVALID validate: ${sentence}`);
  });

  test('does not take what every object has for a property of the body', async () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(await verdict({ required: [name] }, {})).toMatch(/^INVALID .*must have required property/);
      expect(await raw({ required: [name] }, `{"${name}":1}`)).toBe('none');
      expect(await verdict({ properties: { [name]: { type: 'string' } } }, {})).toBe('none');
    }
  });

  test('fails what is not JSON, or too deep', async () => {
    expect(await raw({}, '{')).toBe('INVALID validate: the body is not JSON');
    const tree = { $ref: '#/definitions/t', definitions: { t: { items: { $ref: '#/definitions/t' } } } };
    expect(await raw(tree, '['.repeat(50_000) + ']'.repeat(50_000))).toMatch(/nested more than 200 deep/);
  });

  test('lets a tombstone pass', async () => {
    expect(await through(validate(false), new Message({ body: null }))).toHaveLength(1);
  });

  test('reads a schema from a file beside the config, in newer drafts too', async () => {
    const files = {
      's.json': '{"$schema":"https://json-schema.org/draft/2020-12/schema","prefixItems":[{"type":"string"}]}',
      'old.json': '{"$schema":"https://json-schema.org/draft/2019-09/schema","dependentRequired":{"a":["b"]}}',
      'seven.json': '{"$schema":"http://json-schema.org/draft-07/schema#","const":1}',
    };
    expect(await failure('- validate: { file: s.json }', jsonMessage([1]), files)).toMatch(/body.0 must be string/);
    expect(await failure('- validate: { file: ./old.json }', jsonMessage({ a: 1 }), files)).toMatch(/dependentRequired/);
    expect(await failure('- validate: { file: ./seven.json }', jsonMessage(1), files)).toBe('none');
    expect(await explanationOf('- validate: { file: s.json }', files)).toMatch(/schema in \/.*s\.json$/);
  });

  test.each([
    ['{}', /needs one of `schema` and `file`/],
    ['{ schema: {}, file: x }', /exclude each other/],
    ['{ schema: 3 }', /a schema is a map/],
    ['{ schema: { type: objekt } }', /the schema cannot be used: .*type/],
    ['{ schema: { reqired: [a] } }', /unknown keyword "reqired"/],
    ['{ schema: { pattern: "(?=a)" } }', /the schema cannot be used/],
    ['{ schema: { format: nonsense } }', /unknown format "nonsense"/],
    ['{ schema: { $ref: "http://127.0.0.1:1/x" } }', /a \$ref cannot leave it/],
    ['{ file: ./nope.json }', /cannot read the file .*nope\.json: there is no such file/],
    ['{ file: . }', /not a regular file/],
    ['{ file: bad.json }', /bad\.json is not JSON/],
  ])('%s is refused when the config is checked', async (value, sentence) => {
    expect(await problemsOf(`- validate: ${value}`, { 'bad.json': '{' })).toEqual([expect.stringMatching(sentence)]);
  });

  test('no text makes a pattern or a format slow', async () => {
    const texts = [
      'a'.repeat(50_000),
      `${'a.'.repeat(25_000)}!`,
      `${'1'.repeat(50_000)}Z`,
      `a@${'a-'.repeat(25_000)}!`,
      ':'.repeat(50_000),
      `http://${'%'.repeat(50_000)}`,
      `${'/~'.repeat(25_000)}`,
    ];
    const formats = [
      'date',
      'time',
      'date-time',
      'duration',
      'hostname',
      'ipv4',
      'ipv6',
      'uuid',
      'json-pointer',
      'email',
      'uri',
      'uri-reference',
    ];
    const rules = [...formats.map((format) => ({ format })), { pattern: '^(a+)+$' }, { pattern: '(.*a){20}b' }];
    for (const rule of rules) {
      const start = process.threadCpuUsage();
      for (const body of texts) await verdict(rule, body);
      expect(process.threadCpuUsage(start).user / 1000, JSON.stringify(rule)).toBeLessThan(2000);
    }
  }, 60_000);

  test('a pattern means what it means in JSON Schema', async () => {
    expect(await verdict({ pattern: '\\d\\u00e9' }, 'x7éx')).toBe('none');
    expect(await verdict({ pattern: '^\\p{L}+$' }, 'né')).toBe('none');
  });
});

test('a list of elements is unique when no two are equal', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 6 }), (given) => {
      const list = JSON.parse(JSON.stringify(given)) as unknown[];
      expect(areUnique(true, list)).toBe(list.every((one, i) => list.slice(i + 1).every((other) => !same(one, other))));
    }),
    { numRuns: 500 },
  );
  const start = process.threadCpuUsage();
  areUnique(
    true,
    Array.from({ length: 100_000 }, (_, i) => ({ i })),
  );
  expect(process.threadCpuUsage(start).user / 1000).toBeLessThan(1500);
});

function same(a: unknown, b: unknown): boolean {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
}
