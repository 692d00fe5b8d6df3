/** What every client of @platformatic/kafka is opened and closed with. */
import type { BaseOptions } from '@platformatic/kafka';
import type { ClientOptions } from '../port.ts';

/** The options they share. */
export function baseOptions(client: ClientOptions): BaseOptions {
  return {
    clientId: client.clientId,
    bootstrapBrokers: [...client.brokers],
    connectTimeout: client.connectTimeoutMs,
    requestTimeout: client.requestTimeoutMs,
    timeout: client.requestTimeoutMs,
    autocreateTopics: false,
    ...(client.tls && { tls: { ...client.tls } }),
    ...(client.sasl && { sasl: { ...client.sasl } }),
  };
}

interface Closable {
  close(): Promise<void>;
  readonly connections: Iterable<[string, { readonly socket: { destroy(): void } | undefined }]>;
}

const closeTimeoutMs = 3000;

/** Closes clients in good order; pulls the plug when that takes too long. Never throws. */
export async function closeAll(clients: readonly Closable[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, closeTimeoutMs);
  });
  await Promise.race([Promise.allSettled(clients.map((client) => client.close())), limit]);
  clearTimeout(timer);
  for (const client of clients) for (const [, connection] of client.connections) connection.socket?.destroy();
}
