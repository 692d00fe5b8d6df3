import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePubacks, encodePublishes } from '../../../connectors/mqtt/encode.ts';
import { transmit, withoutPuback } from '../../../connectors/mqtt/wire.ts';
import { type AedesBroker, startAedes } from '../../brokers/aedes.ts';
import { until } from '../../brokers/broker.ts';
import { client, publish } from './ends.ts';
import { spyOn } from './spy.ts';

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

  test('takes packets that are written to its stream, keeps no copy, and tells of their PUBACK', async () => {
    const mqtt = await client(broker.port, { protocolVersion: 4 });
    const stored: unknown[] = [];
    const put = mqtt.outgoingStore.put.bind(mqtt.outgoingStore);
    mqtt.outgoingStore.put = (packet, done) => {
      stored.push(packet);
      return put(packet, done);
    };
    const acked = new Promise((resolve) => mqtt.on('packetreceive', (packet) => packet.cmd === 'puback' && resolve(packet.messageId)));
    transmit(mqtt, encodePublishes([publish('t', 'x', 4711)]));
    expect(await acked).toBe(4711);
    expect(stored).toEqual([]);
    expect(mqtt.outgoing).toEqual({});
  });

  test('nothing is written without a connection, and nothing is queued for a later one', async () => {
    const mqtt = await client(broker.port, { protocolVersion: 4 });
    await mqtt.endAsync(true);
    transmit(mqtt, encodePubacks([1]));
    expect(mqtt.queue).toEqual([]);
  });

  test('goes on without a PUBACK when handleMessage calls back with an error, and sends the one it is told to', async () => {
    const spy = await spyOn(broker.port);
    const mqtt = await client(spy.port, { protocolVersion: 4 });
    const ids: number[] = [];
    mqtt.handleMessage = (packet, next) => {
      ids.push(packet.messageId as number);
      next(withoutPuback);
    };
    await mqtt.subscribeAsync('held', { qos: 1 });
    const other = await client(broker.port, { protocolVersion: 4 });
    for (const body of ['1', '2', '3']) await other.publishAsync('held', body, { qos: 1 });
    await until('all have come', () => ids.length === 3);
    expect(spy.pubacks).toEqual([]);
    transmit(mqtt, encodePubacks([ids[0] as number]));
    await until('it is sent', () => spy.pubacks.length > 0);
    expect(spy.pubacks).toEqual([ids[0]]);
    spy.close();
  });

  test('reads nothing more while that callback is not called', async () => {
    const mqtt = await client(broker.port, { protocolVersion: 4 });
    const seen: (() => void)[] = [];
    mqtt.handleMessage = (_, next) => void seen.push(() => next(withoutPuback));
    await mqtt.subscribeAsync('stopped', { qos: 1 });
    const other = await client(broker.port, { protocolVersion: 4 });
    for (const body of ['1', '2']) await other.publishAsync('stopped', body, { qos: 1 });
    await until('the first has come', () => seen.length === 1);
    seen[0]?.();
    await until('the second has come', () => seen.length === 2);
  });
});
