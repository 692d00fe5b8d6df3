import { describeError, type EndContext, type Finding, notConnected } from '../../src/connector.ts';
import type { ConnectionConfig, SinkConfig, SourceConfig } from './config.ts';
import { type Connection, connect } from './connection.ts';

/** Looks from the source's side. What is in a queue cannot be seen by STOMP without taking messages. */
export function checkSource(config: SourceConfig, context: EndContext): Promise<readonly Finding[]> {
  return look(config.connection, context, ({ profile }) => {
    if (config.selector !== undefined && !profile.hasSelectors) return `${profile.name} has no selectors`;
    if (config.durable && !profile.durable) return 'it is not known how this broker names durable subscriptions';
    return undefined;
  });
}

/** Looks from the sink's side. Whether it may send shows with the first message only. */
export function checkSink(config: SinkConfig, context: EndContext): Promise<readonly Finding[]> {
  const { constant } = config.destination;
  return look(config.connection, context, ({ profile }) => (constant === undefined ? undefined : profile.flaw(constant, true)));
}

async function look(
  config: ConnectionConfig,
  context: EndContext,
  flawOf: (connection: Connection) => string | undefined,
): Promise<readonly Finding[]> {
  let connection: Connection;
  try {
    connection = await connect(config, undefined, context.signal);
  } catch (error) {
    return [{ what: 'connect and log in', ok: false, text: describeError(error) }];
  }
  const { client, profile } = connection;
  client.end(notConnected('looked'));
  const flaw = flawOf(connection);
  return [
    { what: 'connect and log in', ok: true, text: client.address },
    {
      what: 'broker',
      ok: true,
      text: profile.name === 'unknown' ? `not known to mqferry: ${client.server || 'it does not say'}` : client.server,
    },
    {
      what: 'destination',
      ok: flaw === undefined,
      text: flaw ?? 'well written; STOMP cannot say more without taking or sending a message',
    },
  ];
}
