import { describeError, isTlsFailure, MqferryError, notConnected, tlsHint } from '../../src/connector.ts';

/** What amqplib threw while connecting, as one of our errors. `address` has no password; neither have the broker's texts. */
export function connectFailure(error: unknown, address: string, vhost: string): MqferryError {
  const text = describeError(error);
  const doing = `cannot connect to ${address}`;
  if (/Handshake terminated by server: 403|SASL mechanism/.test(text))
    return new MqferryError('AUTH', `${doing}: ${text}`, { cause: error });
  // The broker says why in a frame that amqplib 2.3.1 does not read.
  if (/Expected ConnectionOpenOk; got <ConnectionClose/.test(text)) {
    return new MqferryError('FORBIDDEN', `${doing}: there is no virtual host ${JSON.stringify(vhost)}, or this user may not use it`, {
      cause: error,
    });
  }
  if (isTlsFailure(error)) return new MqferryError('AUTH', `${doing}: ${text} (${tlsHint})`, { cause: error });
  return notConnected(`${doing}: ${text}`, error);
}

/** What the broker answered to an operation on a channel, by its reply code. */
export function channelFailure(error: unknown, doing: string): MqferryError {
  if (error instanceof MqferryError) return error;
  const text = `${doing}: ${describeError(error)}`;
  switch ((error as { code?: unknown }).code) {
    case 404:
      return new MqferryError('NOT_FOUND', text, { cause: error });
    case 403:
    case 405:
      return new MqferryError('FORBIDDEN', text, { cause: error });
    case 406:
      return new MqferryError('CONFIG_INVALID', text, { cause: error });
    default:
      return notConnected(text, error);
  }
}
