import { MqferryError, type ReadBack } from '../../src/connector.ts';
import type { SinkConfig } from './config.ts';

/** What was sent to a topic is read by a group of its own. Throws CONFIG_INVALID when each message names its topic. */
export function readBack({ connection, topic }: SinkConfig, reader: string): ReadBack {
  const { constant } = topic;
  if (constant === undefined)
    throw new MqferryError(
      'CONFIG_INVALID',
      'each message names its topic: write one topic at the dead letter, or let a route read those topics',
    );
  return {
    name: `topic ${constant}`,
    // Letters that retention has removed cannot be had again; that must not keep from the others.
    config: { connection, groupId: reader, topics: [constant], onGap: 'earliest' },
    unacked: 'marked',
    notes: [
      `Kafka removes nothing: the position of the group ${reader} says up to where the letters of topic ${constant} are replayed or purged.`,
    ],
  };
}
