/** RabbitMQ nodes for tests: several side by side, each with its own epmd, cookie, data and users. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import amqp, { type Channel, type GetMessage, type Options } from 'amqplib';
import { type Broker, type BrokerKind, launch, output, until } from './broker.ts';

/** Not /usr/sbin/rabbitmq-server: that wrapper changes the user. */
const bin = '/usr/lib/rabbitmq/bin';

export const rabbitmqUser = 'mq';
export const rabbitmqPassword = 'mq-pass';

export interface RabbitmqBroker extends Broker {
  /** amqp:// with the test user; vhost `mq` unless named. */
  url(vhost?: string): string;
  /** `rabbitmqctl`, for this node. */
  ctl(...args: string[]): Promise<string>;
  /** The HTTP API: path below `/api/`. Throws on any answer beyond 299. */
  api(method: string, path: string, body?: unknown): Promise<unknown>;
}

export interface RabbitmqOptions {
  /** More lines for rabbitmq.conf; `$dir` is the broker's directory. */
  readonly conf?: (dir: string, ports: Record<string, number>) => readonly string[];
  /** Names of more ports; the first names are amqp, http, stomp, mqtt, dist, epmd. */
  readonly morePorts?: readonly string[];
}

/** RabbitMQ with the management, STOMP and MQTT plugins: user `mq`, vhosts `/` and `mq`. */
export const rabbitmq: BrokerKind<RabbitmqBroker> = {
  name: 'rabbitmq',
  async version() {
    if (!existsSync(join(bin, 'rabbitmq-server'))) return undefined;
    const listed = await output('dpkg-query', ['-W', '-f', '${Version}', 'rabbitmq-server']);
    return listed?.match(/^[\d.]+/)?.[0] ?? 'installed';
  },
  start: () => startRabbitmq(),
};

/** The same with lines of one's own in its configuration. */
export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<RabbitmqBroker> {
  let environment: Record<string, string> = {};
  const broker = await launch({
    prefix: 'rabbitmq',
    portNames: ['amqp', 'http', 'stomp', 'mqtt', 'dist', 'epmd', ...(options.morePorts ?? [])],
    prepare(dir, ports) {
      environment = nodeEnvironment(dir, ports);
      writeConfig(dir, ports, options.conf?.(dir, ports) ?? []);
    },
    command: () => ({ file: join(bin, 'rabbitmq-server'), args: ['-noinput'], env: { ...environment, RABBITMQ_ALLOW_INPUT: '1' } }),
    ready: (_dir, ports) => listens(ports),
  });
  const { stop } = broker;
  // epmd puts itself into a session of its own and outlives the node.
  broker.stop = async (signal) => {
    await stop(signal);
    endEpmd(broker.ports['epmd']);
  };
  return Object.assign(broker, {
    url: (vhost = 'mq') => `amqp://${rabbitmqUser}:${rabbitmqPassword}@127.0.0.1:${broker.ports['amqp']}/${encodeURIComponent(vhost)}`,
    ctl: async (...args: string[]) => (await output(join(bin, 'rabbitmqctl'), ['-q', ...args], environment)) ?? '',
    api: (method: string, path: string, body?: unknown) => callApi(broker.ports['http'], method, path, body),
  });
}

function nodeEnvironment(dir: string, ports: Record<string, number>): Record<string, string> {
  return {
    HOME: dir, // the Erlang cookie is made there
    RABBITMQ_NODENAME: `mq${ports['amqp']}@localhost`,
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'advanced.config'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_PID_FILE: join(dir, 'rabbit.pid'),
    RABBITMQ_DIST_PORT: String(ports['dist']),
    ERL_EPMD_PORT: String(ports['epmd']),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}',
  };
}

