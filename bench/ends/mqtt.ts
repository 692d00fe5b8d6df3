import { once } from 'node:events';
import { connect as openSocket, type Socket } from 'node:net';
import { connectAsync, type IClientOptions } from 'mqtt';
import type { Broker } from '../../test/brokers/broker.ts';
import { mosquittoLogin } from '../../test/brokers/mosquitto.ts';
import { body, type Counter, type End, headers } from '../end.ts';

const inFlight = 1000;

/** The session that keeps what is sent to a place until the tool under test comes with this client id. */
export function sessionOf(place: string): string {
  return `bench-${place}`;
}

/** QoS 1 through persistent sessions of mosquitto; `version` is that of the client that reads. */
export function mqttEnd(broker: Broker, version: 5 | 4 = 5): End {
  const port = broker.ports['tcp'] as number;
  const { username, password } = mosquittoLogin;
  return {
    broker,
    connection: `{ mqtt: { url: 'mqtt://127.0.0.1:${port}', username: ${username}, password: ${password} } }`,
    async fill(place, messages) {
      await makeSession(port, place, version);
      const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { ...mosquittoLogin, protocolVersion: 5 });
      for (let from = 0; from < messages; from += inFlight) {
        const size = Math.min(inFlight, messages - from);
        const sent = Array.from({ length: size }, (_, i) =>
          client.publishAsync(place, body(from + i), { qos: 1, properties: { userProperties: headers } }),
        );
        await Promise.all(sent);
      }
      await client.endAsync();
    },
    empty: async () => {},
    counter: (place) => subscribe(port, place),
    source: (place) => `mqtt: { connection: from, topics: ['${place}'], clientId: ${sessionOf(place)} }`,
    sink: (place) => `mqtt: { connection: to, topic: ${place} }`,
  };
}

async function makeSession(port: number, place: string, protocolVersion: 5 | 4): Promise<void> {
  const options: IClientOptions = { ...mosquittoLogin, clientId: sessionOf(place), protocolVersion };
  await (await connectAsync(`mqtt://127.0.0.1:${port}`, { ...options, clean: true })).endAsync();
  const lasting = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 86_400 } } : {};
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { ...options, ...lasting, clean: false });
  await client.subscribeAsync(place, { qos: 1 });
  await client.endAsync();
}

/** Counts on a bare socket: a client library would cost as much CPU as the tool that is measured. */
async function subscribe(port: number, place: string): Promise<Counter> {
  const socket = openSocket(port, '127.0.0.1');
  const packets = new PacketCount();
  socket.on('data', (chunk) => packets.take(Buffer.from(chunk)));
  await once(socket, 'connect');
  const login = [text(`count-${place}-${Date.now()}`), text(mosquittoLogin.username), text(mosquittoLogin.password)];
  const cleanWithLogin = Buffer.from([4, 0b1100_0010, 0, 0]);
  send(socket, 0x10, [text('MQTT'), cleanWithLogin, ...login]);
  send(socket, 0x82, [Buffer.from([0, 1]), text(place), Buffer.from([0])]);
  return {
    count: async () => packets.publishes,
    close: async () => void socket.destroy(),
  };
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function send(socket: Socket, type: number, parts: readonly Buffer[]): void {
  const rest = Buffer.concat(parts);
  socket.write(Buffer.concat([Buffer.from([type, rest.length]), rest])); // shorter than 128 bytes, all of them
}

/** Counts PUBLISH packets without keeping them. */
class PacketCount {
  publishes = 0;
  /** Bytes of the current packet that are still to come. */
  #toSkip = 0;
  #head: Buffer = Buffer.alloc(0);

  take(chunk: Buffer): void {
    let rest = this.#head.length > 0 ? Buffer.concat([this.#head, chunk]) : chunk;
    this.#head = Buffer.alloc(0);
    while (rest.length > 0) {
      const skipped = Math.min(this.#toSkip, rest.length);
      this.#toSkip -= skipped;
      rest = rest.subarray(skipped);
      if (rest.length === 0) return;
      const size = headerSize(rest);
      if (size === undefined) {
        this.#head = Buffer.from(rest);
        return;
      }
      if ((rest[0] as number) >> 4 === 3) this.publishes++;
      this.#toSkip = size;
    }
  }
}

/** Bytes of the packet, its fixed header included; undefined when the length is not all there. */
function headerSize(packet: Buffer): number | undefined {
  let length = 0;
  for (let i = 1; i < Math.min(packet.length, 5); i++) {
    const digit = packet[i] as number;
    length += (digit & 127) * 128 ** (i - 1);
    if (digit < 128) return 1 + i + length;
  }
  return undefined;
}
