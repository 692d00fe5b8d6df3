/** What a dead letter says of itself, in the headers that src/engine/dead-letter.ts has written. */
import { isReason } from '../envelope/names.ts';
import { wireText } from '../envelope/text.ts';
import { attachError } from '../expr/index.ts';
import type { Header, Headers, Message } from '../message.ts';

/** Why and when it died. Texts are empty where it does not say. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly route: string;
  /** `buffer`: it came from the buffer; `decoding`: its source could not decode it; else it came from the source. */
  readonly at: string;
  readonly attempts: number;
  /** As ISO 8601, so that times compare as texts. */
  readonly time: string;
  /** How often it was sent again. */
  readonly replays: number;
}

export function reasonOf({ headers }: Message): Reason {
  const text = (name: string) => textOf(headers, name);
  return {
    code: text('mqf-error-code'),
    message: text('mqf-error-message'),
    route: text('mqf-error-route'),
    at: text('mqf-error-at'),
    attempts: countOf(text('mqf-error-attempts')),
    time: text('mqf-error-time'),
    replays: countOf(text('mqf-replays')),
  };
}

/** What an expression is asked about: the letter as it lies there, with `error` as in onError. Nothing else gets to see that error. */
export function toBeJudged(letter: Message): Message {
  const { code, message, attempts } = reasonOf(letter);
  const own = letter.change({}).asReceived();
  attachError(own, { code, message, attempts });
  return own;
}

/**
 * The message that has died, counted once more in `mqf-replays`. `hops`: those that it has taken since, to its destination; they are not
 * part of its way.
 */
export function revived(letter: Message, hops: 0 | 1): Message {
  const kept = letter.headers.filter(([name]) => !isReason(name)).flatMap((header) => withoutHops(header, hops));
  return letter.change({ headers: [...kept, ['mqf-replays', String(reasonOf(letter).replays + 1)]] });
}

/** For a target that has no headers. */
export function uncounted(message: Message): Message {
  return message.change({ headers: message.headers.filter(([name]) => name !== 'mqf-replays') });
}

function withoutHops([name, value]: Header, hops: number): Header[] {
  if (hops === 0 || name !== 'mqf-hops') return [[name, value]];
  const left = countOf(wireText(value) ?? '') - hops;
  return left > 0 ? [[name, String(left)]] : [];
}

function textOf(headers: Headers, name: string): string {
  const header = headers.find(([key]) => key === name);
  return (header && wireText(header[1])) ?? '';
}

function countOf(text: string): number {
  const count = Number(text);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}
