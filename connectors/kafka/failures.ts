/** From whatever a client library throws to one of our codes. Both libraries keep the broker's own name of an error somewhere inside. */
import { type ErrorCode, isTlsFailure, MqferryError } from '../../src/connector.ts';

/** Names of the Kafka protocol (kafka.apache.org/protocol#protocol_error_codes) that say more than "try again". */
const codes: Readonly<Record<string, ErrorCode>> = {
  SASL_AUTHENTICATION_FAILED: 'AUTH',
  UNSUPPORTED_SASL_MECHANISM: 'AUTH',
  ILLEGAL_SASL_STATE: 'AUTH',
  TOPIC_AUTHORIZATION_FAILED: 'FORBIDDEN',
  GROUP_AUTHORIZATION_FAILED: 'FORBIDDEN',
  CLUSTER_AUTHORIZATION_FAILED: 'FORBIDDEN',
  FENCED_INSTANCE_ID: 'FORBIDDEN',
  UNKNOWN_TOPIC_OR_PARTITION: 'NOT_FOUND',
  INVALID_TOPIC_EXCEPTION: 'REFUSED',
  MESSAGE_TOO_LARGE: 'TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'TOO_LARGE',
  INVALID_TIMESTAMP: 'REFUSED',
  INVALID_RECORD: 'REFUSED',
  POLICY_VIOLATION: 'REFUSED',
};

interface Foreign {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  /** @platformatic/kafka */
  readonly apiId?: unknown;
  /** kafkajs */
  readonly type?: unknown;
  readonly errors?: unknown;
  readonly cause?: unknown;
  readonly originalError?: unknown;
}

/** The error to throw; `doing` is the first half of its sentence. */
export function failure(doing: string, error: unknown): MqferryError {
  if (error instanceof MqferryError) return error;
  const causes = innermost(error);
  const own = causes.find((cause) => cause instanceof MqferryError);
  if (own) return own as MqferryError;
  let code: ErrorCode = 'NOT_CONNECTED';
  for (const cause of causes) code = codeOf(cause) ?? code;
  const reasons = new Set(causes.map((cause) => text(cause)).filter((reason) => reason !== ''));
  return new MqferryError(code, `${doing}: ${[...reasons].slice(-3).join('; ') || String(error)}`, { cause: error });
}

/** Whether the broker's own name for the failure is among these. */
export function isFailure(error: unknown, ...names: readonly string[]): boolean {
  return innermost(error).some((cause) => names.includes(nameOf(cause) ?? ''));
}

function codeOf(cause: Foreign): ErrorCode | undefined {
  const name = nameOf(cause);
  if (name !== undefined && Object.hasOwn(codes, name)) return codes[name];
  if (isTlsFailure(cause)) return 'AUTH';
  if (cause.code === 'PLT_KFK_AUTHENTICATION' || cause.name === 'KafkaJSSASLAuthenticationError') return 'AUTH';
  // The library has no code for it, only this sentence (2.12.1).
  if (typeof cause.message === 'string' && /^Unknown topic |does not host this topic-partition/.test(cause.message)) return 'NOT_FOUND';
  return undefined;
}

function nameOf(cause: Foreign): string | undefined {
  if (typeof cause.apiId === 'string') return cause.apiId;
  return typeof cause.type === 'string' ? cause.type : undefined;
}

function text(cause: Foreign): string {
  const message = typeof cause.message === 'string' && cause.message !== '' ? cause.message : String(cause.code ?? '');
  const name = nameOf(cause);
  return name === undefined ? message : `${name} (${message})`;
}

/** Wrapped errors, the outer ones first; a wrapper that says nothing itself is left out. */
function innermost(error: unknown, depth = 0): Foreign[] {
  if (typeof error !== 'object' || error === null || depth > 8) return [];
  const foreign = error as Foreign;
  const inner = Array.isArray(foreign.errors) ? (foreign.errors as unknown[]) : [foreign.cause ?? foreign.originalError];
  const found = inner.flatMap((each) => innermost(each, depth + 1));
  const speaks = found.length === 0 || nameOf(foreign) !== undefined || codeOf(foreign) !== undefined;
  return speaks ? [foreign, ...found] : found;
}
