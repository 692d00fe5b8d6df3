/** Apache Kafka, and what speaks its protocol. */
import { defineConnector } from '../../src/connector.ts';
import { checkSink, checkSource } from './check.ts';
import { connectionFields, sinkFields, sourceFields } from './config.ts';
import { readBack } from './read-back.ts';
import { kafkaSink } from './sink.ts';
import { kafkaSource } from './source.ts';

export const kafka = defineConnector({
  name: 'kafka',
  summary: 'Apache Kafka: topics, read as a consumer group and written with acks from all in-sync replicas.',
  schemes: ['kafka', 'kafka+ssl'],
  connection: connectionFields,
  source: { fields: sourceFields, create: kafkaSource, check: checkSource },
  sink: { fields: sinkFields, create: kafkaSink, check: checkSink, readBack },
});
