/** A canary in every place where a secret may stand: it must come out nowhere. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeConfig } from '../../src/config/describe.ts';
import { renderProblems } from '../../src/config/diagnostics.ts';
import { redactUrl } from '../../src/config/redact.ts';
import { load, loadInputs, model } from './registry.ts';

const canary = 'c4n4ry-Zx9';
const env = { PASS: canary, URL: `amqp://me:${canary}@shop`, MY_TOKEN: canary };
const rest = 'routes:\n  r:\n    source: { rabbitmq: { queue: q, connection: shop } }\n    sink: print\n';

async function printed(text: string): Promise<string> {
  const { model: found, problems } = await load(text, env);
  const all = ['text', 'json', 'github'] as const;
  return all.map((format) => renderProblems(problems, format)).join('\n') + (found ? JSON.stringify(describeConfig(found)) : '');
}

describe('a secret is in no problem, frame or description', () => {
  test.each([
    [
      'in a config that is right',
      `connections: { shop: { rabbitmq: { url: "amqp://me:${canary}@a,amqp://me:${canary}@b", password: ${canary} } } }\n${rest}`,
    ],
    ['from the environment', `connections: { shop: { rabbitmq: { url: "\${URL}", password: "\${PASS}" } } }\n${rest}`],
    [
      'as a default',
      `connections: { shop: { rabbitmq: { url: "\${NO:-amqp://a:${canary}@b}", password: "\${NO:-${canary}}" } } }\n${rest}`,
    ],
    ['beside an error', `connections:\n  shop:\n    rabbitmq:\n      password: ${canary}\n      heartbeat: soon\n${rest}`],
    ['beside an error on the line', `connections:\n  shop: { rabbitmq: { password: ${canary}, heartbeat: soon } }\n${rest}`],
    ['behind an error on the line', `connections:\n  shop: { rabbitmq: { heartbeat: soon, password: "${canary}" } }\n${rest}`],
    [
      'over several lines',
      `connections:\n  shop:\n    rabbitmq:\n      heartbeat: soon\n      password: |-\n        ${canary}\n        ${canary}\n      user: [a]\n${rest}`,
    ],
    ['quoted over several lines', `connections:\n  shop:\n    rabbitmq:\n      password: "a\n        ${canary}"\n      user: [a]\n${rest}`],
    ['under a misspelled key', `connections:\n  shop:\n    rabbitmq:\n      pasword: ${canary}\n${rest}`],
    ['under a misspelled key in a flow map', `connections:\n  shop: { rabbitmq: { passwrd: ${canary} } }\n${rest}`],
    ['that is a map', `connections:\n  shop:\n    rabbitmq:\n      password: { a: ${canary} }\n${rest}`],
    ['that is a list', `connections:\n  shop:\n    rabbitmq:\n      password:\n        - ${canary}\n${rest}`],
    ['that is an alias', `connections:\n  shop:\n    rabbitmq:\n      password: *${canary}\n${rest}`],
    ['that is an anchor', `connections:\n  shop:\n    rabbitmq:\n      password: &${canary}\n${rest}`],
    ['that is a tag', `connections:\n  shop:\n    rabbitmq:\n      password: !${canary}\n${rest}`],
    ['that is broken YAML', `connections:\n  shop:\n    rabbitmq:\n      password: @${canary}\n${rest}`],
    ['in a quote that is not closed', `connections:\n  shop:\n    rabbitmq:\n      password: "${canary}\n      url: [a]\n${rest}`],
    ['cut by a comment', `connections:\n  shop:\n    rabbitmq:\n      password: abc #${canary}\n${rest}`],
    ['with a reference that is not resolved', `connections:\n  shop:\n    rabbitmq:\n      password: ${canary}\${NO}\n${rest}`],
    ['in a URL beside an error', `connections:\n  shop:\n    rabbitmq: { url: "amqp://me:${canary}@a", heartbeat: soon }\n${rest}`],
    [
      'in a URL with strange characters',
      `connections:\n  shop:\n    rabbitmq: { url: "amqp://me:@/#${canary}@a", heartbeat: soon }\n${rest}`,
    ],
    ['in a URL where a number should be', `connections: { shop: { rabbitmq: { heartbeat: "amqp://me:${canary}@a" } } }\n${rest}`],
    ['from the environment where a number should be', `connections: { shop: { rabbitmq: { heartbeat: "\${PASS}" } } }\n${rest}`],
    ['from the environment in an expression', rest.replace(', connection: shop', '') + "    steps: [ { filter: 'SYNTAX ${PASS}' } ]\n"],
    ['from the environment as a name', rest.replace('connection: shop', 'connection: "${MY_TOKEN}"')],
    [
      'from the environment in a header',
      rest.replace(', connection: shop', '') + "    steps: [ { set: { header.authorization: 'Bearer ${MY_TOKEN}' } } ]\n",
    ],
    [
      'in the same words in another place',
      `connections: { shop: { rabbitmq: { password: ${canary} } } }\n${rest.replace('queue: q', `queue: ${canary}, prefetch: ${canary}`)}`,
    ],
    ['of a group', `connections: { e: { kafka: { brokers: a, sasl: { mechanism: x, password: ${canary} } } } }\n${rest}`],
  ])('%s', async (_where, text) => expect(await printed(text)).not.toContain(canary));

  test('in a URL beside broken YAML, where nothing was parsed', async () => {
    const text = `connections:\n  shop:\n    rabbitmq:\n      url: amqp://me:${canary}@a\n      heartbeat: @soon\n${rest}`;
    expect(await printed(text)).toContain('amqp://me:***@a');
    expect(await printed(text)).not.toContain(canary);
  });

  test('though it is too short to be found in other text', async () => {
    const text = `connections:\n  shop:\n    rabbitmq:\n      password: ~q\n      user: a\n${rest}`;
    expect(await printed(text)).not.toContain('~q');
    expect(await printed(text.replace('user: a', 'heartbeat: soon'))).not.toContain('~q');
  });

  test('from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'config-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'pass'), `${canary}\n`);
    const text = 'connections: { shop: { rabbitmq: { user: "${file:pass}", password: "${file:pass}" } } }\n';
    writeFileSync(join(folder, 'a.yaml'), text + rest);
    writeFileSync(join(folder, 'b.yaml'), text + rest.replace('queue: q', 'queue: q, prefetch: "${file:pass}"'));
    const good = await loadInputs({ paths: [join(folder, 'a.yaml')] });
    expect(good.model!.connections[0]!.config['password']).toBe(canary);
    expect(JSON.stringify(describeConfig(good.model!))).not.toContain(canary);
    const bad = await loadInputs({ paths: [join(folder, 'b.yaml')] });
    expect(bad.problems).toHaveLength(1);
    expect(renderProblems(bad.problems, 'text')).not.toContain(canary);
  });
});

test('the program itself gets the secret', async () => {
  const found = await model(`connections: { shop: { rabbitmq: { password: "\${PASS}" } } }\n${rest}`, env);
  expect(found.routes[0]!.source.config).toMatchObject({ connection: { password: canary } });
  expect(found.secrets).toContain(canary);
});

test.each([
  ['amqp://me:secret@host:5672/v', 'amqp://me:***@host:5672/v'],
  ['amqp://me:p@ss/w#rd@host', 'amqp://me:***@host'],
  ['amqp://me@host', 'amqp://me@host'],
  ['amqp://host:5672/a:b', 'amqp://host:5672/a:b'],
  ['amqp://a:s@x,amqps://b:t@y', 'amqp://a:***@x,amqps://b:***@y'],
  ['mqtt://h?password=s&x=1', 'mqtt://h?password=***&x=1'],
  ['amqp://:secret@host', 'amqp://:***@host'],
  ['plain text: with a colon', 'plain text: with a colon'],
])('%s is shown as %s', (url, shown) => expect(redactUrl(url)).toBe(shown));
