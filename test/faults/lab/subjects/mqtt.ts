import { type MqttClient, connect as makeClient } from 'mqtt';
import { mosquittoLogin, startMosquitto } from '../../../brokers/mosquitto.ts';
import type { Subject } from '../subject.ts';

const weekS = 7 * 86_400;

export async function mqttSubject(): Promise<Subject> {
  const broker = await startMosquitto();
  const port = broker.ports['tcp'] as number;
  const open = (clientId: string, clean: boolean, before?: (client: MqttClient) => void) =>
    connect(port, clientId, clean, before ?? (() => {}));
  return {
    protocol: 'mqtt',
    broker,
    lanes: 1,
    restartBy: 'SIGTERM', // mosquitto writes its store when it ends
    port,
    proxy: { port: 0, target: port },
    async prepare(name) {
      const client = await open(`drain-${name}`, false);
      await client.subscribeAsync(name, { qos: 1 });
      await client.endAsync();
    },
    async publisher(name) {
      const client = await open(`publish-${name}-${Date.now()}`, true);
      let isLost = false;
      const lost = new Promise<never>((_, reject) =>
        client.once('close', () => {
          isLost = true;
          reject(new Error('the link is lost'));
        }),
      );
      lost.catch(() => {});
      return {
        async publish(parcels) {
          if (isLost) throw new Error('the link is lost');
          const sent = parcels.map(({ body, headers }) =>
            client.publishAsync(name, body, { qos: 1, properties: { userProperties: pairs(headers) as never } }),
          );
          await Promise.race([Promise.all(sent), lost]);
        },
        close: async () => void client.end(true),
      };
    },
    async drain(name, arrived) {
      const client = await open(`drain-${name}`, false, (fresh) =>
        fresh.on('message', (_topic, body, packet) => {
          const properties = packet.properties?.userProperties as Record<string, string | string[]> | undefined;
          arrived({
            body,
            names: Object.keys(properties ?? {}),
            header: (header) => [properties && Object.hasOwn(properties, header) ? properties[header] : undefined].flat()[0],
          });
        }),
      );
      return () => client.endAsync(true);
    },
    connection: (at, isImpatient) =>
      `{ mqtt: { url: 'mqtt://127.0.0.1:${at}', username: ${mosquittoLogin.username}, password: ${mosquittoLogin.password}${isImpatient ? ', keepalive: 2s' : ''} } }`,
    source: (name) => `mqtt: { connection: from, topics: ['${name}'] }`,
    sink: (name) => `mqtt: { connection: to, topic: ${name} }`,
  };
}

async function connect(port: number, clientId: string, clean: boolean, before: (client: MqttClient) => void): Promise<MqttClient> {
  const client = makeClient(`mqtt://127.0.0.1:${port}`, {
    ...mosquittoLogin,
    protocolVersion: 5,
    clientId,
    clean,
    reconnectPeriod: 0,
    manualConnect: true,
    properties: { sessionExpiryInterval: clean ? 0 : weekS },
  });
  client.on('error', () => {});
  before(client);
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('close', () => reject(new Error('cannot connect')));
    client.connect();
  });
  return client;
}

/** A list of pairs keeps order and any name; mqtt-packet takes it. */
function pairs(headers: readonly (readonly [string, string])[]): object[] {
  return headers.map(([name, value]) => Object.defineProperty({}, name, { value, enumerable: true }));
}
