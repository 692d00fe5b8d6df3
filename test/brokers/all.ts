import { activemq } from './activemq.ts';
import { artemis } from './artemis.ts';
import type { BrokerKind } from './broker.ts';
import { kafka } from './kafka.ts';
import { mosquitto } from './mosquitto.ts';
import { rabbitmq } from './rabbitmq.ts';

/** Every real broker that a suite may start, by the name of its file. */
export const brokers: Readonly<Record<string, BrokerKind>> = { rabbitmq, mosquitto, kafka, activemq, artemis };
