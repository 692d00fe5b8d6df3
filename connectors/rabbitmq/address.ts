import { readFileSync } from 'node:fs';
import amqp, { type Options, type SocketOptions } from 'amqplib';
import { MqferryError } from '../../src/connector.ts';
import type { ConnectionSettings } from './config.ts';

/** The parts of an address, with what stands beside it in the settings. Throws CONFIG_INVALID; never says the address, which may hold a password. */
export function parseUrl(text: string, settings: ConnectionSettings): Options.Connect {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'amqp:' && url.protocol !== 'amqps:') || url.hostname === '') {
    throw new MqferryError('CONFIG_INVALID', 'a RabbitMQ url must look like amqp://user:password@host:5672/vhost');
  }
  if (settings.tls && url.protocol === 'amqp:') {
    throw new MqferryError('CONFIG_INVALID', `tls settings need an amqps:// url; ${url.hostname} has amqp://`);
  }
  const path = url.pathname.slice(1);
  const user = decodeURIComponent(url.username) || settings.username;
  return {
    protocol: url.protocol.slice(0, -1),
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (url.protocol === 'amqp:' ? 5672 : 5671),
    username: user ?? 'guest',
    password: decodeURIComponent(url.password) || (settings.password ?? (user === undefined ? 'guest' : '')),
    // amqplib unescapes it.
    vhost: path !== '' ? path : encodeURIComponent(settings.vhost ?? '/'),
    heartbeat: Math.max(1, Math.ceil(settings.heartbeat / 1000)),
    frameMax: 131_072,
  };
}

/** How to make the socket, TLS and way of login included. */
export function socketOptions(settings: ConnectionSettings, url: Options.Connect): SocketOptions {
  const options: SocketOptions = { noDelay: true, keepAlive: true };
  if (settings.auth === 'external') options.credentials = amqp.credentials.external();
  const { tls } = settings;
  if (!tls || url.protocol !== 'amqps') return options;
  if (tls.ca !== undefined) options.ca = pem('ca', tls.ca);
  if (tls.cert !== undefined) options.cert = pem('cert', tls.cert);
  if (tls.key !== undefined) options.key = pem('key', tls.key);
  if (tls.servername !== undefined) options.servername = tls.servername;
  if (tls.insecure) options.rejectUnauthorized = false;
  return options;
}

/** PEM text as it is, else what the file of that name holds. */
function pem(field: string, value: string): string | Buffer {
  if (value.includes('-----BEGIN')) return value;
  try {
    return readFileSync(value);
  } catch (cause) {
    // The cause names the file: for `key` that may be the key itself, badly pasted.
    const code = (cause as NodeJS.ErrnoException).code;
    throw new MqferryError('CONFIG_INVALID', `tls.${field} is neither PEM text nor the name of a readable file (${code})`);
  }
}
