import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { isLoopback } from '../access.ts';
import type { Engine, RouteView } from '../engine/engine.ts';
import type { RouteRun } from '../engine/route-run.ts';
import type { LinkStatus } from '../engine/supervise.ts';
import type { Tap } from '../engine/tap.ts';
import { MqferryError } from '../errors.ts';
import { type Access, guard } from './guard.ts';
import { metricsOf, storesOf } from './metrics.ts';

export interface AdminServer {
  readonly url: string;
  close(): Promise<void>;
}

/** What the API says of a route beside its state: a line each, computed before anything connected. */
export interface RouteFacts {
  readonly summary: string;
  readonly delivery: string;
  readonly order: string;
}

export interface AdminOptions {
  readonly access: Access;
  readonly version: string;
  /** By route. */
  readonly facts: ReadonlyMap<string, RouteFacts>;
  readonly drainMs: number;
}

/** Serves health, metrics and routes. Throws when it would listen beyond loopback without a token, or the port is taken. */
export async function startAdmin(engine: Engine, options: AdminOptions): Promise<AdminServer> {
  const { host, port, token } = options.access;
  if (!isLoopback(host) && token === undefined)
    throw new MqferryError(
      'CONFIG_INVALID',
      `admin on ${host} is reachable from other machines: set MQFERRY_ADMIN_TOKEN, or use 127.0.0.1`,
    );
  const app = adminApp(engine, options);
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const started = serve({ fetch: app.fetch, hostname: host, port }, () => resolve(started));
    started.once('error', (cause) =>
      reject(
        new MqferryError(
          'CONFIG_INVALID',
          `cannot serve admin on ${host}:${port}: ${cause.message}; choose another by --admin, or --no-admin`,
          { cause },
        ),
      ),
    );
  });
  const address = server.address();
  const listening = typeof address === 'object' && address ? address.port : port;
  return {
    url: `http://${host}:${listening}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

/** The routes of the admin server, without a socket. */
export function adminApp(engine: Engine, options: AdminOptions): Hono {
  const app = new Hono();
  const registry = metricsOf(engine, options.version);
  app.use(guard(options.access));
  app.get('/livez', (c) => c.json({ alive: true }));
  app.get('/readyz', (c) => {
    const waiting = engine.routes.flatMap(notReady);
    return c.json({ ready: waiting.length === 0, waiting }, waiting.length === 0 ? 200 : 503);
  });
  app.get('/metrics', async (c) => c.text(await registry.metrics(), 200, { 'content-type': registry.contentType }));
  app.get('/routes', (c) => c.json({ routes: engine.routes.map((route) => present(route, options)) }));
  app.get('/routes/:name', (c) => {
    const route = engine.view(c.req.param('name'));
    return route ? c.json(present(route, options)) : c.json({ error: 'there is no such route' }, 404);
  });
  app.post('/routes/:name/:verb{start|stop}', async (c) => {
    const { name, verb } = c.req.param();
    if (!engine.view(name)) return c.json({ error: 'there is no such route' }, 404);
    const done = verb === 'start' ? await engine.startRoute(name) : await engine.stopRoute(name, options.drainMs);
    return c.json(present(engine.view(name) as RouteView, options), done ? 200 : 409);
  });
  app.notFound((c) => c.json({ error: 'not found; there are /livez, /readyz, /metrics and /routes' }, 404));
  app.onError((error, c) => c.json({ error: error.message }, 500));
  return app;
}

/** The links of a route that have never been open. */
function notReady(route: RouteView): string[] {
  if (!route.run) return [`${route.name}: ${route.reason ?? 'starting'}`];
  return route.run.links.filter((link) => !link.everOpened).map((link) => `${route.name}: ${link.end}: ${link.error ?? link.state}`);
}

function linkView({ end, state, failures, error, breaker }: LinkStatus) {
  return {
    end,
    state,
    failures,
    ...(error !== undefined && { error }),
    ...(breaker && { breaker: { state: breaker.state, openings: breaker.openings } }),
  };
}

function stagesView(run: RouteRun | undefined) {
  const stages = run ? storesOf(run.plan, 'stage') : [];
  return stages.length > 0 && { stages: stages.map((stage) => ({ name: stage.name, ...stage.stats() })) };
}

function memoriesView(run: RouteRun | undefined) {
  const memories = run?.plan.memories ?? [];
  return memories.length > 0 && { memories: memories.map((memory) => ({ name: memory.name, ...memory.stats() })) };
}

function tapView({ status, copied, dropped, waiting }: Tap) {
  return { ...linkView(status), copied, dropped, waiting };
}

function present(route: RouteView, options: AdminOptions) {
  const { run } = route;
  const now = performance.now();
  return {
    name: route.name,
    state: route.state,
    ...(route.reason !== undefined && { reason: route.reason }),
    ...options.facts.get(route.name),
    books: route.books,
    window: run && { used: run.pumps.map((pump) => pump.window.messages), limit: run.plan.window.messages },
    quarantine: run?.quarantine && { isCareful: run.quarantine.isCareful, refused: run.quarantine.refused },
    buffer: run?.plan.stores?.find(({ kind }) => kind === 'buffer')?.stats(),
    ...stagesView(run),
    ...memoriesView(run),
    deadLetters: run?.plan.deadStore?.stats(),
    oldestUnsettledMs:
      run && Math.round(Math.max(0, ...run.pumps.map((pump) => (pump.oldestReadAt === undefined ? 0 : now - pump.oldestReadAt)))),
    links: run?.links.map(linkView),
    ...(run && run.taps.size > 0 && { taps: [...run.taps.values()].map(tapView) }),
  };
}
