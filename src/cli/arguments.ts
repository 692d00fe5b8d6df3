import { InvalidArgumentError } from 'commander';
import { NotAValue, parseRate } from '../config/values.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `5s`, `250ms`, `1m` as milliseconds. */
export function durationOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) throw new InvalidArgumentError('Write a time like 5s, 250ms or 1m.');
  return Number(match[1]) * (units[match[2] as string] as number);
}

/** A whole number from 1 on. */
export function countOf(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || !Number.isSafeInteger(count)) throw new InvalidArgumentError('Write a whole number from 1 on.');
  return count;
}

/** `50/s`, `10/min`, as a config writes it: the milliseconds from one to the next. */
export function paceOf(text: string): number {
  try {
    const { count, perMs } = parseRate(text);
    return perMs / count;
  } catch (error) {
    if (error instanceof NotAValue) throw new InvalidArgumentError(`Write ${error.message}.`);
    throw error;
  }
}

/** One of these words. */
export function choiceOf<const C extends readonly string[]>(choices: C): (text: string) => C[number] {
  return (text) => {
    if (choices.includes(text)) return text as C[number];
    throw new InvalidArgumentError(`Choose one of ${choices.join(', ')}.`);
  };
}

/** `HOST:PORT`, `PORT` or `[::1]:PORT`. */
export function addressOf(text: string): { host: string; port: number } {
  const match = /^(?:(\[[^\]]+\]|[^:]+):)?(\d{1,5})$/.exec(text);
  if (!match || Number(match[2]) > 65_535) throw new InvalidArgumentError('Write HOST:PORT, e.g. 127.0.0.1:9797.');
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}
