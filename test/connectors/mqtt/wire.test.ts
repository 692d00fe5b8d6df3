import { createRequire } from 'node:module';
import { connect } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodePuback, decodePublish } from '../../../connectors/mqtt/decode.ts';
import { encodePublishes } from '../../../connectors/mqtt/encode.ts';
import type { Tap } from '../../../connectors/mqtt/tap.ts';
import { tapped } from '../../../connectors/mqtt/wire.ts';
import { type AedesBroker, startAedes } from '../../brokers/aedes.ts';
import { until } from '../../brokers/broker.ts';
import { mosquittoLogin } from '../../brokers/mosquitto.ts';
import { client, publish } from './ends.ts';

/** What connectors/mqtt knows of the inside of mqtt.js. When one of these fails after an upgrade, read its source before anything else. */
describe('mqtt.js', () => {
  let broker: AedesBroker;
  beforeAll(async () => {
    broker = await startAedes();
  });
  afterAll(() => broker.close());

  test('is the version that was read', () => {
    expect(createRequire(import.meta.url)('mqtt/package.json')).toMatchObject({ version: '5.16.0' });
  });

  test('takes packets that are written to its stream, and keeps no copy', async () => {
    const mqtt = await client(broker.port, { protocolVersion: 4 });
    const stored: unknown[] = [];
    const put = mqtt.outgoingStore.put.bind(mqtt.outgoingStore);
    mqtt.outgoingStore.put = (packet, done) => {
      stored.push(packet);
      return put(packet, done);
    };
    const acked = new Promise((resolve) => mqtt.on('packetreceive', (packet) => packet.cmd === 'puback' && resolve(packet.messageId)));
    mqtt.stream.write(encodePublishes([publish('t', 'x', 4711)]));
    expect(await acked).toBe(4711);
    expect(stored).toEqual([]);
    expect(mqtt.outgoing).toEqual({});
  });

  test('makes its sockets by streamBuilder, and does not miss the packets that are taken from them', async () => {
    const mqtt = connect(`mqtt://127.0.0.1:${broker.port}`, { ...mosquittoLogin, manualConnect: true, reconnectPeriod: 0 });
    const taken: string[] = [];
    const seen: string[] = [];
    let tap: Tap | undefined;
    const taker = {
      publish: (flags: number, body: Buffer) => {
        const { topic, messageId } = decodePublish(flags, body, '3.1.1');
        taken.push(`${topic} ${messageId > 0}`);
        return true;
      },
      puback: (body: Buffer) => void taken.push(`puback ${decodePuback(body).messageId}`),
    };
    tapped(mqtt, taker, (made) => {
      tap = made;
    });
    mqtt.on('packetreceive', ({ cmd }) => seen.push(cmd));
    mqtt.once('connect', () => tap?.proceed());
    mqtt.connect();
    await mqtt.subscribeAsync('tapped', { qos: 1 });
    tap?.socket.write(encodePublishes([publish('tapped', 'x', 77)]));
    await until('both have been taken', () => taken.length === 2);
    expect(taken.toSorted()).toEqual(['puback 77', 'tapped true']);
    expect(seen).toEqual(['connack', 'suback']);
    await mqtt.endAsync();
  });
});
