/** Who may speak to a server. */
import type { IncomingMessage } from 'node:http';
import { bearsToken, hostName, isLoopback } from '../../src/connector.ts';
import type { ConnectionConfig } from './config.ts';

/** Why a request is not let in, with the status that says so; undefined for one that may. */
export function refusal(
  { headers }: IncomingMessage,
  { host, token }: ConnectionConfig,
): readonly [status: number, why: string] | undefined {
  if (token !== undefined) return bearsToken(headers.authorization, token) ? undefined : [401, 'a bearer token is needed'];
  // Without a token a page in a browser on this machine could speak to it: by a request across sites, or by a name that it lets lead here.
  if (headers.origin !== undefined) return [403, 'requests from web pages are refused: set a token'];
  if (isLoopback(host) && !isLoopback(hostName(headers.host ?? ''))) return [403, 'this Host is not served here'];
  return undefined;
}
