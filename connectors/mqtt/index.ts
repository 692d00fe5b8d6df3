import { defineConnector } from '../../src/connector.ts';
import { checkSink, checkSource } from './check.ts';
import { connectionFields, sinkFields, sourceFields } from './config.ts';
import { readBack } from './read-back.ts';
import { mqttSink } from './sink.ts';
import { mqttSource } from './source.ts';

/** MQTT 5 and 3.1.1. What to know of the protocol and of brokers is in the README beside this file. */
export const mqtt = defineConnector({
  name: 'mqtt',
  summary: 'MQTT 5 and 3.1.1 brokers: topics, shared subscriptions, persistent sessions.',
  schemes: ['mqtt', 'mqtts'],
  connection: connectionFields,
  source: { fields: sourceFields, create: mqttSource, check: checkSource },
  sink: { fields: sinkFields, create: mqttSink, check: checkSink, readBack },
});
