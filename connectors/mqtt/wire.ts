/**
 * What is known here of the inside of mqtt.js, which is pinned to 5.16.0 for it; test/connectors/mqtt/wire.test.ts fails when an upgrade
 * changes what is used here.
 */
import type { Duplex } from 'node:stream';
import type { MqttClient } from 'mqtt';
import { type Taker, Tap } from './tap.ts';

/** Puts a {@link Tap} between the client and the sockets it makes: `made` gets it when the client connects. */
export function tapped(client: MqttClient, taker: Taker, made: (tap: Tap) => void): void {
  const inside = client as unknown as { streamBuilder(client: MqttClient): Duplex };
  const build = inside.streamBuilder;
  inside.streamBuilder = (own) => {
    const tap = new Tap(build.call(client, own), taker);
    made(tap);
    return tap;
  };
}
