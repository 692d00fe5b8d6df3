import { describe, expect, test } from 'vitest';
import { adminApp, startAdmin } from '../../src/admin/server.ts';
import { Engine } from '../../src/engine/engine.ts';
import { identityOf } from '../../src/engine/identity.ts';
import type { Message } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { FakeSink, FakeSource, hastyClock, messages, routePlan, silent, sinkPlan } from '../engine/fakes.ts';

const loopback = { host: '127.0.0.1', port: 0, token: undefined };
const local = { headers: { host: '127.0.0.1:9797' } };

function setUp(access = loopback as { host: string; port: number; token: string | undefined }) {
  const [source, sink, tapped] = [new FakeSource(), new FakeSink(), new FakeSink()];
  const step = {};
  const plan = routePlan(source, [sink], {
    taps: [{ step, sink: sinkPlan('tap t', tapped), limit: { messages: 2, bytes: 1e6 } }],
    share: (batch, aside) => {
      for (const message of batch) aside.tap(message, step);
      return [batch];
    },
  });
  const engine = new Engine([{ name: 'orders', plan: async () => plan }], silent, hastyClock);
  const facts = new Map([['orders', { summary: 'a → b', delivery: 'at-least-once', order: 'lane' }]]);
  const options = { access, version: '1.2.3', facts, drainMs: 100 };
  return { source, sink, tapped, engine, options, app: adminApp(engine, options) };
}

describe('probes', () => {
  test('livez never depends on a broker; readyz waits until every route has been open once, and stays', async () => {
    const { app, engine, sink } = setUp();
    sink.isDown = true;
    await engine.start();
    expect((await app.request('/livez', local)).status).toBe(200);
    const notReady = await app.request('/readyz', local);
    expect(notReady.status).toBe(503);
    expect(await notReady.text()).toContain('orders: sink 0');
    sink.isDown = false;
    await until('it is ready', async () => (await app.request('/readyz', local)).status === 200);
    await engine.stop(0);
    expect((await app.request('/readyz', local)).status).toBe(200);
  });
});

test('metrics mirror the books', async () => {
  const { app, engine, source } = setUp();
  await engine.start();
  source.push(...messages(3));
  await until('all are delivered', () => engine.view('orders')?.books?.delivered === 3);
  const text = await (await app.request('/metrics', local)).text();
  expect(text).toContain('mqferry_deliveries_total{route="orders",outcome="delivered"} 3');
  expect(text).toContain('mqferry_messages_read_total{route="orders"} 3');
  expect(text).toContain('mqferry_connection_up{route="orders",end="sink 0"} 1');
  expect(text).toContain('mqferry_build_info{version="1.2.3"');
  await engine.stop(0);
});

test('a route that is careful after an unclean stop says so, and how many messages it did not handle', async () => {
  const [source, dead] = [new FakeSource().push(...messages(1)), new FakeSink()];
  const quarantine = {
    after: 1,
    withinMs: 60_000,
    open: async () => ({
      last: { isRunning: true, pumps: [{ underWay: [identityOf(messages(1)[0] as Message, [])] }] },
      save: async () => {},
    }),
  };
  const engine = new Engine(
    [{ name: 'orders', plan: async () => routePlan(source, [new FakeSink()], { dead, quarantine }) }],
    silent,
    hastyClock,
  );
  const app = adminApp(engine, { access: loopback, version: '1', facts: new Map(), drainMs: 100 });
  await engine.start();
  await until('it is in the dead letter', () => engine.view('orders')?.books?.deadLettered === 1);
  expect(await (await app.request('/routes/orders', local)).json()).toMatchObject({ quarantine: { isCareful: true, refused: 1 } });
  const text = await (await app.request('/metrics', local)).text();
  expect(text).toContain('mqferry_route_careful{route="orders"} 1');
  expect(text).toContain('mqferry_messages_quarantined_total{route="orders"} 1');
  await engine.stop(0);
});

