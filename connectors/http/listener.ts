/** Servers that listen, one for each address, shared by the ends that name it: it listens from its first end to its last. */
import { readFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { BadSetting, describeError, isLoopback, MqferryError, notConnected } from '../../src/connector.ts';
import type { ConnectionConfig } from './config.ts';
import { refusal } from './guard.ts';
import { answer, Refused } from './http.ts';

/** Serves one method of one path. Throws {@link Refused}. */
export type Handler = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => Promise<void>;

/** `POST /jobs`. */
export type Handlers = Readonly<Record<string, Handler>>;

interface Listener {
  readonly handlers: Map<string, Handler>;
  readonly ready: Promise<Server>;
  ends: number;
}

const listeners = new Map<string, Listener>();
/** What the config serves at each address, whether its route runs or not. */
const expected = new Map<string, Set<string>>();
const connectionsMax = 1000;

/** An end of the config. Throws CONFIG_INVALID for an address that must not be open to everybody. */
export function expect(connection: ConnectionConfig, names: readonly string[]): void {
  const { host, token, tls } = connection;
  if (!isLoopback(host) && token === undefined)
    throw new BadSetting('token', `http on ${host} is reachable from other machines: set a \`token\`, or use 127.0.0.1`);
  if (tls) certificateOf(tls);
  const address = addressOf(connection);
  expected.set(address, new Set([...(expected.get(address) ?? []), ...names]));
}

export function addressOf({ host, port }: ConnectionConfig): string {
  return `${host}:${port}`;
}

/** Resolves when it listens, with what takes the handlers away again. Throws NOT_CONNECTED when it cannot. */
export async function listen(connection: ConnectionConfig, handlers: Handlers): Promise<() => Promise<void>> {
  const address = addressOf(connection);
  const listener = listeners.get(address) ?? begin(address, connection);
  for (const name of Object.keys(handlers))
    if (listener.handlers.has(name)) throw new MqferryError('CONFIG_INVALID', `${name} on ${address} is served already: one end serves it`);
  for (const [name, handler] of Object.entries(handlers)) listener.handlers.set(name, handler);
  listener.ends++;
  let isLeft = false;
  const leave = async () => {
    if (isLeft) return;
    isLeft = true;
    for (const name of Object.keys(handlers)) listener.handlers.delete(name);
    if (--listener.ends === 0) await end(address, listener);
  };
  try {
    await listener.ready;
    return leave;
  } catch (error) {
    await leave();
    throw error;
  }
}

function begin(address: string, connection: ConnectionConfig): Listener {
  const handlers = new Map<string, Handler>();
  const serve = (request: IncomingMessage, response: ServerResponse) => void respond(request, response, connection, handlers);
  const server = connection.tls ? createHttps(certificateOf(connection.tls), serve) : createHttp(serve);
  server.maxConnections = connectionsMax;
  server.headersTimeout = 10_000;
  const ready = new Promise<Server>((resolve, reject) => {
    server.once('error', (error) => reject(notConnected(`cannot listen on ${address}: ${describeError(error)}`, error)));
    server.listen(connection.port, connection.host, () => resolve(server));
  });
  const listener: Listener = { handlers, ready, ends: 0 };
  listeners.set(address, listener);
  return listener;
}

async function end(address: string, { ready }: Listener): Promise<void> {
  listeners.delete(address);
  const server = await ready.catch(() => undefined); // it never listened, and whoever waited was told
  if (!server) return;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), 2000).unref(); // answers that are on their way
  await closed;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  connection: ConnectionConfig,
  handlers: ReadonlyMap<string, Handler>,
): Promise<void> {
  try {
    const refused = refusal(request, connection);
    if (refused) throw new Refused(...refused);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const name = `${request.method} ${pathname}`;
    const handler = handlers.get(name);
    if (!handler && expected.get(addressOf(connection))?.has(name)) throw new Refused(503, 'its route does not run at this moment');
    if (!handler) throw new Refused(404, `nothing is served by ${request.method} at this path`);
    await handler(request, response, searchParams);
  } catch (error) {
    const [status, text] = error instanceof Refused ? [error.status, error.message] : [500, 'this request could not be served'];
    if (!response.headersSent) answer(response, status, { error: text });
    else response.destroy();
  }
}

function certificateOf({ cert, key }: NonNullable<ConnectionConfig['tls']>): { cert: string; key: string } {
  const pem = (field: string, value: string) => {
    if (value.includes('-----BEGIN')) return value;
    try {
      return readFileSync(value, 'utf8');
    } catch (cause) {
      // The cause names the file: for `key` that may be the key itself, badly pasted.
      const code = (cause as NodeJS.ErrnoException).code;
      throw new BadSetting('tls', `tls.${field} is neither PEM text nor the name of a readable file (${code})`);
    }
  };
  return { cert: pem('cert', cert), key: pem('key', key) };
}
