/**
 * The closed list of what can go wrong. Each code has an entry in docs/reference/errors.md that says what to do;
 * a test compares the two lists.
 */
export const errorCodes = [
  'NOT_CONNECTED',
  'AUTH',
  'FORBIDDEN',
  'NOT_FOUND',
  'REFUSED',
  'TOO_LARGE',
  'UNROUTABLE',
  'UNMAPPABLE',
  'STEP_FAILED',
  'INVALID',
  'DECODE_FAILED',
  'EXPIRED',
  'HOPS_EXCEEDED',
  'QUARANTINED',
  'SOURCE_GAP',
  'SINK_GONE',
  'SESSION_LOST',
  'BUFFER_FAILED',
  'BUFFER_FULL',
  'DATA_LOCKED',
  'CONFIG_INVALID',
  'TIMEOUT',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Every error mqferry throws or returns. The text says what was being done, to what, and what to do; never a secret. */
export class MqferryError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MqferryError';
    this.code = code;
  }
}

/** A setting of the config that cannot be; `key` is the name that it stands under, so that the problem shows there. */
export class BadSetting extends MqferryError {
  readonly key: string | number;
  constructor(key: string | number, message: string) {
    super('CONFIG_INVALID', message);
    this.key = key;
  }
}

/** A lost or unreachable link: the outcome of what was in flight is unknown. */
export function notConnected(message: string, cause?: unknown): MqferryError {
  return new MqferryError('NOT_CONNECTED', message, { cause });
}

/** The text of anything thrown, with its cause when that says more. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message || (error as NodeJS.ErrnoException).code || error.name;
  const { cause } = error;
  if (error instanceof AggregateError && error.errors.length > 0) return `${text} (${error.errors.map(describeError).join('; ')})`;
  if (!(cause instanceof Error) || text.includes(cause.message)) return text;
  return `${text}: ${describeError(cause)}`;
}
