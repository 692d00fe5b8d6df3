/** Who may speak to a server. */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ConnectionConfig } from './config.ts';

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Why a request is not let in, with the status that says so; undefined for one that may. */
export function refusal(
  { headers }: IncomingMessage,
  { host, token }: ConnectionConfig,
): readonly [status: number, why: string] | undefined {
  if (token !== undefined) {
    return hasToken(headers.authorization, token) ? undefined : [401, 'a bearer token is needed'];
  }
  // Without a token a page in a browser on this machine could speak to it: by a request across sites, or by a name that it lets lead here.
  if (headers.origin !== undefined) return [403, 'requests from web pages are refused: set a token'];
  if (isLoopback(host) && !isLoopback(nameIn(headers.host ?? ''))) return [403, 'this Host is not served here'];
  return undefined;
}

function nameIn(host: string): string {
  return host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : (host.split(':')[0] ?? '');
}

function hasToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
