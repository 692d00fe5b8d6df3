/** Real Kafka (KRaft) for the tests: one node with several listeners, or a cluster of three. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Admin } from '@platformatic/kafka';
import { type Broker, type BrokerKind, freePorts, isOpen, launch, output, until } from './broker.ts';
import { brokerCache, fetchByMaven, java } from './java.ts';

const libs = join(brokerCache, 'kafka-4.3.1', 'libs');
const classPath = join(libs, '*');

/** Users of the SASL listener. */
export const kafkaUsers = {
  plain: { username: 'bob', password: 'bob-secret' },
  scram: { username: 'alice', password: 'alice-secret' },
} as const;

export interface KafkaOptions {
  /** The port that the `proxied` listener tells clients to use: that of a proxy which the test puts in front of it. */
  readonly advertise?: number;
}

/** One node: ports `plain`, `sasl` (PLAIN, SCRAM), `tls`, `proxied` and `controller`. No topic is created by itself. */
export function startKafka(options: KafkaOptions = {}): Promise<Broker> {
  return launch({
    prefix: 'kafka',
    portNames: ['plain', 'sasl', 'tls', 'proxied', 'controller'],
    async prepare(dir, ports) {
      await makeCertificate(dir);
      writeFileSync(join(dir, 'server.properties'), properties(singleNode(dir, ports, options)));
      await format(dir, newClusterId(), [
        `SCRAM-SHA-256=[name=${scram.username},password=${scram.password}]`,
        `SCRAM-SHA-512=[name=${scram.username},password=${scram.password}]`,
      ]);
    },
    command: (dir) => runJava(dir, '-Xmx512m'),
    ready: (_dir, ports) => isReady([`127.0.0.1:${ports.plain}`], 1),
  });
}

export interface KafkaCluster {
  readonly brokers: readonly Broker[];
  /** `host:port` of each node. */
  readonly bootstrap: readonly string[];
  dispose(): Promise<void>;
}

/** Several nodes, each broker and controller; topics get three replicas and need two in sync. */
export async function startKafkaCluster(size = 3): Promise<KafkaCluster> {
  const numbers = await freePorts(size * 2);
  const nodes = Array.from({ length: size }, (_, i) => ({
    id: i + 1,
    plain: numbers[i * 2] as number,
    controller: numbers[i * 2 + 1] as number,
  }));
  const voters = nodes.map((node) => `${node.id}@127.0.0.1:${node.controller}`).join(',');
  const bootstrap = nodes.map((node) => `127.0.0.1:${node.plain}`);
  const clusterId = newClusterId();
  const starting = nodes.map((node) =>
    launch({
      prefix: `kafka${node.id}`,
      portNames: [],
      async prepare(dir) {
        writeFileSync(join(dir, 'server.properties'), properties(clusterNode(dir, node, voters, size)));
        await format(dir, clusterId);
      },
      command: (dir) => runJava(dir, '-Xmx320m'),
      // A node alone has no quorum: ready is when its port is open, the cluster when all have registered.
      ready: () => isOpen(node.plain),
    }),
  );
  const brokers = await Promise.all(starting);
  await until('all nodes have registered', () => isReady(bootstrap, size), 60_000);
  return {
    brokers,
    bootstrap,
    async dispose() {
      await Promise.all(brokers.map((broker) => broker.dispose()));
    },
  };
}

export const kafka: BrokerKind = {
  name: 'Kafka',
  async version() {
    if (!existsSync(libs)) return undefined;
    const core = readdirSync(libs).find((file) => /^kafka_2\.13-.*\.jar$/.test(file));
    if (core === undefined || (await output(java, ['-version'])) === undefined) return undefined;
    return core.slice('kafka_2.13-'.length, -'.jar'.length);
  },
  start: () => startKafka(),
};

/** Gets the broker's jars from Maven Central, once. */
export async function installKafka(): Promise<void> {
  if (await kafka.version()) return;
  await fetchByMaven('copy-dependencies', ['-f', join(import.meta.dirname, 'kafka/pom.xml'), `-DoutputDirectory=${libs}`]);
}