function writeConfig(dir: string, ports: Record<string, number>, more: readonly string[]): void {
  for (const name of ['mnesia', 'log']) mkdirSync(join(dir, name));
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${ports['amqp']}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${ports['http']}`,
    `stomp.listeners.tcp.1 = 127.0.0.1:${ports['stomp']}`,
    `mqtt.listeners.tcp.1 = 127.0.0.1:${ports['mqtt']}`,
    'mqtt.vhost = mq',
    'mqtt.exchange = amq.topic',
    `load_definitions = ${join(dir, 'definitions.json')}`,
    'loopback_users = none',
    'vm_memory_high_watermark.absolute = 2GiB',
    'disk_free_limit.absolute = 50MB',
    'log.console = false',
    'log.file.level = info',
    'heartbeat = 30',
    ...more,
  ];
  writeFileSync(join(dir, 'rabbitmq.conf'), `${lines.join('\n')}\n`);
  writeFileSync(
    join(dir, 'enabled_plugins'),
    '[rabbitmq_management,rabbitmq_stomp,rabbitmq_mqtt,rabbitmq_shovel,rabbitmq_auth_mechanism_ssl].\n',
  );
  writeFileSync(join(dir, 'definitions.json'), JSON.stringify(definitions));
}

const permission = { user: rabbitmqUser, configure: '.*', write: '.*', read: '.*' };
const definitions = {
  users: [{ name: rabbitmqUser, password: rabbitmqPassword, tags: ['administrator'] }],
  vhosts: [{ name: '/' }, { name: 'mq' }],
  permissions: [
    { ...permission, vhost: '/' },
    { ...permission, vhost: 'mq' },
  ],
  parameters: [],
  policies: [],
  queues: [],
  exchanges: [],
  bindings: [],
};

async function listens(ports: Record<string, number>): Promise<boolean> {
  const open = await Promise.all(
    ['amqp', 'stomp', 'mqtt'].map((name) =>
      callApi(ports['http'], 'GET', `health/checks/port-listener/${ports[name]}`).then(
        () => true,
        () => false,
      ),
    ),
  );
  return open.every(Boolean);
}

async function callApi(port: number | undefined, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${rabbitmqUser}:${rabbitmqPassword}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** Ends the epmd whose environment carries this port; no other. */
function endEpmd(port: number | undefined): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (readProc(pid, 'comm').trim() !== 'epmd') continue;
    if (!readProc(pid, 'environ').split('\0').includes(`ERL_EPMD_PORT=${port}`)) continue;
    process.kill(Number(pid), 'SIGTERM');
  }
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it ended meanwhile, or is not ours to read
  }
}

/** Does something on a channel of its own, then closes it. */
export async function withChannel<T>(broker: RabbitmqBroker, work: (channel: Channel) => Promise<T>, vhost = 'mq'): Promise<T> {
  const connection = await amqp.connect(broker.url(vhost), { noDelay: true });
  connection.on('error', () => {});
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    return await work(channel);
  } finally {
    await connection.close().catch(() => {});
  }
}

/** Makes durable queues: classic unless `arguments` say otherwise. */
export function makeQueues(
  broker: RabbitmqBroker,
  names: readonly string[],
  args: Record<string, unknown> = {},
  vhost = 'mq',
): Promise<void> {
  return withChannel(
    broker,
    async (channel) => {
      for (const name of names) await channel.assertQueue(name, { durable: true, arguments: args });
    },
    vhost,
  );
}

/** Sends persistent messages to a queue, in order; the broker has confirmed them all when it resolves. */
export async function publish(
  broker: RabbitmqBroker,
  queue: string,
  bodies: readonly (string | Buffer)[],
  options: Options.Publish = {},
): Promise<void> {
  const connection = await amqp.connect(broker.url(), { noDelay: true });
  connection.on('error', () => {});
  try {
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => {});
    for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body), { persistent: true, ...options });
    await channel.waitForConfirms();
  } finally {
    await connection.close().catch(() => {});
  }
}

/** Messages that are ready in a queue, as the queue itself says (the HTTP API lags behind by seconds). */
export function countReady(broker: RabbitmqBroker, queue: string, vhost = 'mq'): Promise<number> {
  return withChannel(broker, async (channel) => (await channel.checkQueue(queue)).messageCount, vhost);
}

/** Waits until a queue has this many ready messages. */
export async function untilReady(broker: RabbitmqBroker, queue: string, count: number, limitMs = 30_000): Promise<void> {
  await withChannel(broker, (channel) =>
    until(`${queue} holds ${count}`, async () => (await channel.checkQueue(queue)).messageCount === count, limitMs),
  );
}

/** Takes everything that is ready, in order. */
export function drain(broker: RabbitmqBroker, queue: string, vhost = 'mq'): Promise<GetMessage[]> {
  return withChannel(
    broker,
    async (channel) => {
      const all: GetMessage[] = [];
      for (;;) {
        const message = await channel.get(queue, { noAck: true });
        if (!message) return all;
        all.push(message);
      }
    },
    vhost,
  );
}
