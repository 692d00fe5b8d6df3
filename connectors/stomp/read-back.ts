import { MqferryError, type ReadBack } from '../../src/connector.ts';
import type { SinkConfig } from './config.ts';

/** What was sent to a queue is read from it. Throws CONFIG_INVALID for anything else. */
export function readBack({ connection, destination }: SinkConfig): ReadBack {
  const name = destination.constant;
  if (name === undefined || !/^\/(?:amq\/)?queue\//.test(name)) {
    const why = name === undefined ? 'each message names its destination' : `${name} keeps nothing that could be read again`;
    throw new MqferryError('CONFIG_INVALID', `${why}: write \`destination: /queue/<name>\` at the dead letter`);
  }
  return {
    name,
    config: { connection, destination: name },
    unacked: 'returned',
    notes: [`What was looked at and is left in ${name} counts as delivered once more: a broker may set a limit to that.`],
  };
}
