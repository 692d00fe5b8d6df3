import { defineConnector } from '../../src/connector.ts';
import { misfits } from './agree.ts';
import { connectionFields, sinkFields, sourceFields } from './config.ts';
import { httpSink } from './sink.ts';
import { httpSource } from './source.ts';

export const http = defineConnector({
  name: 'http',
  summary: 'Programs without a broker: they publish by POST, and pull and ack by GET and POST, at a port of mqferry.',
  connection: connectionFields,
  source: { fields: sourceFields, create: httpSource },
  sink: { fields: sinkFields, create: httpSink },
  misfits,
});
