/** The little of HTTP that both ends need. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isObject, type Json } from './message.ts';

/** A request that is answered by an error. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function answer(response: ServerResponse, status: number, body: Json): void {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (status === 503) headers['retry-after'] = '1';
  // What was not read of the request would be taken for the next one; and who is to come again later need not hold a connection.
  if (status === 413 || status === 401 || status === 503) headers['connection'] = 'close';
  response.writeHead(status, headers).end(JSON.stringify(body));
}

/** The whole body. Throws {@link Refused} for one that is larger; nothing more of it is read. */
export async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = new Refused(413, `at most ${maxBytes} bytes are taken`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Throws {@link Refused} for what is no JSON object. */
export function jsonIn(body: Buffer): Json {
  let found: unknown;
  try {
    found = JSON.parse(body.toString());
  } catch {
    throw new Refused(400, 'the body is not JSON');
  }
  if (!isObject(found)) throw new Refused(400, 'the body must be a JSON object');
  return found;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `20s`, `500ms`, or seconds. Throws {@link Refused}. */
export function msIn(query: URLSearchParams, name: string, maxMs: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const [, digits, unit = 's'] = /^(\d{1,9})(ms|s|m|h)?$/.exec(text) ?? [];
  if (digits === undefined) throw new Refused(400, `${name} must be a time, such as 20s`);
  return Math.min(Number(digits) * (unitMs[unit] as number), maxMs);
}

/** Throws {@link Refused}. */
export function countIn(query: URLSearchParams, name: string, max: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,6}$/.test(text) || Number(text) < 1) throw new Refused(400, `${name} must be a whole number, 1 or more`);
  return Math.min(Number(text), max);
}
