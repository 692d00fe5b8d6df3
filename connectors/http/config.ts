import { duration, type EndConfig, group, type Infer, secret, size, text, whole } from '../../src/connector.ts';

export const connectionFields = {
  host: text('The address to listen on. Beyond this machine it needs a `token`.', { default: '127.0.0.1' }),
  port: whole('The port to listen on. Ends of several routes may share it.', { min: 1, max: 65_535, example: 8080 }),
  token: secret('Every request must carry it: `Authorization: Bearer <token>`.', { optional: true }),
  tls: group(
    'HTTPS.',
    {
      cert: text('Certificate of this server: PEM text, or the name of a file that holds it.'),
      key: secret('Private key of `cert`: PEM text, or the name of a file that holds it.'),
    },
    { optional: true },
  ),
};

const path = text('The path of its address, e.g. `/jobs`.', {
  pattern: /^\/[A-Za-z0-9._~/-]{1,200}$/,
  hint: 'write a slash, then letters, digits, `.`, `_`, `~`, `-` or `/`',
  example: '/jobs',
});

export const sourceFields = {
  path,
  maxBytes: size('The largest body of a request.', { default: 1024 * 1024 }),
  timeout: duration('A request is answered by 503 when its messages are not settled within this.', { default: 30_000 }),
};

export const sinkFields = {
  path,
  visibility: duration('A message that was pulled and not acked within this is handed out again.', { default: 30_000 }),
  maxDeliveries: whole('A message that was handed out so often and never acked is refused: it goes to the dead letter.', {
    default: 10,
    min: 1,
    max: 1_000_000,
  }),
};

export type ConnectionConfig = Infer<typeof connectionFields>;
export type SourceConfig = EndConfig<typeof connectionFields, typeof sourceFields>;
export type SinkConfig = EndConfig<typeof connectionFields, typeof sinkFields>;
