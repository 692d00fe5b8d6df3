import { group, oneOf } from '../config/fields.ts';
import { MqferryError } from '../errors.ts';
import { type Binding, binaryHeaders, prefixes, readEvent, structuredBody, structuredType } from './cloud-event.ts';
import { defineStep, eachMessage } from './step.ts';

export const cloudEvents = defineStep({
  name: 'cloudEvents',
  summary:
    'Gives a CloudEvent (1.0) the form that the target reads: attributes in headers under the names of its protocol, or all of it as JSON in the body.',
  notes: `Either form is recognised as it comes: structured by its content type, binary by a \`specversion\` header under any of the names. What is neither
fails with \`DECODE_FAILED\`; to make an event of another message, \`set\` the headers before. The data is bit-exact, but for white space around
JSON: in the structured form JSON stands as it is, text as text, all else in base64. Other headers stay. With \`mqtt\`, every header whose name
an attribute could have is one.`,
  value: group('Which form.', {
    to: oneOf('`binary`: attributes in headers. `structured`: all of it in the body.', ['binary', 'structured']),
    binding: oneOf(
      'For `binary`, the names of the headers: `kafka` `ce_id`, `amqp` `cloudEvents:id`, `jms` (AMQP, JMS) `cloudEvents_id`, `mqtt` `id`, `http` (also NATS) `ce-id`.',
      Object.keys(prefixes) as Binding[],
      { optional: true },
    ),
  }),
  example: {
    steps: '- cloudEvents: { to: binary, binding: kafka }',
    before:
      'contentType: application/cloudevents+json\nbody: {"specversion":"1.0","id":"1","source":"/shop","type":"order","data":{"total":1.50}}',
    after: 'header.ce_specversion: 1.0\nheader.ce_id: 1\nheader.ce_source: /shop\nheader.ce_type: order\nbody: {"total":1.50}',
  },
  explain: ({ to, binding }) => `makes the CloudEvent ${to}${binding === undefined ? '' : ` (${binding})`}`,
  compile({ to, binding }) {
    if ((to === 'binary') !== (binding !== undefined))
      throw new MqferryError('CONFIG_INVALID', to === 'binary' ? '`to: binary` needs a binding' : '`binding` is for `to: binary` only');
    return eachMessage('cloudEvents', (message) => {
      const event = readEvent(message);
      if (binding !== undefined)
        return message.change({ headers: binaryHeaders(event, binding), contentType: event.contentType, body: event.data });
      if (event.isStructured) return message;
      return message.change({ headers: event.headers, contentType: structuredType, body: structuredBody(event) });
    });
  },
});
