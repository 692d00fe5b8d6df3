import type { DurationRange, Rate } from './fields.ts';

/** Why a text is not a value of its kind, as the end of a sentence: `expected …`. */
export class NotAValue extends Error {
  readonly hint: string | undefined;
  constructor(expected: string, hint?: string) {
    super(expected);
    this.hint = hint;
  }
}

export function parseWhole(text: string, min: number, max: number): number {
  const number = Number(text);
  const bounds = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(number)) throw new NotAValue(`a whole number ${bounds}`, wholeHint(text));
  if (number < min || number > max) throw new NotAValue(`a whole number ${bounds}`);
  return number;
}

function wholeHint(text: string): string | undefined {
  if (/^\d+\s*(?:[KMGT]i?B?|k)$/.test(text)) return 'this is a count: write all its digits';
  if (/^\d[\d_,']*\d$/.test(text) && !/^\d+$/.test(text)) return `write ${text.replace(/\D/g, '')}`;
  // What Number() takes and we do not: 1.0, +49, 1e3, 0x1F, 0o17.
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isSafeInteger(number) && String(number) !== text ? `write ${number}` : undefined;
}

export function parseYesNo(text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  const yes = /^(?:yes|on|y|1|true)$/i.test(text);
  const no = /^(?:no|off|n|0|false)$/i.test(text);
  throw new NotAValue('true or false', yes ? 'write true' : no ? 'write false' : undefined);
}

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** `16MiB`, `1.5GB`, `512`. */
export function parseSize(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : byteUnits[unit];
  if (digits === undefined || factor === undefined) {
    const near = unit && nearestUnit(unit.toLowerCase());
    const decimal = /^\d+,\d+ ?[A-Za-z]*$/.test(text) ? text.replace(',', '.') : undefined;
    const better = near ? `${digits}${near}` : decimal;
    throw new NotAValue('a size such as 512, 64KiB, 16MiB or 1GB', better && `write ${better}`);
  }
  const bytes = Math.round(Number(digits) * factor);
  if (!Number.isSafeInteger(bytes)) throw new NotAValue('a size below 8 PiB');
  return bytes;
}

function nearestUnit(unit: string): string | undefined {
  const units = Object.keys(byteUnits);
  return units.find((known) => known.toLowerCase() === unit) ?? units.find((known) => known !== 'B' && known.toLowerCase() === `${unit}b`);
}

const timeUnits: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 };

/** Milliseconds of `250ms`, `30s`, `1h30m`; `0` needs no unit. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (/^\d+(?:\.\d+)?$/.test(text)) throw new NotAValue('a time with its unit, such as 250ms, 30s or 5m', `write ${text}s or ${text}ms`);
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) throw new NotAValue('a time such as 250ms, 30s, 5m, 1h or 7d', timeHint(text));
  let sum = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) sum += Number(digits) * timeUnits[unit!]!;
  if (sum > 1e15) throw new NotAValue('a time below 30,000 years');
  return Math.round(sum);
}

const timeWords: readonly (readonly [RegExp, string])[] = [
  [/^(?:ms|msecs?|millis|milliseconds?)$/i, 'ms'],
  [/^(?:s|secs?|seconds?)$/i, 's'],
  [/^(?:m|mins?|minutes?)$/i, 'm'],
  [/^(?:h|hrs?|hours?)$/i, 'h'],
  [/^(?:d|days?)$/i, 'd'],
];

function timeHint(text: string): string | undefined {
  const [, digits, word = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  if (/^(?:w|weeks?)$/i.test(word)) return `write ${Number(digits) * 7}d`;
  const unit = timeWords.find(([pattern]) => pattern.test(word))?.[1];
  return unit && `write ${digits}${unit}`;
}

/** `1s..30s`; a single time is a range of one. */
export function parseDurationRange(text: string): DurationRange {
  const [from, to = from, more] = text.split('..').map((part) => part.trim());
  if (!from || !to || more !== undefined) throw new NotAValue('two times, such as 1s..30s');
  const dashed = /^(\d+\w+) ?(?:-|…|to) ?(\d+\w+)$/.exec(text);
  if (dashed) throw new NotAValue('two times, such as 1s..30s', `write ${dashed[1]}..${dashed[2]}`);
  const range = { fromMs: parseDuration(from), toMs: parseDuration(to) };
  if (range.fromMs > range.toMs) throw new NotAValue('two times, the shorter one first', `write ${to}..${from}`);
  return range;
}

const rateUnits: Readonly<Record<string, number>> = { s: 1e3, min: 60e3, h: 3600e3, d: 86_400e3 };

/** `100/s`, `6000/min`, `10/h`, `1/d`. */
export function parseRate(text: string): Rate {
  const [, digits = '', unit] = /^(\d+) ?(?:\/ ?([a-z]+))?$/.exec(text) ?? [];
  const perMs = unit === undefined ? undefined : rateUnits[unit];
  if (perMs === undefined) {
    const near =
      digits !== '' && unit === undefined ? 's' : { m: 'min', sec: 's', second: 's', minute: 'min', hour: 'h', day: 'd' }[unit ?? ''];
    throw new NotAValue('a rate such as 100/s, 6000/min, 10/h or 1/d', near && `write ${digits}/${near}`);
  }
  const count = Number(digits);
  if (count < 1) throw new NotAValue('a rate of at least one in a time', 'for less write it by the minute, hour or day');
  if (count > 1e9) throw new NotAValue('a rate of at most 1000000000 in a time');
  return { count, perMs };
}

/** `100/s` for 100 in 1000 ms. */
export function rateText({ count, perMs }: Rate): string {
  const unit = Object.keys(rateUnits).find((name) => rateUnits[name] === perMs);
  return unit === undefined ? `${count} in ${perMs}ms` : `${count}/${unit}`;
}

export type PlainValue = string | number | bigint | boolean;

/** What a plain scalar means where any value may stand. Numbers as in JSON; `007` and `0x1F` stay text. */
export function parsePlain(text: string): PlainValue {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return text;
  const number = Number(text);
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(number)) return BigInt(text);
  return Number.isFinite(number) ? number : text;
}

/** The same, but a number only when it is written as it would be printed: `1.0` stays text. */
export function parseExact(text: string): PlainValue {
  const value = parsePlain(text);
  return String(value) === text ? value : text;
}

/** `16MiB` for 16777216: the largest unit that leaves a whole number. */
export function sizeText(bytes: number): string {
  for (const [unit, factor] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}

/** `30s` for 30000. */
export function durationText(ms: number): string {
  for (const [unit, factor] of [
    ['d', 86_400e3],
    ['h', 3600e3],
    ['m', 60e3],
    ['s', 1e3],
  ] as const) {
    if (ms >= factor && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return ms === 0 ? '0' : `${ms}ms`;
}
