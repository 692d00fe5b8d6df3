import { ErrorWithSubackPacket, type IClientSubscribeOptions, type ISubscriptionGrant } from 'mqtt';
import { describeError, MqferryError, notConnected } from '../../src/connector.ts';
import type { SourceConfig } from './config.ts';
import type { Link } from './connection.ts';
import { subackError } from './reasons.ts';

/** Resolves when the broker has granted every filter with the QoS asked for. Throws FORBIDDEN, CONFIG_INVALID, NOT_CONNECTED. */
export async function subscribe(link: Link, { topics, qos, retained, connection }: SourceConfig): Promise<void> {
  const granted = await request(link, topics, { qos, ...(connection.version === 5 && subscriptionOptions(retained)) });
  for (const { topic, qos: given } of granted) {
    if (given >= qos) continue;
    throw new MqferryError(
      'FORBIDDEN',
      `${link.address} grants only QoS ${given} for ${topic}: messages would be lost. Ask for qos: ${given}, or see to the broker`,
    );
  }
}

// Retain Handling: 1 sends the retained messages only for a subscription that is new to the session, 2 never.
// Retain As Published lets a sink keep the flag.
function subscriptionOptions(retained: SourceConfig['retained']): Partial<IClientSubscribeOptions> {
  return { rap: true, rh: retained === 'skip' ? 2 : 1 };
}

async function request(link: Link, topics: readonly string[], options: IClientSubscribeOptions): Promise<ISubscriptionGrant[]> {
  try {
    return await link.client.subscribeAsync([...topics], options);
  } catch (error) {
    const codes = error instanceof ErrorWithSubackPacket ? ((error.packet?.granted ?? []) as number[]) : [];
    const refused = codes.findIndex((code) => code >= 128);
    if (refused >= 0) throw subackError(codes[refused] as number, topics[refused] as string);
    throw notConnected(`cannot subscribe at ${link.address}: ${describeError(error)}`, error);
  }
}
