/** What can be measured: mqferry, and the peers that come with a broker. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, tail } from '../test/brokers/broker.ts';
import { mosquittoLogin } from '../test/brokers/mosquitto.ts';
import type { RabbitmqBroker } from '../test/brokers/rabbitmq.ts';
import type { End } from './end.ts';
import { sessionOf } from './ends/mqtt.ts';

const root = join(import.meta.dirname, '..');
/** How the product is run: from its sources, or as it is shipped. */
export const programs = { src: join(root, 'src/cli/main.ts'), dist: join(root, 'bin/mqferry.js') } as const;

/** One journey of messages: from a filled place to an empty one. */
export interface Journey {
  readonly from: End;
  readonly to: End;
  readonly source: string;
  readonly sink: string;
  readonly reader: string;
  /** An empty directory of its own. */
  readonly dir: string;
}

export interface Running {
  /** Undefined for a tool that lives inside its broker. */
  readonly pid: number | undefined;
  /** Ends it; throws when it ended badly. */
  stop(): Promise<void>;
}

export interface Tool {
  readonly name: string;
  start(journey: Journey): Promise<Running>;
}

/** How long nothing may come before mqferry ends by itself. */
const idle = '1s';

/** mqferry as its users have it. It ends by itself, and its exit code says that the books balance. */
export function mqferry(program: keyof typeof programs, between?: Between, flags: readonly string[] = []): Tool {
  return {
    name: between ? `mqferry + ${between}` : 'mqferry',
    async start(journey) {
      writeFileSync(join(journey.dir, 'bench.yaml'), routeOf(journey, between));
      const args = [...flags, programs[program], 'run', 'bench.yaml', '--data', 'data', '--no-admin', '--until-idle', idle];
      const child = start(process.execPath, args, journey.dir);
      const gone = ended(child, journey.dir);
      gone.catch(() => {}); // told by stop()
      return { pid: child.pid, stop: () => gone };
    },
  };
}

/** What messages are stored in on their way: the buffer, or a stage that lets them go on at once; or what remembers each of them. */
export type Between = 'disk buffer' | 'delay' | 'dedupe';

const steps: Readonly<Partial<Record<Between, string>>> = {
  delay: 'delay: { for: 0s }',
  dedupe: "dedupe: { key: '${{ origin.partition }}-${{ origin.offset }}' }",
};

export function routeOf({ from, to, source, sink, reader }: Journey, between?: Between): string {
  return [
    'connections:',
    `  from: ${from.connection}`,
    `  to: ${to.connection}`,
    'routes:',
    '  bench:',
    '    window: { messages: 1000 }',
    `    source: { ${from.source(source, reader)} }`,
    ...(between === 'disk buffer' ? ['    buffer: disk'] : []),
    ...(between && steps[between] ? [`    steps: [{ ${steps[between]} }]`] : []),
    `    sink: { ${to.sink(sink)} }`,
    '',
  ].join('\n');
}

/** RabbitMQ's own, inside the broker: acks the source when the sink has confirmed. */
export const shovel: Tool = {
  name: 'Shovel (on-confirm)',
  async start({ from, source, sink }) {
    const broker = from.broker as RabbitmqBroker;
    const value = {
      'src-protocol': 'amqp091',
      'src-uri': broker.url(),
      'src-queue': source,
      'src-prefetch-count': 1000,
      'dest-protocol': 'amqp091',
      'dest-uri': broker.url(),
      'dest-queue': sink,
      'ack-mode': 'on-confirm',
      'dest-add-forward-headers': false,
    };
    const path = `parameters/shovel/mq/${sink}`;
    await broker.api('PUT', path, { value });
    return { pid: undefined, stop: async () => void (await broker.api('DELETE', path)) };
  },
};

/** A mosquitto that subscribes at one broker and publishes at the other. It acks the source before the sink has the message. */
export const mosquittoBridge: Tool = {
  name: "mosquitto's bridge",
  async start({ from, to, source, sink, dir }) {
    const [port] = (await freePorts(1)) as [number];
    const link = (name: string, end: End, clientId: string, topic: string) => [
      `connection ${name}`,
      `address 127.0.0.1:${end.broker.ports['tcp']}`,
      topic,
      ...[`remote_clientid ${clientId}`, `remote_username ${mosquittoLogin.username}`, `remote_password ${mosquittoLogin.password}`],
      ...['cleansession false', 'bridge_protocol_version mqttv311', 'notifications false', 'restart_timeout 1'],
    ];
    const lines = [
      ...[`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'persistence false', 'max_queued_messages 0', 'max_inflight_messages 1000'],
      ...link('source', from, sessionOf(source), `topic ${source} in 1`),
      ...link('sink', to, `bridge-${sink}`, `topic "" out 1 ${source} ${sink}`),
    ];
    writeFileSync(join(dir, 'bridge.conf'), `${lines.join('\n')}\n`);
    const child = start('mosquitto', ['-c', 'bridge.conf'], dir);
    return {
      pid: child.pid,
      async stop() {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await gone;
      },
    };
  },
};

/** An empty directory below `parent`. */
export function freshDir(parent: string, name: string): string {
  const dir = join(parent, name);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** Starts a program that writes its output to a file `log` in its directory, and dies with the bench. */
export function start(file: string, args: readonly string[], dir: string): ChildProcess {
  const log = openSync(join(dir, 'log'), 'a');
  const child = spawn(file, args, { cwd: dir, stdio: ['ignore', log, log] });
  closeSync(log);
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return child;
}

/** Resolves when it has ended with exit code 0; else throws with the end of its log. */
export async function ended(child: ChildProcess, dir: string): Promise<void> {
  const code = child.exitCode ?? (await new Promise((resolve) => child.once('exit', resolve)));
  if (code !== 0) throw new Error(`it ended with ${code}:\n${tail(join(dir, 'log'))}`);
}
