import { describe, expect, test } from 'vitest';
import { describeConfig } from '../../src/config/describe.ts';
import { loadConfig } from '../../src/config/load.ts';
import { registry, routeWith } from './registry.ts';

const load = (steps: string) => loadConfig({ texts: [{ name: 'a.yaml', text: routeWith(`steps: ${steps}`) }] }, registry, {});

test.each([
  ['a bare word', '[{ tap: print }]', { maxMessages: 7, maxBytes: 1024 }],
  ['a sink with its keys', '[{ tap: { print: { color: true } } }]', { maxMessages: 7, maxBytes: 1024 }],
  [
    'a map with a queue',
    '[{ tap: { sink: { print: { color: true } }, maxMessages: 2, maxBytes: 1MiB } }]',
    { maxMessages: 2, maxBytes: 2 ** 20 },
  ],
])('a tap is %s', async (_, steps, value) => {
  const { model, problems } = await load(steps);
  expect(problems).toEqual([]);
  expect(model!.routes[0]!.steps).toMatchObject([{ name: 'tap', value, sink: { kind: 'one', end: { config: { color: true } } } }]);
  expect(describeConfig(model!)).toMatchObject({
    routes: { orders: { steps: [{ tap: { sink: { print: { color: true } }, ...value } }] } },
  });
});

describe('what is wrong is found', () => {
  test.each([
    ['no sink', '[tap]', '5:13 missing: tap has no sink'],
    ['nothing', '[{ tap: }]', '5:20 null: expected the name of a connector for the sink'],
    ['a queue without a sink', '[{ tap: { maxMessages: 5 } }]', '5:20 missing: tap has no sink'],
    ['an unknown sink', '[{ tap: prnt }]', '5:20 unknown-connector'],
    ['a source', '[{ tap: { rabbitmq: { queu: q } } }]', '5:34 unknown-key'],
    ['several sinks', '[{ tap: [print, print] }]', '5:20 wrong-type'],
    ['an unknown key', '[{ tap: { sink: print, maxMesages: 5 } }]', '5:35 unknown-key: unknown key "maxMesages"'],
    ['a bad number', '[{ tap: { sink: print, maxMessages: 0 } }]', '5:48 wrong-type: maxMessages must be a whole number'],
    ['a bad size', '[{ tap: { sink: print, maxBytes: much } }]', '5:45 wrong-type: maxBytes must be'],
    ['an onError', '[{ tap: print, onError: { then: drop } }]', '5:36 on-error: a tap never fails'],
  ])('%s', async (_, steps, found) => {
    const { problems } = await load(steps);
    expect(problems.map(({ line, col, rule, message }) => `${line}:${col} ${rule}: ${message}`)).toEqual([expect.stringContaining(found)]);
  });
});
