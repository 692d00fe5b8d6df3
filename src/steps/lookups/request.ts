/** One HTTP exchange, bounded in time and size, with no redirect followed. */
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request as plain } from 'node:http';
import { request as tls } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../../clock.ts';
import { MqferryError } from '../../errors.ts';

export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** For the whole of it: connecting, sending, and the last byte of the answer. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly agent: Agent;
  readonly lookup: LookupFunction;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Throws TIMEOUT, TOO_LARGE, what the lookup throws, or an error of the network. */
export async function exchange(asked: Exchange, clock: Clock, signal: AbortSignal): Promise<Reply> {
  const over = new AbortController();
  const stop = () => over.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let isLate = false;
  void clock.sleep(asked.timeoutMs, over.signal).then(() => {
    if (over.signal.aborted) return;
    isLate = true;
    over.abort();
  });
  try {
    return await send(asked, over.signal);
  } catch (error) {
    throw isLate ? new MqferryError('TIMEOUT', `no answer within ${asked.timeoutMs} ms`) : error;
  } finally {
    over.abort();
    signal.removeEventListener('abort', stop);
  }
}

function send({ url, method, headers, body, maxBytes, agent, lookup }: Exchange, signal: AbortSignal): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? tls : plain;
    const call = start(url, { method, headers, agent, lookup, signal }, (response) => {
      collect(response, maxBytes).then(resolve, (error) => {
        call.destroy();
        reject(error);
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

async function collect(response: IncomingMessage, maxBytes: number): Promise<Reply> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new MqferryError('TOO_LARGE', `the answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}
