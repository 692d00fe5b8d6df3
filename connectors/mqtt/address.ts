import type { IClientOptions } from 'mqtt';
import { BadSetting, checkTls, type MqferryError, tlsOptions } from '../../src/connector.ts';
import type { ConnectionConfig } from './config.ts';

const schemes: Record<string, { readonly protocol: 'mqtt' | 'mqtts' | 'ws' | 'wss'; readonly port: number }> = {
  'mqtt:': { protocol: 'mqtt', port: 1883 },
  'tcp:': { protocol: 'mqtt', port: 1883 },
  'mqtts:': { protocol: 'mqtts', port: 8883 },
  'tls:': { protocol: 'mqtts', port: 8883 },
  'ssl:': { protocol: 'mqtts', port: 8883 },
  'ws:': { protocol: 'ws', port: 80 },
  'wss:': { protocol: 'wss', port: 443 },
};

/** The addresses to try, in turn. Throws CONFIG_INVALID; its text never holds a password. */
export function addressesOf(config: ConnectionConfig): URL[] {
  if (config.url.length === 0) throw invalid('at least one address is needed');
  const addresses = config.url.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const scheme = url && schemes[url.protocol];
    if (!scheme || !url.hostname) {
      const rest = 'where user and password are percent-encoded: / is %2F, # is %23, @ is %40';
      throw invalid(`an MQTT url is mqtt://user:password@host:1883, or the same with mqtts, ws or wss, ${rest}`);
    }
    if (config.tls && !secure(scheme.protocol))
      throw invalid(`${url.protocol}//${url.host} is not encrypted, but tls is set: write mqtts or wss`);
    decoded(url.username);
    decoded(url.password);
    return url;
  });
  checkTls(config.tls);
  return addresses;
}

/** The options of mqtt.js for one address. Nothing of the URL reaches mqtt.js unseen: it takes a client id from its query. */
export function clientOptions(config: ConnectionConfig, address: URL, session: IClientOptions): IClientOptions {
  const scheme = schemes[address.protocol];
  if (!scheme) throw invalid(`url: ${address.protocol} is not a scheme of MQTT`);
  const username = config.username ?? (decoded(address.username) || undefined);
  const password = config.password ?? (decoded(address.password) || undefined);
  return {
    ...session,
    protocol: scheme.protocol,
    // Brackets of an IPv6 address are for URLs only.
    host: scheme.protocol.startsWith('ws') ? address.hostname : address.hostname.replace(/^\[|\]$/g, ''),
    port: Number(address.port) || scheme.port,
    ...(scheme.protocol.startsWith('ws') && { path: address.pathname + address.search }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(secure(scheme.protocol) && tlsSettings(config)),
    protocolVersion: config.version === 5 ? 5 : 4,
    keepalive: Math.ceil(config.keepalive / 1000),
    connectTimeout: config.connectTimeout,
    manualConnect: true,
    // One object is one connection: the engine opens the next.
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    log: nothing, // its own asks on every packet, ten times, whether debugging is on
  };
}

function nothing(): void {}

function secure(protocol: string): boolean {
  return protocol === 'mqtts' || protocol === 'wss';
}

function tlsSettings({ tls }: ConnectionConfig): IClientOptions {
  if (!tls) return {};
  const options: IClientOptions = { ...tlsOptions(tls) };
  // For wss:// mqtt.js hands on only what it knows, and the name is not among it.
  if (tls.servername !== undefined) Object.assign(options, { wsOptions: { servername: tls.servername } });
  return options;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('a % in the user or password of a url is written %25');
  }
}

function invalid(text: string): MqferryError {
  return new BadSetting('url', text);
}
