import { defineConnector } from '../../src/connector.ts';
import { checkSink, checkSource } from './check.ts';
import { connectionFields, sinkFields, sourceFields } from './config.ts';
import { readBack } from './read-back.ts';
import { stompSink } from './sink.ts';
import { stompSource } from './source.ts';

export const stomp = defineConnector({
  name: 'stomp',
  summary: 'Queues and topics of any broker that speaks STOMP 1.2: ActiveMQ Classic, Artemis, RabbitMQ.',
  schemes: ['stomp', 'stomps', 'stomp+ssl'],
  connection: connectionFields,
  source: { fields: sourceFields, create: stompSource, check: checkSource },
  sink: { fields: sinkFields, create: stompSink, check: checkSink, readBack },
});
