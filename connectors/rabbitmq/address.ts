import amqp, { type Options, type SocketOptions } from 'amqplib';
import { BadSetting, tlsOptions } from '../../src/connector.ts';
import type { ConnectionSettings } from './config.ts';

/** The parts of an address, with what stands beside it in the settings. Throws CONFIG_INVALID; never says the address, which may hold a password. */
export function parseUrl(text: string, settings: ConnectionSettings): Options.Connect {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'amqp:' && url.protocol !== 'amqps:') || url.hostname === '') {
    const rest = 'where user, password and vhost are percent-encoded: / is %2F, # is %23, @ is %40';
    throw new BadSetting('url', `a RabbitMQ url is amqp://user:password@host:5672/vhost, or the same with amqps, ${rest}`);
  }
  if (settings.tls && url.protocol === 'amqp:') {
    throw new BadSetting('url', `${url.hostname} has amqp://, which is not encrypted, but tls is set: write amqps://`);
  }
  const path = url.pathname.slice(1);
  const user = decoded(url.username) || settings.username;
  return {
    protocol: url.protocol.slice(0, -1),
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (url.protocol === 'amqp:' ? 5672 : 5671),
    username: user ?? 'guest',
    password: decoded(url.password) || (settings.password ?? (user === undefined ? 'guest' : '')),
    // amqplib unescapes it.
    vhost: path !== '' ? path : encodeURIComponent(settings.vhost ?? '/'),
    heartbeat: Math.max(1, Math.ceil(settings.heartbeat / 1000)),
    frameMax: 131_072,
  };
}

/** Throws for settings with which no address of the list could be connected to. */
export function checkSettings(settings: ConnectionSettings): void {
  for (const text of settings.url) socketOptions(settings, parseUrl(text, settings));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BadSetting('url', 'a % in the user or password of a url is written %25');
  }
}

/** How to make the socket, TLS and way of login included. */
export function socketOptions(settings: ConnectionSettings, url: Options.Connect): SocketOptions {
  const options: SocketOptions = { noDelay: true, keepAlive: true };
  if (settings.auth === 'external') options.credentials = amqp.credentials.external();
  const isTls = settings.tls !== undefined && url.protocol === 'amqps';
  return isTls ? { ...options, ...tlsOptions(settings.tls) } : options;
}
