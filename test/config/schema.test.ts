import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../src/config/schema.ts';
import { load, registry, routeWith } from './registry.ts';

let validate: ValidateFunction;
beforeAll(async () => {
  const connectors = await Promise.all(Object.values(registry.connectors).map((one) => one()));
  validate = new Ajv({ strict: true, strictRequired: false, strictTypes: false, allErrors: true }).compile(
    configSchema(connectors, Object.values(registry.steps)),
  );
});

const accepts = (text: string): boolean => validate(parse(text, { merge: true }));
const env = { N: '5', SIZE: '1MiB', YES: 'true', B: 'a:1' };

const withSteps = (steps: string) => routeWith(`steps: ${steps}`);

const good: readonly (readonly [what: string, text: string])[] = [
  ['bare words', routeWith('steps: [drop]\nbuffer: disk')],
  ['references in numbers and booleans', routeWith('').replace('orders }', '"${B}", prefetch: "${N}", declare: "${YES}" }')],
  [
    'references in sizes, times and choices',
    routeWith('buffer: { disk: { maxBytes: "${SIZE}", sync: "${S:-always}", every: "${T:-1s}" } }'),
  ],
  ['numbers as text', routeWith('window: "100"').replace('orders }', '007 }')],
  ['comma lists', 'connections: { k: { kafka: { brokers: "a,b" } } }\n' + routeWith('')],
  [
    'numbers and truth as expressions',
    routeWith('steps: [{ filter: true }, { filter: [a, b] }, { map: { a: [1, { b: null }] } }, { map: x }]'),
  ],
  ['values of every kind', routeWith("steps: [{ set: { a: 1, b: true, c: null, d: 'x ${{ body }}', e: 1.5 } }]")],
  [
    'lists of sinks and switches',
    routeWith('').replace(
      'sink: print',
      'sink: [print, { switch: [{ when: a, steps: [drop], sink: [print] }, { otherwise: { sink: print } }] }]',
    ),
  ],
  [
    'sinks that a message names',
    routeWith('').replace(
      'sink: print',
      "sink: [{ oneOf: '${{ a }}', allow: { eu: print, us: { steps: [drop], sink: [print] }, x: { oneOf: '${{ b }}', allow: [print] } } }]",
    ),
  ],
  ['taps', withSteps('[{ tap: print }, { tap: { rabbitmq: {} } }, { tap: { sink: print, maxMessages: 5, maxBytes: 1MiB } }]')],
  [
    'both ways out of an error',
    routeWith('onError: { deadLetter: print, retry: { attempts: 3, backoff: 1s..1m } }') +
      routeWith('onError: { then: drop }').replace('routes:\n', '').replace('orders', 'more'),
  ],
  [
    'dead letters on disk',
    routeWith('onError: [{ when: a, deadLetter: disk }, { deadLetter: { disk: { maxBytes: 1GiB, maxMessages: 10 } } }]'),
  ],
  [
    'an onError of a step',
    routeWith('steps: [{ filter: a, onError: { then: drop } }, { filter: b, onError: [{ when: c, deadLetter: print }] }, drop]'),
  ],
  [
    'entries of onError',
    routeWith(
      'onError: [{ when: [a, b], deadLetter: print }, { when: a, then: drop, retry: { attempts: 1, maxAge: 1h } }, { then: stop }]',
    ),
  ],
  [
    'keys of every end',
    routeWith('').replace('orders }', 'q, trusted: true }').replace('sink: print', 'sink: { print: { onUnmappable: drop } }'),
  ],
  ['a connection in its place', routeWith('').replace('orders }', 'q, connection: { url: "amqp://h", heartbeat: 0 } }')],
  [
    'all keys of a route',
    routeWith(
      'guarantee: best-effort\norder: lane\nmaxHops: 3\nwindow: { messages: 5, bytes: 1MiB }\nbuffer: { memory: { maxMessages: 5 } }',
    ),
  ],
];

describe('the editor schema', () => {
  test.each(good)('accepts what the program accepts: %s', async (_what, text) => {
    const { problems } = await load(text, env);
    expect(problems).toEqual([]);
    expect([accepts(text), validate.errors]).toEqual([true, null]);
  });

  test.each([
    ['an unknown key', routeWith('windw: 5')],
    ['an unknown key at the top', 'route: {}'],
    ['an unknown connector', routeWith('').replace('rabbitmq:', 'rabitmq:')],
    ['an unknown step', routeWith('steps: [fliter]')],
    ['two keys in a step', routeWith('steps: [{ filter: a, drop: b }]')],
    ['a missing field', routeWith('').replace('queue: orders', '')],
    ['a missing sink', routeWith('').replace('sink: print', '')],
    ['a sink as a source', routeWith('').replace('{ rabbitmq: { queue: orders } }', 'print')],
    ['a number out of bounds', routeWith('window: 0')],
    ['a size without sense', routeWith('buffer: { disk: { maxBytes: big } }')],
    ['a bad name', routeWith('').replace('orders:', '4x:')],
    ['a disk that is no dead letter', routeWith('').replace('sink: print', 'sink: disk')],
    ['a limit of the disk that is misspelled', routeWith('onError: { deadLetter: { disk: { maxByte: 1 } } }')],
    ['a deadLetter and then', routeWith('onError: { deadLetter: print, then: drop }')],
    ['two steps in one, and an onError', routeWith('steps: [{ filter: a, map: b, onError: { then: drop } }]')],
    ['an onError of a step that says nothing', routeWith('steps: [{ filter: a, onError: { when: b } }]')],
    ['an onError without a step', routeWith('steps: [{ onError: { then: drop } }]')],
    ['an empty list of onError', routeWith('onError: []')],
    ['a key that onError has not', routeWith('onError: [{ otherwise: drop }]')],
    ['a case without a sink', routeWith('').replace('sink: print', 'sink: { switch: [{ when: a }] }')],
    ['a oneOf without what is allowed', routeWith('').replace('sink: print', "sink: { oneOf: '${{ a }}' }")],
    ['a oneOf that allows nothing', routeWith('').replace('sink: print', "sink: { oneOf: '${{ a }}', allow: [] }")],
    ['a tap without a sink', withSteps('[{ tap: { maxMessages: 5 } }]')],
    ['a tap alone', withSteps('[tap]')],
    ['a tap with two sinks', withSteps('[{ tap: [print, print] }]')],
    ['yes for true', routeWith('').replace('orders }', 'q, declare: "yes" }')],
  ])('refuses what the program refuses: %s', async (_what, text) => {
    expect((await load(text)).model).toBe(undefined);
    expect(accepts(text)).toBe(false);
  });

  test('has a description for every field', () => {
    const missing: string[] = [];
    const visit = (at: string, schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties } = schema as { properties?: Record<string, { description?: string; $ref?: string; anyOf?: unknown }> };
      for (const [key, one] of Object.entries(properties ?? {}))
        if (!one.description && !one.$ref && key !== 'otherwise') missing.push(`${at}/${key}`);
      for (const [key, one] of Object.entries(schema)) if (key !== 'default') visit(`${at}/${key}`, one);
    };
    visit('', validate.schema);
    expect(missing).toEqual([]);
  });
});

test('the committed schema is one that ajv compiles', () => {
  const text = readFileSync(join(import.meta.dirname, '../../mqferry.schema.json'), 'utf8');
  expect(() => new Ajv({ strict: true, strictRequired: false, strictTypes: false }).compile(JSON.parse(text) as object)).not.toThrow();
});
