/**
 * What is known here of the inside of mqtt.js, which is pinned to 5.16.0 for it; test/connectors/mqtt/wire.test.ts fails when an upgrade
 * changes what is used here.
 */
import type { MqttClient } from 'mqtt';

/**
 * Writes whole packets to the link as they are, beside the client and its store: nothing is ever sent twice behind our back. Dropped when
 * the link is not up.
 */
export function transmit(client: MqttClient, packets: Buffer): void {
  if (client.connected) client.stream.write(packets);
}

/**
 * Handed to the callback of `handleMessage`, it makes mqtt.js go on to the next packet without a PUBACK, which is then ours to send.
 * Its public way is one message at a time: callback, PUBACK, next.
 */
export const withoutPuback = new Error('the PUBACK is sent later');
