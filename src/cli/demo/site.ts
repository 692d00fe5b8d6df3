import { createServer } from 'node:net';
import { Aedes } from 'aedes';

/** A reading of a simulated sensor. */
export interface Reading {
  readonly n: number;
  readonly room: string;
  readonly celsius: number;
}

/** A site with an MQTT broker of its own, inside this process, and sensors that report to it. */
export class Site {
  readonly port: number;
  /** Readings that the broker has confirmed, so far. */
  confirmed = 0;
  readonly #broker: Aedes;
  readonly #close: () => Promise<void>;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(broker: Aedes, port: number, close: () => Promise<void>) {
    this.#broker = broker;
    this.port = port;
    this.#close = close;
  }

  static async open(): Promise<Site> {
    const broker = await Aedes.createBroker();
    keepPacketIds(broker);
    const server = createServer(broker.handle);
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    return new Site(broker, port, async () => {
      server.close();
      await new Promise<void>((resolve) => broker.close(resolve));
    });
  }

  /** Calls back for every message that a client publishes under this topic. */
  watch(prefix: string, arrived: (payload: Buffer) => void): void {
    this.#broker.on('publish', (packet, client) => {
      if (client !== null && packet.topic.startsWith(prefix)) arrived(Buffer.from(packet.payload));
    });
  }

  /** Resolves when a client subscribes: from then on the broker keeps readings for its session. */
  subscribed(): Promise<void> {
    return new Promise((resolve) => this.#broker.once('subscribe', () => resolve()));
  }

  /** Starts the sensors; `confirmed` hears of each reading that the broker has taken. */
  report(perSecond: number, confirmed: (reading: Reading) => void = () => {}): void {
    const everyMs = 50;
    let due = 0;
    this.#timer = setInterval(() => {
      for (due += (perSecond * everyMs) / 1000; due >= 1; due--) this.#publish(confirmed);
    }, everyMs);
  }

  stopReporting(): void {
    clearInterval(this.#timer);
  }

  async close(): Promise<void> {
    this.stopReporting();
    await this.#close();
  }

  #publish(confirmed: (reading: Reading) => void): void {
    const reading = readingOf(++this.#count);
    const payload = Buffer.from(JSON.stringify(reading));
    const packet = { cmd: 'publish', topic: `sensors/${reading.room}/temperature`, payload, qos: 1, retain: false, dup: false } as const;
    this.#broker.publish(packet, (error) => {
      if (error) return;
      this.confirmed++;
      confirmed(reading);
    });
  }
}

/**
 * aedes 1.2.0 begins with any packet id at each connection of a session. It may be that of a packet that still waits from the one before: the
 * PUBACK of the one then removes the other, which never comes. Here each connection goes on where the last one was.
 */
function keepPacketIds(broker: Aedes): void {
  const nextIds = new Map<string, number>();
  broker.preConnect = (client, { clientId }, done) => {
    (client as unknown as Numbered)._nextId = nextIds.get(clientId) ?? 1;
    done(null, true);
  };
  broker.on('clientDisconnect', (client) => nextIds.set(client.id, (client as unknown as Numbered)._nextId));
}

interface Numbered {
  _nextId: number;
}

const rooms = ['hall', 'kiln', 'cellar', 'attic'];

/** Rooms in turn, each with a wave of its own. */
function readingOf(n: number): Reading {
  const room = rooms[n % rooms.length] as string;
  const celsius = Math.round((22 + 6 * Math.sin(n / 40 + rooms.indexOf(room))) * 10) / 10;
  return { n, room, celsius };
}

/** What the demo's filter lets pass. */
export const warmCelsius = 24;

/** The route of the demo, as somebody would write it. */
/** `isKilled`: on purpose, so often that a message which is under way each time would be taken for the cause. */
export function demoRoute(port: number, sink: string, isKilled = false): string {
  return `# The route of \`mqferry demo\`: readings of an MQTT site, the warm ones only, through a durable buffer.
connections:
  site:
    mqtt: { url: 'mqtt://127.0.0.1:${port}', version: 3.1.1 }

routes:
  warm-rooms:
    source:
      mqtt: { connection: site, topics: ['sensors/#'] }
    steps:
      - filter: body.celsius >= ${warmCelsius}.0
      - map: { n: body.n, room: body.room, celsius: body.celsius, topic: origin.topic }
${isKilled ? '    quarantine: { after: 0 }\n' : ''}    buffer: { disk: { maxBytes: 64MiB } }
    sink:
      ${sink}
`;
}
