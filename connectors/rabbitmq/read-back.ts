import { MqferryError, type ReadBack } from '../../src/connector.ts';
import type { SinkConfig } from './config.ts';
import { open } from './connection.ts';

/** What was sent to a queue is read from it. Throws CONFIG_INVALID where the config does not say which queue that is. */
export function readBack({ connection, queue, exchange }: SinkConfig): ReadBack {
  const name = queue?.constant;
  if (name === undefined) {
    const why =
      exchange === undefined ? 'each message names its queue' : `which queues the exchange ${exchange} fills is known to the broker alone`;
    throw new MqferryError('CONFIG_INVALID', `${why}: write \`queue: <name>\` at the dead letter, or let a route read that queue`);
  }
  return {
    name: `queue ${name}`,
    config: { connection, queue: name },
    unacked: 'returned',
    notes: [
      `RabbitMQ marks what was looked at and is left in queue ${name} as redelivered; a quorum queue counts each look, and drops or dead-letters a ` +
        'message at its delivery-limit (20 by default since RabbitMQ 4.0).',
    ],
    count: (context) =>
      open(
        connection,
        context.clientId,
        context.signal,
        (address) => `cannot look at queue ${name} of ${address}`,
        async (link) => {
          const { messageCount } = await (await link.channel('plain')).checkQueue(name);
          await link.close();
          return messageCount;
        },
      ),
  };
}
