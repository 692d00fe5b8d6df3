/** An HTTP service of the test. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Service {
  readonly origin: string;
  /** Method, path and body of each request, in order. */
  readonly asked: string[];
  readonly headers: IncomingMessage['headers'][];
  readonly sockets: Set<unknown>;
  /** The most requests that were open at once. */
  most: number;
  answer(request: IncomingMessage, response: ServerResponse): void;
}

export async function startService(answer: Service['answer']): Promise<Service> {
  let open = 0;
  const server = createServer(async (request, response) => {
    service.most = Math.max(service.most, ++open);
    service.sockets.add(request.socket);
    response.on('close', () => open--);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    service.asked.push([request.method, request.url, Buffer.concat(chunks).toString()].filter(Boolean).join(' '));
    service.headers.push(request.headers);
    service.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const service: Service = { origin: `http://127.0.0.1:${port}`, asked: [], headers: [], sockets: new Set(), most: 0, answer };
  return service;
}

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
