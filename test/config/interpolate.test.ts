import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Template } from '../../src/config/fields.ts';
import { interpolate } from '../../src/config/interpolate.ts';
import type { OneSink } from '../../src/config/model.ts';
import { load, model, source } from './registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
beforeAll(() => {
  writeFileSync(join(folder, 'secret'), 'from-a-file\n');
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'large'), 'x'.repeat(70_000));
});
afterAll(() => rmSync(folder, { recursive: true }));

const env = { A: 'a-value', EMPTY: '', NESTED: '${A}', CODE: '${{ raw }}' };

function fill(text: string): string {
  const parts = interpolate(text, { env, file: join(folder, 'mqferry.yaml'), secrets: new Set() });
  return parts.map((part) => part.text).join('');
}

test('a file whose content is given is not read, nor any other', () => {
  const secrets = new Set<string>();
  const from = { env, file: join(folder, 'mqferry.yaml'), files: { '/run/secrets/x': 'given' }, secrets };
  expect(interpolate('${file:/run/secrets/x}', from).map((part) => part.text)).toEqual(['given']);
  expect(secrets).toEqual(new Set(['given']));
  expect(() => interpolate('${file:secret}', from)).toThrow('no content is given for the file secret');
});

test.each([
  ['${A}', 'a-value'],
  ['x${A}y${A}', 'xa-valueya-value'],
  ['${EMPTY}', ''],
  ['${NONE:-def}', 'def'],
  ['${NONE:-}', ''],
  ['${EMPTY:-def}', 'def'],
  ['${A:-def}', 'a-value'],
  ['${NONE:-${A}}', 'a-value'],
  ['${NONE:-a:b/c?d}', 'a:b/c?d'],
  ['${A:?must}', 'a-value'],
  ['${file:secret}', 'from-a-file'],
  ['$${A}', '${A}'],
  ['a$${A}b${A}', 'a${A}ba-value'],
  ['$share/group/a', '$share/group/a'],
  ['costs 5$', 'costs 5$'],
  ['$A', '$A'],
  ['${{ body.x }}', '${{ body.x }}'],
  ['${{ "${A}" }} ${A}', '${{ "${A}" }} a-value'],
  ['$${{ x }}', '$${{ x }}'],
  ['${NESTED}', '${A}'],
])('%s is filled in as %s', (text, filled) => expect(fill(text)).toBe(filled));

test.each([
  ['${NONE}', 'the environment variable NONE is not set'],
  ['${NONE:?set it in the unit file}', 'the environment variable NONE is not set: set it in the unit file'],
  ['${EMPTY:?need}', 'the environment variable EMPTY is empty: need'],
  ['${body.x}', 'an unresolved `${`'],
  ['${A:def}', 'an unresolved `${`'],
  ['${A', 'a `${` that is never closed'],
  ['${}', 'an unresolved `${`'],
  ['${ A }', 'an unresolved `${`'],
  ['${file:none}', 'cannot read the file none: there is no such file'],
  ['${file:empty}', 'the file empty is empty'],
  ['${file:large}', 'larger than 64 KiB'],
  ['${file:.}', 'not a regular file'],
  ['${file:/dev/zero}', 'not a regular file'],
  ['${file:}', 'a `${file:}` without a path'],
  ['${X:-'.repeat(20) + '}'.repeat(20), 'more than eight deep'],
])('%s is an error', (text, message) => expect(() => fill(text)).toThrow(message));

describe('in a config', () => {
  test('a value decides its type after it was filled in', async () => {
    const { config } = await source('queue: ${Q}\nprefetch: ${N}\ndeclare: "${YES}"', { Q: '007', N: '12', YES: 'true' });
    expect(config).toMatchObject({ queue: '007', prefetch: 12, declare: true });
  });

  test('what is filled in is never YAML', async () => {
    const { config } = await source('queue: ${Q}', { Q: 'a: {b}\n- &c *d #e' });
    expect(config['queue']).toBe('a: {b}\n- &c *d #e');
  });

  test('a value from outside cannot bring an expression into a template', async () => {
    const { routes } = await model(
      'routes: { r: { source: { rabbitmq: { queue: q } }, sink: { kafka: { connection: { brokers: a }, topic: "${CODE}" } } } }',
      env,
    );
    const sink = routes[0]!.sink as OneSink;
    const topic = sink.end.config['topic'] as Template;
    expect(topic(undefined as never)).toBe('${{ "${{" }} raw }}');
  });

  test('a dollar that was filled in does not turn the expression behind it into text', async () => {
    const { routes } = await model(
      `${'routes: { r: { source: { rabbitmq: { queue: q } }, sink: { rabbitmq: { queue: "${D}${{ a }}" } } } }'}`,
      { D: 'x$' },
    );
    const queue = (routes[0]!.sink as OneSink).end.config['queue'] as Template;
    expect(queue(undefined as never)).toBe('x${{ "$" }}${{ a }}');
  });

  test('an unresolved value is reported at its place inside the text, with what to do', async () => {
    const { problems } = await load('routes:\n  r:\n    source: { rabbitmq: { queue: "ab${body.x}" } }\n    sink: print\n');
    expect(problems).toMatchObject([{ rule: 'unresolved', line: 3, col: 37, hint: 'a value of the message is written `${{ … }}`' }]);
  });

  test('an item of a list that is one reference may hold several', async () => {
    const end = `routes: { r: { source: { rabbitmq: { queue: q } }, sink: { kafka: { topic: t, connection: { brokers: ["\${B:-x}", c] } } } } }`;
    const { routes } = await model(end, { B: 'a:1, b:2' });
    expect(routes[0]!.sink).toMatchObject({ end: { config: { connection: { brokers: ['a:1', 'b:2', 'c'] } } } });
  });

  test('a key is never filled in', async () => {
    const { problems } = await load('routes:\n  ${A}:\n    source: { rabbitmq: { queue: q } }\n    sink: print\n', env);
    expect(problems[0]).toMatchObject({ rule: 'unresolved', line: 2, col: 3 });
  });
});
