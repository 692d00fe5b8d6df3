import type { AnyConnector } from '../connector.ts';
import { registryOf } from '../index.ts';
import { Leave } from './exit-codes.ts';

/** One end of a route as the config has it: `{ rabbitmq: { connection: { … }, queue: … } }`. */
export type EndShape = Readonly<Record<string, Tree>>;
type Tree = { [key: string]: string | Tree };

interface Parts {
  readonly scheme: string;
  readonly authority: string;
  /** Without the leading slash. */
  readonly path: string;
  readonly options: readonly (readonly [string, string])[];
}

/**
 * Reads the URL of `copy`: the scheme chooses the connector, the path says what there, the query holds options of the end or of the connection.
 * Nothing is checked here: what is wrong shows when the config is loaded. Leaves when the scheme is unknown.
 */
export async function endOfUrl(url: string, role: 'source' | 'sink'): Promise<EndShape> {
  const parts = partsOf(url);
  const connector = await connectorOf(parts.scheme);
  const kind = connector[role];
  if (!kind) throw new Leave('usage', `${connector.name} cannot be a ${role}`);
  const shape: { connection: Tree; end: Tree } = { connection: {}, end: {} };
  readers[connector.name]?.(parts, role, shape);
  for (const [name, value] of parts.options) {
    const [first = ''] = name.split('.');
    const isOfConnection = !(first in kind.fields) && first in (connector.connection ?? {});
    put(isOfConnection ? shape.connection : shape.end, name.split('.'), value);
  }
  return { [connector.name]: connector.connection ? { connection: shape.connection, ...shape.end } : shape.end };
}

async function connectorOf(scheme: string): Promise<AnyConnector> {
  const known: string[] = [];
  for (const load of Object.values(registryOf().connectors)) {
    const connector = await load();
    const schemes = connector.schemes ?? [connector.name];
    if (schemes.includes(scheme)) return connector;
    known.push(...schemes);
  }
  throw new Leave('usage', `no connector reads URLs that begin with ${scheme}: — known are ${known.join(', ')}`);
}

/** By hand, as `URL` would escape what is meant for the config: `${NAME}`, several hosts, `#` in a topic filter. */
function partsOf(url: string): Parts {
  const match = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?]*))?\/?([^?]*)(?:\?(.*))?$/i.exec(url);
  if (!match) throw new Leave('usage', 'write an endpoint as a URL, e.g. amqp://localhost?queue=orders or print:');
  const [, scheme = '', authority = '', path = '', query = ''] = match;
  const options = query === '' ? [] : query.split('&').map(optionOf);
  return { scheme: scheme.toLowerCase(), authority, path: decoded(path), options };
}

function optionOf(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [decoded(text), 'true'] : [decoded(text.slice(0, at)), decoded(text.slice(at + 1))];
}

/** A stray percent sign is just that. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (hex) => decodeURIComponent(hex));
}

function put(tree: Tree, [first = '', ...rest]: string[], value: string): void {
  if (rest.length === 0) {
    tree[first] = value;
    return;
  }
  const below = tree[first];
  const branch = typeof below === 'object' ? below : {};
  tree[first] = branch;
  put(branch, rest, value);
}

type Reader = (parts: Parts, role: 'source' | 'sink', shape: { connection: Tree; end: Tree }) => void;

/** What the host and the path of a URL mean. A connector that is not here takes options only. */
const readers: Readonly<Record<string, Reader>> = {
  rabbitmq({ scheme, authority, path }, _, { connection }) {
    if (authority !== '') connection['url'] = `${scheme}://${authority}${path === '' ? '' : `/${encodeURIComponent(path)}`}`;
  },
  kafka({ scheme, authority, path, options }, role, { connection, end }) {
    const [login, hosts] = splitLogin(authority);
    connection['brokers'] = hosts === '' ? 'localhost:9092' : hosts;
    if (scheme === 'kafka+ssl') connection['tls'] = {};
    if (login) connection['sasl'] = { mechanism: 'PLAIN', ...login };
    if (role === 'source' && !options.some(([name]) => name === 'groupId')) end['groupId'] = 'mqferry-copy';
    if (path !== '') end[role === 'source' ? 'topics' : 'topic'] = path;
  },
  mqtt({ scheme, authority, path }, role, { connection, end }) {
    if (authority !== '') connection['url'] = `${scheme}://${authority}`;
    if (path !== '') end[role === 'source' ? 'topics' : 'topic'] = path;
  },
  stomp({ scheme, authority, path }, _, { connection, end }) {
    if (authority !== '') connection['url'] = `${scheme}://${authority}`;
    if (path !== '') end['destination'] = `/${path}`;
  },
  local({ authority, path }, _, { end }) {
    end['queue'] = authority || path;
  },
};

function splitLogin(authority: string): [{ username: string; password: string } | undefined, string] {
  const at = authority.lastIndexOf('@');
  if (at < 0) return [undefined, authority];
  const [username = '', ...password] = authority.slice(0, at).split(':');
  return [{ username: decoded(username), password: decoded(password.join(':')) }, authority.slice(at + 1)];
}
