/**
 * The only place that reaches past the public side of mqtt.js, which is pinned to 5.16.0 for it; test/connectors/mqtt/wire.test.ts
 * fails when an upgrade changes what is used here.
 */
import type { MqttClient, Packet } from 'mqtt';

/**
 * Writes one packet to the link as it is, without a copy in the client's store: nothing is ever sent twice behind our back, and it costs
 * half as much as `publish()`. Dropped when the link is not up.
 */
export function transmit(client: MqttClient, packet: Packet): void {
  if (!client.connected) return; // it would be queued and sent on a later connection
  try {
    client['_sendPacket'](packet, undefined, undefined, true);
  } catch (error) {
    // Half a packet may be on its way: the connection is of no more use.
    client.emit('error', error as Error);
  }
}

/**
 * Handed to the callback of `handleMessage`, it makes mqtt.js go on to the next packet without a PUBACK, which is then ours to send.
 * Its public way is one message at a time: callback, PUBACK, next.
 */
export const withoutPuback = new Error('the PUBACK is sent later');
