/** From the config of an address to a driver and its options. The library is loaded here, when the first link is opened. */
import { type EndContext, tlsOptions } from '../../src/connector.ts';
import type { ConnectionConfig } from './config.ts';
import type { ClientOptions, Driver } from './port.ts';

export async function loadDriver(name: ConnectionConfig['driver']): Promise<Driver> {
  if (name === 'kafkajs') return (await import('./drivers/kafkajs.ts')).kafkajs;
  return (await import('./drivers/platformatic.ts')).platformatic;
}

/** Reads certificates. Throws CONFIG_INVALID when one is not there. */
export function clientOptions(config: ConnectionConfig, context: EndContext): ClientOptions {
  return {
    clientId: context.clientId,
    brokers: config.brokers,
    tls: config.tls && tlsOptions(config.tls),
    sasl: config.sasl,
    connectTimeoutMs: config.connectTimeout,
    requestTimeoutMs: config.requestTimeout,
  };
}
