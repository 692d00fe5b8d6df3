/** Logins and permissions that change while a route runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../brokers/broker.ts';
import { countReady, makeQueues, publish, type RabbitmqBroker, rabbitmqPassword, startRabbitmq, untilReady } from '../brokers/rabbitmq.ts';
import { folder, start } from '../cli/mqferry.ts';

let broker: RabbitmqBroker;
beforeAll(async () => {
  broker = await startRabbitmq();
}, 120_000);
afterAll(() => broker?.dispose());

const [user, password] = ['ferry', 'canary-pass'];

/** A route from one queue to the other, as a user of its own. */
async function route(name: string) {
  await broker.ctl('add_user', `${user}-${name}`, password);
  await broker.ctl('set_permissions', '-p', 'mq', `${user}-${name}`, '.*', '.*', '.*');
  await makeQueues(broker, [`${name}.in`, `${name}.out`]);
  const cwd = folder();
  const url = broker.url().replace(/\/\/[^@]+@/, `//${user}-${name}:${password}@`);
  writeFileSync(
    join(cwd, 'r.yaml'),
    `connections: { b: { rabbitmq: { url: '${url}' } } }
routes:
  r:
    source: { rabbitmq: { connection: b, queue: ${name}.in } }
    sink: { rabbitmq: { connection: b, queue: ${name}.out } }
    onError: { retry: { attempts: 20, backoff: 200ms..2s } }
`,
  );
  const run = start(['run', 'r.yaml', '--no-admin'], { cwd });
  const send = (from: number, to: number) =>
    publish(
      broker,
      `${name}.in`,
      Array.from({ length: to - from }, (_, i) => `m${from + i}`),
    );
  return { ...run, send, user: `${user}-${name}` };
}

/** As a broker does after its user was changed: the links that are there do not know of it. */
async function closeLinksOf(name: string): Promise<void> {
  const all = (await broker.api('GET', 'connections')) as { name: string; user: string }[];
  for (const one of all.filter((link) => link.user === name))
    await broker.api('DELETE', `connections/${encodeURIComponent(one.name)}`).catch(() => undefined);
}

test('a password that is changed while it runs is AUTH, said without the password, and no loop; with the old one it goes on', {
  timeout: 120_000,
}, async () => {
  const { user: own, send, err, child, ended } = await route('password');
  await send(0, 100);
  await untilReady(broker, 'password.out', 100);
  await broker.ctl('change_password', own, 'another');
  await until(
    'the broker has closed the links, and refuses the login',
    async () => {
      await closeLinksOf(own);
      return err().includes('"code":"AUTH"');
    },
    60_000,
  );
  await send(100, 200);
  const before = [...err().matchAll(/"code":"AUTH"/g)].length;
  expect(before, 'it says so, and not at each try').toBeGreaterThan(0);
  expect(before).toBeLessThan(10);
  expect(await countReady(broker, 'password.out')).toBe(100);
  await broker.ctl('change_password', own, password);
  await untilReady(broker, 'password.out', 200, 60_000);
  expect(err()).not.toContain(password);
  expect(err()).not.toContain(rabbitmqPassword);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('a permission that is taken away while it runs loses nothing, and is FORBIDDEN; with it back it goes on', {
  timeout: 120_000,
}, async () => {
  const { user: own, send, err, child, ended } = await route('permission');
  await send(0, 100);
  await untilReady(broker, 'permission.out', 100);
  await broker.ctl('set_permissions', '-p', 'mq', own, '.*', 'nothing', '.*');
  // What a channel was allowed once it may go on doing: RabbitMQ asks anew on the next one.
  let sent = 100;
  await until(
    'it says so, once its links were closed',
    async () => {
      await closeLinksOf(own);
      await send(sent, sent + 10);
      sent += 10;
      return err().includes('"code":"FORBIDDEN"');
    },
    60_000,
  );
  await broker.ctl('set_permissions', '-p', 'mq', own, '.*', '.*', '.*');
  await untilReady(broker, 'permission.out', sent, 60_000);
  expect(await countReady(broker, 'permission.in')).toBe(0);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});
