import { describe, expect, test } from 'vitest';
import { describeConfig } from '../../src/config/describe.ts';
import { loadConfig } from '../../src/config/load.ts';
import { load, registry } from './registry.ts';

const withSink = (sink: string) => `connections:
  shop: { rabbitmq: {} }
  mill: { rabbitmq: {} }
routes:
  r:
    source: { rabbitmq: { queue: q } }
    sink: ${sink}
`;
const rabbit = (connection: string) => `{ rabbitmq: { connection: ${connection}, routingKey: x } }`;

async function sinkOf(sink: string) {
  const { model, problems } = await load(withSink(sink));
  expect(problems).toEqual([]);
  const found = model!.routes[0]!.sink;
  if (found.kind !== 'oneOf') throw new Error(`a ${found.kind}`);
  return found;
}

test('a map gives the sinks their names, with steps where they are wanted', async () => {
  const { pick, allow } = await sinkOf("{ oneOf: '${{ body.to }}', allow: { eu: print, us: { steps: [drop], sink: [print, print] } } }");
  expect(pick.text).toBe('${{ body.to }}');
  expect([...allow]).toMatchObject([
    ['eu', { steps: [], sink: { kind: 'one' } }],
    ['us', { steps: [{ name: 'drop' }], sink: { kind: 'all' } }],
  ]);
});

test('the sinks of a list are named after their connection, or after their connector', async () => {
  const { allow } = await sinkOf(`{ oneOf: '\${{ a }}', allow: [${rabbit('shop')}, ${rabbit('mill')}, print] }`);
  expect([...allow.keys()]).toEqual(['shop', 'mill', 'print']);
});

test('names are names, whatever they are', async () => {
  const { allow } = await sinkOf("{ oneOf: '${{ a }}', allow: { 007: print, __proto__: print, 'a b': print } }");
  expect([...allow.keys()]).toEqual(['007', '__proto__', 'a b']);
});

test('it stands wherever a sink may stand', async () => {
  const inner = "{ oneOf: '${{ a }}', allow: [print] }";
  expect((await load(withSink(`[${inner}, { switch: [{ otherwise: { sink: ${inner} } }] }]`))).problems).toEqual([]);
  expect((await sinkOf(`{ oneOf: '\${{ a }}', allow: { deep: ${inner} } }`)).allow.get('deep')).toMatchObject({ sink: { kind: 'oneOf' } });
});

test('is shown as it was written, without secrets', async () => {
  const { model } = await load(withSink("{ oneOf: 'x-${{ a }}', allow: { eu: { steps: [drop], sink: print } } }"));
  expect(describeConfig(model!)).toMatchObject({
    routes: { r: { sink: { oneOf: 'x-${{ a }}', allow: { eu: { steps: ['drop'], sink: { print: {} } } } } } },
  });
});

describe('what is wrong is found', () => {
  test.each([
    ['no allow', "{ oneOf: '${{ a }}' }", '7:11 missing: allow is missing'],
    ['an unknown key', "{ oneOf: '${{ a }}', allow: [print], alow: 1 }", '7:48 unknown-key: unknown key "alow"'],
    ['an expression without ${{ }}', '{ oneOf: body.to, allow: [print] }', '7:20 oneOf: oneOf is the same for every message'],
    ['an expression that is none', "{ oneOf: '${{ a SYNTAX }}', allow: [print] }", '7:27 bad-template'],
    ['null', '{ oneOf: null, allow: [print] }', '7:20 null: oneOf needs a value, found null'],
    ['a list', '{ oneOf: [a], allow: [print] }', '7:20 wrong-type: expected a single value for oneOf, found a list'],
    ['a word', "{ oneOf: '${{ a }}', allow: print }", '7:39 wrong-type: expected a map of names to sinks, or a list of sinks, for allow'],
    ['nothing', "{ oneOf: '${{ a }}', allow: }", '7:39 null: expected a map of names to sinks'],
    ['an empty map', "{ oneOf: '${{ a }}', allow: {} }", '7:39 missing: allow names no sink'],
    ['an empty list', "{ oneOf: '${{ a }}', allow: [] }", '7:39 missing: allow names no sink'],
    ['an empty name', "{ oneOf: '${{ a }}', allow: { '': print } }", '7:41 wrong-type: an empty name in allow'],
    ['an unknown sink', "{ oneOf: '${{ a }}', allow: { a: prnt } }", '7:44 unknown-connector'],
    ['steps without a sink', "{ oneOf: '${{ a }}', allow: { a: { steps: [drop] } } }", '7:44 missing: the case has no sink'],
    [
      'two of the same name',
      `{ oneOf: '\${{ a }}', allow: [${rabbit('shop')}, ${rabbit('shop')}] }`,
      '7:91 oneOf: two sinks of allow have the name "shop"',
    ],
    ['a sink that has no name', "{ oneOf: '${{ a }}', allow: [[print, print]] }", '7:40 oneOf: only a single sink without steps has'],
    [
      'steps in a list',
      "{ oneOf: '${{ a }}', allow: [{ steps: [drop], sink: print }] }",
      '7:40 oneOf: only a single sink without steps has',
    ],
  ])('%s', async (_what, sink, found) => {
    const { problems } = await loadConfig({ texts: [{ name: 'a.yaml', text: withSink(sink) }] }, registry, {});
    const said = problems.map(({ line, col, rule, message }) => `${line}:${col} ${rule}: ${message}`);
    expect(said).toEqual([expect.stringContaining(found)]);
  });

  test('an ambiguous name says how to name the sinks', async () => {
    const { problems } = await load(withSink("{ oneOf: '${{ a }}', allow: [print, print] }"));
    expect(problems[0]?.hint).toBe('write `allow` as a map of names that you choose: `allow: { first: …, second: … }`');
  });
});
