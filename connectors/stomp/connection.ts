import { BadSetting, checkTls, type EndContext, MqferryError, notConnected, tlsNotes, tlsOptions } from '../../src/connector.ts';
import { StompClient } from './client.ts';
import type { ConnectionConfig } from './config.ts';
import { type Profile, profileNamed, profileOf } from './profiles.ts';

export interface Connection {
  readonly client: StompClient;
  readonly profile: Profile;
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/**
 * Connects to the first address that answers, as the broker that the config names. Throws AUTH when one refused the login, else what the
 * last one said; CONFIG_INVALID when that was another broker.
 */
export async function connect(config: ConnectionConfig, clientId: string | undefined, signal: AbortSignal): Promise<Connection> {
  const errors: unknown[] = [];
  for (const address of addressesOf(config)) {
    if (signal.aborted) break;
    try {
      const client = await StompClient.connect(options(config, address, clientId), signal);
      return { client, profile: profileFor(client, config) };
    } catch (error) {
      errors.push(error);
    }
  }
  const refused = errors.find((error) => error instanceof MqferryError && error.code === 'AUTH');
  throw refused ?? errors.at(-1) ?? notConnected('stopped connecting');
}

/** The addresses to try, in turn. Throws CONFIG_INVALID, also when `tls` is written and would not be used. */
export function addressesOf({ url, tls }: ConnectionConfig): Address[] {
  if (url.length === 0) throw new BadSetting('url', 'at least one address is needed');
  const addresses = url.map(parseAddress);
  const plain = tls && addresses.find((address) => !address.isTls);
  if (plain) {
    throw new BadSetting('url', `stomp://${plain.host}:${plain.port} is not encrypted, but tls is set: write stomps://`);
  }
  checkTls(tls);
  return addresses;
}

/** Who does not say what it is, or says a name that nobody knows, is taken for what the config says. Ends the link to any other. */
function profileFor(client: StompClient, { broker }: ConnectionConfig): Profile {
  const found = profileOf(client.server);
  if (broker === undefined || found.name === broker) return found;
  if (found.name === 'unknown') return profileNamed(broker);
  client.end(notConnected('it is another broker'));
  const text = `${client.address} is ${found.name} (${client.server}), but its connection says \`broker: ${broker}\``;
  throw new MqferryError('CONFIG_INVALID', `${text}: correct it, and look with \`mqferry explain\` what the route then promises`);
}

const urlForm = 'a STOMP url is stomp://user:password@host:61613, or the same with stomps';

/** The parts of a URL. Throws CONFIG_INVALID, without the URL, which may hold a password. */
export function parseAddress(text: string): Address {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The cause is left out on purpose: it carries the text.
    throw new BadSetting('url', `${urlForm}, where user and password are percent-encoded: / is %2F, # is %23, @ is %40`);
  }
  const isTls = /^(stomps|stomp\+ssl|ssl):$/.test(url.protocol);
  if (!isTls && !/^(stomp|tcp):$/.test(url.protocol)) throw new BadSetting('url', urlForm);
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(url.port) || (isTls ? 61614 : 61613),
    isTls,
    username: decoded(url.username),
    password: decoded(url.password),
  };
}

function decoded(text: string): string | undefined {
  if (text === '') return undefined;
  return /%(?![0-9a-f]{2})/i.test(text) ? text : decodeURIComponent(text);
}

function options(config: ConnectionConfig, address: Address, clientId: string | undefined): Parameters<typeof StompClient.connect>[0] {
  const { tls } = config;
  return {
    host: address.host,
    port: address.port,
    tls: address.isTls ? (tls ? tlsOptions(tls) : {}) : undefined,
    vhost: config.vhost,
    login: config.username ?? address.username,
    passcode: config.password ?? address.password,
    clientId,
    heartBeatMs: config.heartbeat,
    connectTimeoutMs: config.connectTimeout,
    limits: { headerBytes: config.maxHeaderBytes, headers: config.maxHeaders, bodyBytes: config.maxFrame },
  };
}

/** How long a closing end waits for the broker to work off what was sent. */
export const closeLimitMs = 5_000;

/** Says once per link what was found. */
export function logConnected({ client, profile }: Connection, config: ConnectionConfig, context: EndContext): void {
  context.log.info({ broker: client.address, server: client.server }, 'connected');
  for (const note of tlsNotes(config.tls)) context.log.warn({ broker: client.address }, note);
  if (profile.name === 'unknown') {
    context.log.warn({ server: client.server }, 'this STOMP broker is not known to mqferry: only what STOMP 1.2 itself says is used');
  } else if (profile !== profileOf(client.server)) {
    context.log.warn(
      { server: client.server },
      `this STOMP broker does not say that it is ${profile.name}: it is taken for it, as configured`,
    );
  }
}
