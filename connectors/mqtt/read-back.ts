import { MqferryError } from '../../src/connector.ts';

/** A broker keeps what was published for the sessions that subscribe to it by then, and for nobody else. */
export function readBack(): never {
  throw new MqferryError(
    'CONFIG_INVALID',
    'MQTT gives nothing back that was published before: let a route with a session read that topic, or write `deadLetter: disk`',
  );
}
