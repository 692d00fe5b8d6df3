/** What the broker's reason codes mean for us. */
import { ReasonCodes } from 'mqtt';
import { describeError, type ErrorCode, isTlsFailure, MqferryError, notConnected, type Refusal, tlsHint } from '../../src/connector.ts';

/** CONNACK codes: below 6 of MQTT 3.1.1, above 127 of MQTT 5. All others may pass: NOT_CONNECTED. */
const connackCodes: Readonly<Record<number, ErrorCode>> = {
  1: 'REFUSED', // protocol version
  2: 'FORBIDDEN', // client id
  4: 'AUTH',
  5: 'AUTH', // mosquitto says this of a wrong password
  132: 'REFUSED', // protocol version
  133: 'FORBIDDEN', // client id
  134: 'AUTH',
  135: 'AUTH',
  138: 'FORBIDDEN', // banned
  140: 'AUTH',
};

/** The reason in words, with its number. */
export function reasonText(code: number): string {
  return `${ReasonCodes[code as keyof typeof ReasonCodes] || 'reason'} (${code})`;
}

/** What an `error` event of the client means, before or after the broker had accepted the connection. */
export function connectError(address: string, error: Error, accepted: boolean): MqferryError {
  if (accepted) return notConnected(`lost the link to ${address}: ${describeError(error)}`, error);
  if (isTlsFailure(error))
    return new MqferryError('AUTH', `cannot connect to ${address}: ${describeError(error)} (${tlsHint})`, { cause: error });
  const code = reasonCodeOf(error);
  if (code === undefined) return notConnected(`cannot connect to ${address}: ${describeError(error)}`, error);
  const hint = code === 1 || code === 132 ? '; set the other `version`' : '';
  return new MqferryError(connackCodes[code] ?? 'NOT_CONNECTED', `${address} refuses the connection: ${reasonText(code)}${hint}`, {
    cause: error,
  });
}

/** The text of a DISCONNECT from the broker. */
export function disconnectText(code: number | undefined, clientId: string): string {
  if (code === undefined) return 'without a reason';
  return reasonText(code) + (code === 142 ? `: another client uses the client id ${clientId}` : '');
}

/** The reason code that an error of mqtt.js carries; undefined for errors of the system. */
export function reasonCodeOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : undefined;
}

/** PUBACK codes that the same message would meet again. Whatever else the broker dislikes may pass. */
const forGood: Readonly<Record<number, ErrorCode>> = {
  135: 'FORBIDDEN',
  144: 'UNMAPPABLE', // topic name invalid
  149: 'TOO_LARGE',
  153: 'REFUSED', // payload format invalid
};

/** Why a message is refused, and whether it is worth another try. */
export type Reason = Omit<Refusal, 'message'>;

/** PUBACK: taken, but nobody subscribes to the topic. */
export const noSubscriber = 16;

/** How a PUBACK with a reason code from 128 refuses a message. */
export function pubackRefusal(code: number): Reason {
  const kind = forGood[code];
  return { error: new MqferryError(kind ?? 'REFUSED', `the broker refuses the message: ${reasonText(code)}`), retry: kind === undefined };
}

/** What a SUBACK with a reason code from 128 means. */
export function subackError(code: number, filter: string): MqferryError {
  const kind: ErrorCode = code === 143 || code === 158 || code === 162 ? 'CONFIG_INVALID' : 'FORBIDDEN';
  return new MqferryError(kind, `the broker refuses the subscription to ${filter}: ${reasonText(code)}`);
}