export interface Topic {
  readonly name: string;
  readonly partitions?: number;
  readonly replicas?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Creates topics that keep everything, and waits until each partition has a leader. */
export async function createTopics(bootstrap: readonly string[], topics: readonly Topic[]): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...bootstrap], retries: 5, retryDelay: 200 });
  try {
    for (const { name, partitions = 1, replicas = -1, configs = {} } of topics) {
      const all = Object.entries({ 'retention.ms': '-1', ...configs }).map(([key, value]) => ({ name: key, value }));
      await admin.createTopics({ topics: [name], partitions, replicas, configs: all });
    }
    for (const { name, partitions = 1 } of topics) await until(`topic ${name} has leaders`, () => hasLeaders(admin, name, partitions));
  } finally {
    await admin.close();
  }
}

async function hasLeaders(admin: Admin, topic: string, partitions: number): Promise<boolean> {
  try {
    const found = (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic);
    return found?.partitionsCount === partitions && found.partitions.every((partition) => partition.leader >= 0);
  } catch {
    return false; // not known to every broker yet
  }
}

async function isReady(bootstrap: readonly string[], size: number): Promise<boolean> {
  const [host, port] = (bootstrap[0] as string).split(':');
  if (!host || !(await isOpen(Number(port)))) return false;
  const admin = new Admin({ clientId: 'ready', bootstrapBrokers: [...bootstrap], retries: 0, connectTimeout: 2000 });
  try {
    return (await admin.metadata({ topics: [], forceUpdate: true })).brokers.size >= size;
  } catch {
    return false;
  } finally {
    await admin.close();
  }
}

const { scram, plain } = kafkaUsers;

function singleNode(dir: string, ports: Record<string, number>, options: KafkaOptions): Record<string, string | number> {
  const scramModule = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const listeners: Record<string, number | undefined> = {
    PLAINTEXT: ports.plain,
    PROXIED: ports.proxied,
    SASL: ports.sasl,
    TLS: ports.tls,
  };
  const urls = Object.entries(listeners).map(([name, port]) => `${name}://127.0.0.1:${port}`);
  const advertised = urls.map((url) => (url.startsWith('PROXIED') ? `PROXIED://127.0.0.1:${options.advertise ?? ports.proxied}` : url));
  return {
    ...common(dir, 1),
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    listeners: [...urls, `CONTROLLER://127.0.0.1:${ports.controller}`].join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,CONTROLLER:PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${plain.username}="${plain.password}";`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': scramModule,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': scramModule,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(dir, 'server.pem'),
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
  };
}

function clusterNode(
  dir: string,
  node: { id: number; plain: number; controller: number },
  voters: string,
  size: number,
): Record<string, string | number> {
  return {
    ...common(dir, node.id),
    'controller.quorum.voters': voters,
    listeners: `PLAINTEXT://127.0.0.1:${node.plain},CONTROLLER://127.0.0.1:${node.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.plain}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'default.replication.factor': size,
    'min.insync.replicas': 2,
    'offsets.topic.replication.factor': size,
    'transaction.state.log.replication.factor': size,
    'transaction.state.log.min.isr': 2,
    'controlled.shutdown.enable': 'true',
  };
}

function common(dir: string, id: number): Record<string, string | number> {
  return {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(dir, 'data'),
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': 'false',
    'log.cleaner.backoff.ms': 500,
    'log.initial.task.delay.ms': 1000,
  };
}

function properties(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

function newClusterId(): string {
  // One that begins with a dash would be taken for an option.
  return `A${randomBytes(16).toString('base64url').slice(1)}`;
}

/** A key and a certificate for 127.0.0.1, signed by itself: `server.pem` for the broker, `ca.crt` for clients. */
async function makeCertificate(dir: string): Promise<void> {
  const args =
    'req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.crt -days 30 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1';
  await output('openssl', args.replace('key.pem', join(dir, 'key.pem')).replace('ca.crt', join(dir, 'ca.crt')).split(' '));
  await output('sh', ['-c', `cat '${join(dir, 'key.pem')}' '${join(dir, 'ca.crt')}' > '${join(dir, 'server.pem')}'`]);
}

async function format(dir: string, clusterId: string, scramUsers: readonly string[] = []): Promise<void> {
  const users = scramUsers.flatMap((user) => ['--add-scram', user]);
  const text = await output(java, [
    '-Xmx128m',
    '-XX:TieredStopAtLevel=1',
    '-cp',
    classPath,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    join(dir, 'server.properties'),
    ...users,
  ]);
  if (!existsSync(join(dir, 'data', 'meta.properties'))) throw new Error(`Kafka's storage was not formatted: ${text}`);
}

function runJava(dir: string, heap: string): { file: string; args: string[] } {
  return { file: java, args: [heap, '-cp', classPath, 'kafka.Kafka', join(dir, 'server.properties')] };
}
