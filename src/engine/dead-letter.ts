import { describeError, type MqferryError } from '../errors.ts';
import type { Header, Message } from '../message.ts';

/** Why and where a message was set aside. */
export interface Setback {
  readonly route: string;
  /** Where it had entered, when not at the source; `decoding` is said of what the source could not decode. */
  readonly at?: string | undefined;
  readonly error: MqferryError;
  readonly attempts: number;
}

const textMax = 1000;

/**
 * The message as it entered the pump that failed, with the reason in `mqf-error-*` headers; earlier reasons are replaced. A message in its own
 * right: another sink may refuse the same delivery for another reason.
 */
export function deadLetter(entered: Message, setback: Setback, now: Date): Message {
  const kept = entered.headers.filter(([name]) => !name.startsWith('mqf-error-'));
  const reason: Header[] = [
    ['mqf-error-code', setback.error.code],
    ['mqf-error-message', describeError(setback.error).slice(0, textMax)],
    ['mqf-error-route', setback.route],
    ['mqf-error-attempts', String(setback.attempts)],
    ['mqf-error-time', now.toISOString()],
  ];
  const at = entered.fault === undefined ? setback.at : 'decoding';
  if (at !== undefined) reason.push(['mqf-error-at', at]);
  return entered.change({ headers: [...kept, ...reason], fault: undefined }).asReceived();
}
