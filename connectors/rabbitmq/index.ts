import { defineConnector } from '../../src/connector.ts';
import { checkSink, checkSource } from './check.ts';
import { connectionFields, sinkFields, sourceFields } from './config.ts';
import { readBack } from './read-back.ts';
import { RabbitmqSinkEnd } from './sink.ts';
import { RabbitmqSourceEnd } from './source.ts';

/** RabbitMQ, by AMQP 0-9-1. */
export const rabbitmq = defineConnector({
  name: 'rabbitmq',
  summary: 'RabbitMQ queues and exchanges, by AMQP 0-9-1.',
  schemes: ['amqp', 'amqps'],
  connection: connectionFields,
  source: {
    fields: sourceFields,
    create: (config, context) => new RabbitmqSourceEnd(config, context),
    check: checkSource,
  },
  sink: {
    fields: sinkFields,
    create: (config, context) => new RabbitmqSinkEnd(config, context),
    check: checkSink,
    readBack,
  },
});
