/** The connectors that come with mqferry, each loaded only when a route names it: an unused broker costs nothing. */
import type { AnyConnector } from '../src/connector.ts';

export const connectors: Readonly<Record<string, () => Promise<AnyConnector>>> = {
  rabbitmq: async () => (await import('./rabbitmq/index.ts')).rabbitmq,
  kafka: async () => (await import('./kafka/index.ts')).kafka,
  mqtt: async () => (await import('./mqtt/index.ts')).mqtt,
  stomp: async () => (await import('./stomp/index.ts')).stomp,
  http: async () => (await import('./http/index.ts')).http,
  local: async () => (await import('./local/index.ts')).local,
  table: async () => (await import('./table/index.ts')).table,
  generate: async () => (await import('./generate/index.ts')).generate,
  print: async () => (await import('./print/index.ts')).print,
};
