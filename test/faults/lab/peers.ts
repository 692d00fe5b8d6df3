/** Others that carry messages between two brokers, in the same laboratory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts, isOpen, until } from '../../brokers/broker.ts';
import { mosquittoLogin } from '../../brokers/mosquitto.ts';
import { type RabbitmqBroker, withChannel } from '../../brokers/rabbitmq.ts';
import { type Cell, pairOf } from './cells.ts';
import { Program } from './program.ts';
import type { Carrier, Journey, Tool } from './tool.ts';

/** A peer that is one program with one file, in which `{from}`, `{to}` (places), `{sourcePort}`, `{sinkPort}` and `{port}` (its own) are filled in. */
interface Command {
  readonly name: string;
  readonly pair: string;
  readonly argv: readonly string[];
  readonly file: string;
  readonly text: string;
}

class Peer extends Program implements Carrier {
  readonly #port: number;

  constructor(command: Command, journey: Journey, port: number) {
    const values: Readonly<Record<string, string | number>> = { ...pick(journey), port };
    const text = command.text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
    super(command.argv, { [command.file]: text });
    this.#port = port;
  }

  async ready(): Promise<void> {
    await until('the peer listens', () => isOpen(this.#port), 20_000);
    await sleep(1000); // it does not say when its links are up
  }
}

function pick({ from, to, sourcePort, sinkPort }: Journey) {
  return { from, to, sourcePort, sinkPort };
}

function commandTool(command: Command): Tool {
  return {
    name: command.name,
    plays: (cell) => pairOf(cell) === command.pair && !cell.isBuffered && cell.fault !== 'withheld',
    async make(journey) {
      const [port] = (await freePorts(1)) as [number];
      return new Peer(command, journey, port);
    },
  };
}

const link = (version: string, name: string, port: string, id: string, topic: string) =>
  `connection ${name}
address 127.0.0.1:${port}
${topic}
remote_clientid ${id}
remote_username ${mosquittoLogin.username}
remote_password ${mosquittoLogin.password}
cleansession false
bridge_protocol_version ${version}
notifications false
restart_timeout 1
`;

/** As safe as it can be set: everything on disk, saved with each change. */
function mosquittoBridge(name: string, version: string, only?: readonly Cell['fault'][]): Tool {
  const tool = commandTool({
    name,
    pair: 'mqtt-mqtt',
    argv: ['mosquitto', '-c', 'bridge.conf'],
    file: 'bridge.conf',
    text: bridgeText(version),
  });
  return { ...tool, plays: (cell) => tool.plays(cell) && (only?.includes(cell.fault) ?? true) };
}

const bridgeText = (version: string) =>
  `${process.getuid?.() === 0 ? 'user root\n' : ''}listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_file bridge.db
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
max_inflight_messages 1000
${link(version, 'source', '{sourcePort}', 'in-{from}', 'topic {from} in 1')}${link(version, 'sink', '{sinkPort}', 'out-{to}', 'topic "" out 1 {from} {to}')}`;

/** RabbitMQ's own, inside the broker that is read. */
const shovel: Tool = {
  name: 'Shovel (on-confirm)',
  plays: (cell) => pairOf(cell) === 'rabbitmq-rabbitmq' && !cell.isBuffered && !['withheld', 'kill', 'pause', 'drain'].includes(cell.fault),
  async make({ source, sink, from, to, sourcePort, sinkPort }) {
    const [own, other] = [source.broker as RabbitmqBroker, sink.broker as RabbitmqBroker];
    const at = (broker: RabbitmqBroker, port: number) => broker.url().replace(/:\d+\//, `:${port}/`);
    const value = {
      'src-protocol': 'amqp091',
      'src-uri': at(own, sourcePort),
      'src-queue': from,
      'src-prefetch-count': 1000,
      'dest-protocol': 'amqp091',
      'dest-uri': at(other, sinkPort),
      'dest-queue': to,
      'ack-mode': 'on-confirm',
      'reconnect-delay': 1,
      'dest-add-forward-headers': false,
    };
    const path = `parameters/shovel/mq/${from}`;
    const remove = async () => {
      await own.api('DELETE', path).catch(() => undefined);
      return 0;
    };
    return {
      spawn: () => void own.api('PUT', path, { value }).catch(() => undefined),
      ready: () =>
        until('the shovel reads', async () => {
          const { consumerCount } = await withChannel(own, (channel) => channel.checkQueue(from));
          return consumerCount > 0;
        }),
      signal: () => undefined,
      kill: remove,
      stop: remove,
      log: () => 'see the log of the broker',
      dispose: () => undefined,
    };
  },
};

export const peers: readonly Tool[] = [
  shovel,
  // By MQTT 3.1.1 it drops the properties of MQTT 5, but its session is kept.
  mosquittoBridge("mosquitto's bridge, MQTT 3.1.1", 'mqttv311'),
  // It cannot ask for a session that outlives a link (mosquitto's issues 1632, 2424, 2980): each cut loses what was under way.
  mosquittoBridge("mosquitto's bridge, MQTT 5", 'mqttv50', ['plain', 'cut']),
];
