import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startAedes } from '../brokers/aedes.ts';
import { freePorts, until } from '../brokers/broker.ts';
import { folder, mqferry, start } from './mqferry.ts';

const canary = 'canary+S3cr3t/42';
const forms = [
  canary,
  encodeURIComponent(canary),
  Buffer.from(canary).toString('base64'),
  Buffer.from(`\0user\0${canary}`).toString('base64'),
];

/** Every way to write a secret: in a URL, in a field, from the environment, from a file; and in what is evaluated for each message. */
function config(port: number, closed: number): string {
  return `
connections:
  a: { rabbitmq: { url: 'amqp://user:${encodeURIComponent(canary)}@127.0.0.1:${closed}/v' } }
  b: { kafka: { brokers: '127.0.0.1:${closed}', sasl: { mechanism: PLAIN, username: user, password: '${canary}' } } }
  c: { mqtt: { url: 'mqtt://127.0.0.1:${port}', version: 3.1.1, username: user, password: '\${SECRET}' } }
  d: { stomp: { url: 'stomp://127.0.0.1:${closed}', username: user, password: '\${file:secret}' } }
routes:
  one: { source: { rabbitmq: { connection: a, queue: q } }, sink: { kafka: { connection: b, topic: t } } }
  inExpression:
    source: { generate: { count: 1 } }
    steps: [ filter: 'header["t"] != "\${file:secret}"' ]
    sink: print
    onError: { deadLetter: { print: { format: json } } }
  inTemplate:
    source: { generate: { count: 1 } }
    steps: [ set: { header.known: 'Bearer \${SECRET}', header.t: '\${file:secret}\${{ {"a": {"b": "c"}}.a.b + "\${SECRET}" + header["t"] }}' } ]
    sink: print
    onError: { deadLetter: { print: { format: json } } }
  inSwitch:
    source: { generate: { count: 1 } }
    sink: { switch: [ { when: 'header["t"] != "\${SECRET:-${canary}}"', sink: print }, { otherwise: { sink: print } } ] }
  inRemedy:
    source: { generate: { count: 1 } }
    steps: [ { filter: 'body.t > "\${file:secret}"', onError: { when: 'body.t == "\${SECRET}"', then: drop } } ]
    sink: print
    onError: [ { when: 'header["z"] == "\${file:secret}"', then: drop } ]
  onDisk:
    source: { generate: { count: 1 } }
    steps: [ filter: 'header["t"] != "\${file:secret}"' ]
    sink: print
    onError: { deadLetter: disk }
  atBroker: { source: { generate: { count: 1 } }, sink: print, onError: { deadLetter: { rabbitmq: { connection: a, queue: q } } } }
  two: { source: { mqtt: { connection: c, topics: a } }, buffer: disk, sink: { stomp: { connection: d, destination: /queue/q } } }
`;
}

test('a secret is in no output: not validated, explained, checked, run, served, logged, a dead letter or in an error', {
  timeout: 120_000,
}, async () => {
  const broker = await startAedes();
  onTestFinished(() => broker.close());
  broker.aedes.authenticate = (_client, _username, _password, done) => done(Object.assign(new Error('no'), { returnCode: 4 }), false);
  const [closed = 0, admin = 0] = await freePorts(2);
  const cwd = folder();
  const path = join(cwd, 'routes.yaml');
  writeFileSync(path, config(broker.port, closed));
  writeFileSync(join(cwd, 'secret'), `${canary}\n`);
  const broken = join(cwd, 'broken.yaml');
  writeFileSync(broken, config(broker.port, closed).replaceAll('password:', 'pasword:').replace('queue: q', 'queue: [x'));
  const around = { cwd, env: { SECRET: canary } };

  const outputs: string[] = [];
  const all = (args: readonly string[], code: number) =>
    mqferry(args, around).then((ended) => {
      expect(ended.code, `${args.join(' ')}\n${ended.err}`).toBe(code);
      outputs.push(ended.out, ended.err);
    });
  await all(['validate', path], 0);
  await all(['validate', broken], 78);
  await all(['validate', broken, '--format', 'json'], 78);
  await all(['explain', 'all', path], 0);
  await all(['check', path, '--timeout', '2s'], 3);
  await all(['copy', `amqp://user:${encodeURIComponent(canary)}@127.0.0.1:${closed}?queue=q`, 'print:', '--connect-timeout', '300ms'], 69);
  await all(['copy', `kafka://user:${encodeURIComponent(canary)}@127.0.0.1:${closed}/t?nothing=1`, 'print:'], 78);

  const run = start(['run', path, '--admin', `127.0.0.1:${admin}`, '--data', join(cwd, 'data'), '--log-level', 'debug'], around);
  const get = async (name: string) => (await fetch(`http://127.0.0.1:${admin}/${name}`)).text();
  await until('every link was tried', async () => {
    const text = await get('routes').catch(() => '');
    return (text.match(/"failures":[1-9]/g) ?? []).length >= 3;
  });
  const said = ['cannot evaluate `header["t"] != ', 'onError cannot say', '"deadLettered":1'];
  await until('the expressions have failed', async () => {
    const routes = JSON.parse(await get('routes')) as unknown;
    return said.every((one) => JSON.stringify(routes).replaceAll('\\"', '"').includes(one));
  });
  for (const name of ['routes', 'metrics', 'readyz', 'livez']) outputs.push(await get(name));
  run.child.kill('SIGTERM');
  const { out, err } = await run.ended;
  outputs.push(out, err);

  const data = ['--data', join(cwd, 'data')];
  await all(['dlq', 'ls', path, ...data], 0);
  await all(['dlq', 'show', 'onDisk', path, '--body', ...data], 0);
  await all(['dlq', 'show', 'onDisk', path, '--body', '--format', 'json', ...data], 0);
  await all(['dlq', 'replay', 'onDisk', path, '--log-level', 'debug', ...data], 1);
  await all(['dlq', 'export', 'onDisk', '-', path, ...data], 0);
  await all(['dlq', 'show', 'atBroker', path, ...data], 69);
  await all(['dlq', 'replay', 'atBroker', path, '--connect-timeout', '300ms', '--log-level', 'debug', ...data], 69);
  await all(['dlq', 'purge', 'atBroker', path, '--yes', ...data], 69);

  const everything = outputs.join('\n');
  expect(everything).toContain('ECONNREFUSED');
  expect(everything).toContain('Keeps messages for which header["t"] != "${file:secret}"');
  expect(out.match(/mqf-error-message[^}]*cannot evaluate/g)).toHaveLength(2);
  for (const form of forms) expect(everything).not.toContain(form);
});
