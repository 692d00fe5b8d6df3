/** Writes messages to standard output: for trials, and for pipes. */
import { defineConnector, oneOf } from '../../src/connector.ts';
import { printCan, printSink } from './sink.ts';

export const print = defineConnector({
  name: 'print',
  summary: 'Writes each message to standard output, one line each.',
  sink: {
    fields: {
      format: oneOf('`text`: the body as it is. `json`: body, key, headers and properties as one JSON object.', ['text', 'json'], {
        default: 'text',
      }),
    },
    create: ({ format }) => ({ can: printCan, open: async () => printSink(process.stdout, format) }),
  },
});
