/** Apache Artemis from its own tarball, with its journal on disk, one user and a STOMP acceptor. Needs a Java 17. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Broker, type BrokerKind, isOpen, launch, output } from './broker.ts';
import { brokerCache, fetchByMaven } from './java.ts';

/** The login of the broker. */
export const artemisLogin = { username: 'mq', password: 'mq-pass' } as const;

const version = '2.56.0';
const home = join(brokerCache, `apache-artemis-${version}`);

export interface ArtemisBroker extends Broker {
  /** The command line of the broker, logged in; gives what it prints. */
  artemis(...args: string[]): Promise<string>;
}

/** `ports.stomp`, `ports.core`. Data survives `stop('SIGKILL')` and `start()`. */
export const artemis: BrokerKind<ArtemisBroker> = {
  name: 'artemis',
  version: async () => (existsSync(join(home, 'bin', 'artemis')) ? version : undefined),
  start: startArtemis,
};

/** Fetches and unpacks the tarball (49 MB) from Maven Central, once. */
export async function installArtemis(): Promise<void> {
  if (await artemis.version()) return;
  const part = `${home}.${process.pid}`;
  mkdirSync(part, { recursive: true });
  await fetchByMaven('copy', [`-Dartifact=org.apache.artemis:apache-artemis:${version}:tar.gz:bin`, `-DoutputDirectory=${part}`]);
  await output('tar', ['xzf', join(part, `apache-artemis-${version}-bin.tar.gz`), '-C', part]);
  rmSync(home, { recursive: true, force: true });
  renameSync(join(part, `apache-artemis-${version}`), home);
  rmSync(part, { recursive: true, force: true });
}

async function startArtemis(): Promise<ArtemisBroker> {
  const broker = await launch({
    prefix: 'artemis',
    portNames: ['core', 'stomp', 'http'],
    prepare: create,
    command: (dir) => ({ file: join(dir, 'i', 'bin', 'artemis'), args: ['run'], env: { HAWTIO_ROLE: 'amq' } }),
    async ready(dir, ports) {
      // AMQ221007: Server is now active
      return readFileSync(join(dir, 'out.log'), 'utf8').includes('AMQ221007') && (await isOpen(ports['stomp'] as number));
    },
  });
  const login = ['--user', artemisLogin.username, '--password', artemisLogin.password, '--url', `tcp://127.0.0.1:${broker.ports['core']}`];
  return Object.assign(broker, {
    artemis: async (...args: string[]) => (await output(join(broker.dir, 'i', 'bin', 'artemis'), [...args, ...login, '--silent'])) ?? '',
  });
}

async function create(dir: string, ports: Record<string, number>): Promise<void> {
  const said = await output(
    join(home, 'bin', 'artemis'),
    [
      ...['create', join(dir, 'i'), '--silent', '--name', `mq${ports['stomp']}`],
      ...['--user', artemisLogin.username, '--password', artemisLogin.password, '--role', 'amq', '--require-login'],
      ...['--host', '127.0.0.1', '--http-host', '127.0.0.1', '--http-port', String(ports['http']), '--default-port', String(ports['core'])],
      ...['--no-hornetq-acceptor', '--no-amqp-acceptor', '--no-stomp-acceptor', '--no-mqtt-acceptor', '--no-autotune', '--nio'],
      ...['--java-memory', '512M'],
    ],
    { HAWTIO_ROLE: 'amq' },
  );
  const file = join(dir, 'i', 'etc', 'broker.xml');
  if (!existsSync(file)) throw new Error(`artemis create failed: ${said}`);
  const acceptor = `<acceptor name="stomp">tcp://127.0.0.1:${ports['stomp']}?protocols=STOMP;useEpoll=false</acceptor>`;
  writeFileSync(file, readFileSync(file, 'utf8').replace('</acceptors>', `${acceptor}\n</acceptors>`));
}