test('taps are shown and measured, and readiness does not wait for them', async () => {
  const { app, engine, source, tapped } = setUp();
  tapped.isDown = true;
  await engine.start();
  source.push(...messages(3));
  await until('all are delivered', () => engine.view('orders')?.books?.delivered === 3);
  expect((await app.request('/readyz', local)).status).toBe(200);
  expect(await (await app.request('/routes/orders', local)).json()).toMatchObject({
    taps: [{ end: 'tap t', state: expect.stringMatching(/down|opening/), error: 'the sink is down', copied: 0, dropped: 1, waiting: 2 }],
  });
  const text = await (await app.request('/metrics', local)).text();
  expect(text).toContain('mqferry_tap_messages_total{route="orders",end="tap t",outcome="copied"} 0');
  expect(text).toContain('mqferry_tap_messages_total{route="orders",end="tap t",outcome="dropped"} 1');
  expect(text).toContain('mqferry_tap_waiting_messages{route="orders",end="tap t"} 2');
  expect(text).toContain('mqferry_connection_up{route="orders",end="tap t"} 0');
  await engine.stop(0);
});

test('the breaker of a sink is shown and measured', async () => {
  const [source, sink] = [new FakeSource(), new FakeSink()];
  sink.answer = () => 'later';
  const plan = routePlan(source, [sink], { breaker: { failures: 1, openForMs: 3_600_000 } });
  const engine = new Engine([{ name: 'orders', plan: async () => plan }], silent, hastyClock);
  const app = adminApp(engine, { access: loopback, version: '1', facts: new Map(), drainMs: 100 });
  await engine.start();
  source.push(...messages(1));
  await until('it is open', () => engine.view('orders')?.run?.links.some((link) => link.breaker?.state === 'open') === true);
  const { links } = (await (await app.request('/routes/orders', local)).json()) as { links: object[] };
  expect(links).toContainEqual({ end: 'sink 0', state: 'open', failures: 0, breaker: { state: 'open', openings: 1 } });
  const text = await (await app.request('/metrics', local)).text();
  expect(text).toContain('mqferry_breaker_openings_total{route="orders",end="sink 0"} 1');
  expect(text).toContain('mqferry_breaker_state{route="orders",end="sink 0",state="open"} 1');
  await engine.stop(0);
});

test('routes are shown with state and books, stopped and started', async () => {
  const { app, engine } = setUp();
  await engine.start();
  expect(await (await app.request('/routes', local)).json()).toMatchObject({
    routes: [{ name: 'orders', state: 'running', delivery: 'at-least-once', books: { read: 0 } }],
  });
  const post = { method: 'POST', ...local };
  expect(await (await app.request('/routes/orders/stop', post)).json()).toMatchObject({ state: 'stopped' });
  expect(await (await app.request('/routes/orders/start', post)).json()).toMatchObject({ state: 'running' });
  expect((await app.request('/routes/orders/start', post)).status).toBe(409);
  expect((await app.request('/routes/none', local)).status).toBe(404);
  await engine.stop(0);
});

describe('who may ask', () => {
  test('not a page of another origin, nor a name that only resolves to this machine', async () => {
    const { app } = setUp();
    expect((await app.request('/routes', { headers: { host: 'evil.example' } })).status).toBe(403);
    const foreign = { method: 'POST', headers: { host: 'localhost:9797', origin: 'http://evil.example' } };
    expect((await app.request('/routes/orders/stop', foreign)).status).toBe(403);
  });

  test('beyond loopback only with a token', async () => {
    const { engine, options, app } = setUp({ host: '0.0.0.0', port: 0, token: 'canary' });
    await expect(startAdmin(engine, { ...options, access: { host: '0.0.0.0', port: 0, token: undefined } })).rejects.toThrow(
      'MQFERRY_ADMIN_TOKEN',
    );
    const ask = (headers: Record<string, string>) => app.request('/routes', { headers: { host: 'box:1', ...headers } });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: 'Bearer wrong!' })).status).toBe(401);
    expect((await ask({ authorization: 'Bearer canary' })).status).toBe(200);
    expect((await app.request('/livez', { headers: { host: 'box:1' } })).status).toBe(200);
  });

  test('the server listens, and a taken port is a clear error', async () => {
    const { engine, options } = setUp();
    const server = await startAdmin(engine, options);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    const port = Number(new URL(server.url).port);
    await expect(startAdmin(engine, { ...options, access: { ...loopback, port } })).rejects.toThrow(/EADDRINUSE[\s\S]*--no-admin/);
    await server.close();
  });
});
