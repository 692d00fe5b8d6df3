import type { MiddlewareHandler } from 'hono';
import { bearsToken, hostName, isLoopback } from '../access.ts';

/** Where the admin server listens, and what it asks of a caller. */
export interface Access {
  readonly host: string;
  readonly port: number;
  /** Needed to listen beyond loopback; then every request but the probes must carry it. */
  readonly token: string | undefined;
}

const probes = ['/livez', '/readyz'];

/**
 * Lets in only who may: a Host header that names this server (no DNS rebinding), no foreign Origin (no cross-site request), and the token
 * where there is one.
 */
export function guard(access: Access): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header('host') ?? '';
    const origin = c.req.header('origin');
    const name = hostName(host);
    if (isLoopback(access.host) && !isLoopback(name)) return c.json({ error: 'this Host is not served here' }, 403);
    if (origin !== undefined && origin !== `http://${host}`) return c.json({ error: 'requests from other origins are refused' }, 403);
    const isProbe = probes.includes(c.req.path);
    if (access.token !== undefined && !isProbe && !bearsToken(c.req.header('authorization'), access.token))
      return c.json({ error: 'a bearer token is needed' }, 401);
    return next();
  };
}
