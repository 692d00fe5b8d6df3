import type { Channel } from 'amqplib';
import { describeError, type EndContext, type Finding } from '../../src/connector.ts';
import type { ConnectionSettings, SinkConfig, SourceConfig } from './config.ts';
import { open } from './connection.ts';
import { channelFailure } from './failure.ts';
import { checkTarget, describeTarget, targetOf } from './sink.ts';

/** Reachable, logged in, the queue there. Takes nothing. */
export function checkSource(config: SourceConfig, context: EndContext): Promise<readonly Finding[]> {
  const { queue, declare } = config;
  return onLink(config.connection, context, async (channel) => {
    const what = `queue ${queue}`;
    try {
      const { messageCount, consumerCount } = await channel.checkQueue(queue);
      const alone = consumerCount === 0 || !config.exclusive;
      const readers = alone ? '' : '; it is read by somebody, and exclusive: true needs that nobody else does';
      return { what, ok: alone, text: `${messageCount} ready, ${consumerCount} consumers${readers}` };
    } catch (error) {
      const failure = channelFailure(error, 'not there');
      if (declare && failure.code === 'NOT_FOUND') return { what, ok: true, text: 'not there yet; the route will declare it' };
      return { what, ok: false, text: describeError(failure) };
    }
  });
}

/** Reachable, logged in, exchange or queue there. Publishes nothing, so a missing write permission shows only at the first message. */
export function checkSink(config: SinkConfig, context: EndContext): Promise<readonly Finding[]> {
  const target = targetOf(config);
  return onLink(config.connection, context, async (channel) => {
    const what = describeTarget(target);
    try {
      await checkTarget(channel, target);
      return {
        what,
        ok: true,
        text: target.exchange === '' && target.routingKey.constant === undefined ? 'named by each message' : 'there',
      };
    } catch (error) {
      return { what, ok: false, text: describeError(channelFailure(error, 'not there')) };
    }
  });
}

async function onLink(settings: ConnectionSettings, context: EndContext, look: (channel: Channel) => Promise<Finding>): Promise<Finding[]> {
  try {
    return await open(
      settings,
      `${context.clientId}-check`,
      context.signal,
      (address) => `cannot look at ${address}`,
      async (link) => {
        const found = await look(await link.channel('plain'));
        await link.close();
        return [{ what: 'connection', ok: true, text: `${link.address} has let us in` }, found];
      },
    );
  } catch (error) {
    return [{ what: 'connection', ok: false, text: describeError(error) }];
  }
}
