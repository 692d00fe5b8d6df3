/** What every client of kafkajs is opened and closed with. */
import library, { type Kafka, type KafkaConfig } from 'kafkajs';
import type { ClientOptions } from '../port.ts';
import { registerCodecs } from './kafkajsCodecs.ts';

const { logLevel } = library;
const closeTimeoutMs = 3000;

/** A factory for clients that say nothing on their own. */
export function kafkaOf(client: ClientOptions): Kafka {
  registerCodecs();
  const { sasl } = client;
  const mechanisms = { PLAIN: 'plain', 'SCRAM-SHA-256': 'scram-sha-256', 'SCRAM-SHA-512': 'scram-sha-512' } as const;
  return new library.Kafka({
    clientId: client.clientId,
    brokers: [...client.brokers],
    connectionTimeout: client.connectTimeoutMs,
    requestTimeout: client.requestTimeoutMs,
    logLevel: logLevel.NOTHING,
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 2000 },
    ...(client.tls && { ssl: { ...client.tls } }),
    ...(sasl && {
      sasl: { mechanism: mechanisms[sasl.mechanism], username: sasl.username, password: sasl.password } as KafkaConfig['sasl'] & object,
    }),
  });
}

/** Waits for all, but not for ever: `disconnect()` on a dead link may not settle. Never throws. */
export async function limited(promises: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, closeTimeoutMs);
  });
  await Promise.race([Promise.allSettled(promises), limit]);
  clearTimeout(timer);
}
