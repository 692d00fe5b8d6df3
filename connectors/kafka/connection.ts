/** From the config of an address to a driver and its options. The library is loaded here, when the first link is opened. */
import { readFile } from 'node:fs/promises';
import { type EndContext, MqferryError } from '../../src/connector.ts';
import type { ConnectionConfig } from './config.ts';
import type { ClientOptions, Driver, TlsOptions } from './port.ts';

export async function loadDriver(name: ConnectionConfig['driver']): Promise<Driver> {
  if (name === 'kafkajs') return (await import('./drivers/kafkajs.ts')).kafkajs;
  return (await import('./drivers/platformatic.ts')).platformatic;
}

/** Reads certificates. Throws CONFIG_INVALID when one is not there. */
export async function clientOptions(config: ConnectionConfig, context: EndContext): Promise<ClientOptions> {
  return {
    clientId: context.clientId,
    brokers: config.brokers,
    tls: config.tls && (await tlsOptions(config.tls)),
    sasl: config.sasl,
    connectTimeoutMs: config.connectTimeout,
    requestTimeoutMs: config.requestTimeout,
  };
}

async function tlsOptions(tls: NonNullable<ConnectionConfig['tls']>): Promise<TlsOptions> {
  const [ca, cert, key] = await Promise.all([pem('ca', tls.ca), pem('cert', tls.cert), pem('key', tls.key)]);
  return {
    rejectUnauthorized: tls.verify,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(tls.passphrase !== undefined && { passphrase: tls.passphrase }),
  };
}

async function pem(field: string, value: string | undefined): Promise<string | undefined> {
  if (value === undefined || value.includes('-----BEGIN')) return value;
  try {
    return await readFile(value, 'utf8');
  } catch (cause) {
    throw new MqferryError('CONFIG_INVALID', `cannot read tls.${field} of the Kafka connection: ${value}`, { cause });
  }
}
