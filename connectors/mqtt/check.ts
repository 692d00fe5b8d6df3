import { describeError, type EndContext, type Finding, type MqferryError } from '../../src/connector.ts';
import type { SinkConfig, SourceConfig } from './config.ts';
import { connect, type Link, type Session } from './connection.ts';
import { subscribe } from './subscribe.ts';
import { isShared } from './topic.ts';

/** Connects under another name, and subscribes without a session; takes nothing from the session of the route, nor from a group. */
export function checkSource(config: SourceConfig, context: EndContext): Promise<readonly Finding[]> {
  const look = (link: Link, filter: string) =>
    link.within(config.connection.connectTimeout, context.signal, subscribe(link, { ...config, topics: [filter], retained: 'skip' }));
  return withProbe(config, context, async (link) => {
    const findings: Finding[] = [];
    for (const filter of config.topics) {
      const what = `subscription to ${filter}`;
      if (isShared(filter)) findings.push({ what, ok: true, text: 'not tried, as it would take messages from the group' });
      else findings.push(await tried(what, () => look(link, filter)));
    }
    return findings;
  });
}

/** Connects under another name and reads what the broker says it takes; publishes nothing. */
export function checkSink(config: SinkConfig, context: EndContext): Promise<readonly Finding[]> {
  return withProbe(config, context, async ({ limits }) => [
    {
      what: 'QoS',
      ok: limits.qos >= config.qos,
      text: `the broker takes QoS ${Math.min(2, limits.qos)} at most, the sink asks for ${config.qos}`,
    },
    {
      what: 'retain',
      ok: limits.retain || config.retain === 'never',
      text: limits.retain ? 'possible' : 'the broker keeps no messages: set retain: never',
    },
    { what: 'window', ok: true, text: `${Math.min(limits.receiveMaximum, context.window.messages)} messages may be unconfirmed` },
    { what: 'packet size', ok: true, text: limits.packetBytesSaid ? `${limits.packetBytes} bytes at most` : 'the broker names no limit' },
  ]);
}

async function withProbe(
  { connection, clientId }: SourceConfig | SinkConfig,
  context: EndContext,
  look: (link: Link) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const session: Session = { clientId: `${clientId ?? context.clientId}-check`, clean: true, expirySeconds: 0 };
  try {
    const { link } = await connect(connection, session, (link) => ({ link, lost() {}, publish: () => true, puback() {} }), context.signal);
    try {
      return [{ what: 'connection', ok: true, text: `${link.address} accepts it` }, ...(await look(link))];
    } finally {
      await link.close();
    }
  } catch (error) {
    return [{ what: 'connection', ok: false, text: describeError(error) }];
  }
}

async function tried(what: string, act: () => Promise<void>): Promise<Finding> {
  try {
    await act();
    return { what, ok: true, text: 'granted' };
  } catch (error) {
    return { what, ok: false, text: describeError(error as MqferryError) };
  }
}
