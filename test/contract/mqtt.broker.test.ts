import { connectAsync, type IClientPublishOptions } from 'mqtt';
import { afterAll } from 'vitest';
import { mqtt as connector } from '../../connectors/mqtt/index.ts';
import type { Header, Message } from '../../src/connector.ts';
import { mosquitto, mosquittoLogin } from '../brokers/mosquitto.ts';
import { brokerContract } from './broker-contract.ts';

const broker = await mosquitto.start();
const port = broker.ports['tcp'] as number;
const publisher = await connectAsync(`mqtt://127.0.0.1:${port}`, { ...mosquittoLogin, protocolVersion: 5, reconnectPeriod: 0 });
afterAll(async () => {
  await publisher.endAsync(true);
  await broker.dispose();
});

for (const version of [5, '3.1.1'] as const) {
  await brokerContract({
    name: `mqtt ${version} (mosquitto)`,
    connector,
    port,
    connection: (to) => ({ url: [`mqtt://127.0.0.1:${to}`], ...mosquittoLogin, version }),
    wrongPassword: (to) => ({ url: [`mqtt://127.0.0.1:${to}`], ...mosquittoLogin, password: 'wrong', version }),
    source: (topic) => ({ topics: [topic] }),
    sink: (topic) => ({ topic }),
    async publish(topic, messages) {
      await Promise.all(
        messages.map((message) =>
          publisher.publishAsync(topic, message.body ?? Buffer.alloc(0), { qos: 1, properties: properties(message) }),
        ),
      );
    },
  });
}

function properties({
  headers,
  contentType,
  correlationId,
  replyTo,
  expiresAt,
}: Message): NonNullable<IClientPublishOptions['properties']> {
  return {
    // mqtt-packet takes a list of pairs too, which keeps order, repeats and any name; an empty one it never sends.
    ...(headers.length > 0 && { userProperties: headers.map(pair) as never }),
    ...(contentType !== undefined && { contentType }),
    ...(correlationId !== undefined && { correlationData: Buffer.from(correlationId as string) }),
    ...(replyTo !== undefined && { responseTopic: replyTo }),
    ...(expiresAt !== undefined && { messageExpiryInterval: Math.round((expiresAt - Date.now()) / 1000) }),
  };
}

function pair([name, value]: Header): object {
  return Object.defineProperty({}, name, { value, enumerable: true });
}
