import { BadSetting, describeError, type Message, MqferryError, type Template } from '../../src/connector.ts';
import type { SinkConfig } from './config.ts';
import type { Limits } from './connection.ts';
import { type Envelope, type Publish, packetBytes, toPublish } from './message.ts';
import { computedTopicProblem, topicProblem } from './topic.ts';

/** Makes the packet for a message, without a packet id. Throws the MqferryError for which the message is to be refused, for good. */
export type Publisher = (message: Message, limits: Limits) => Publish;

/** Throws CONFIG_INVALID for a constant topic that no broker takes. */
export function publisher({ topic, qos, retain, connection }: SinkConfig): Publisher {
  const topicOf = constantTopic(topic) ?? computedTopic(topic);
  return (message, limits) => {
    const kept = retain === 'always' || (retain === 'preserve' && message.origin['retained'] === true);
    const envelope: Envelope = { topic: topicOf(message), qos, retain: kept, version: connection.version };
    const packet = toPublish(message, envelope);
    checkLimits(packet, limits);
    return packet;
  };
}

function constantTopic(topic: Template): ((message: Message) => string) | undefined {
  const { constant } = topic;
  if (constant === undefined) return undefined;
  const problem = topicProblem(constant);
  if (problem) throw new BadSetting('topic', `the topic ${JSON.stringify(constant)} ${problem}`);
  return () => constant;
}

function computedTopic(template: Template): (message: Message) => string {
  return (message) => {
    const topic = template(message);
    const problem = computedTopicProblem(topic);
    if (problem) throw new MqferryError('UNMAPPABLE', `the topic ${JSON.stringify(topic.slice(0, 100))} ${problem}`);
    return topic;
  };
}

// Counting bytes costs as much as the rest, so it is left out when nothing can come near the limit of the protocol.
const surelyFits = 64 * 1024 * 1024;

function checkLimits(packet: Publish, limits: Limits): void {
  if (packet.qos > limits.qos) throw new MqferryError('REFUSED', `the broker takes QoS ${limits.qos} at most: set qos: ${limits.qos}`);
  if (packet.retain && !limits.retain) throw new MqferryError('REFUSED', 'the broker takes no retained messages: set retain: never');
  if (!limits.packetBytesSaid && packet.payload.length < surelyFits) return;
  const bytes = packetBytes(packet);
  if (bytes > limits.packetBytes)
    throw new MqferryError('TOO_LARGE', `a packet of ${bytes} bytes: the broker takes ${limits.packetBytes} at most`);
}

/** Whatever is thrown while a packet is made, as the reason to refuse its message. */
export function refusalOf(error: unknown): MqferryError {
  if (error instanceof MqferryError) return error;
  return new MqferryError('UNMAPPABLE', `MQTT cannot carry the message: ${describeError(error)}`, { cause: error });
}
