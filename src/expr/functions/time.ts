/** Times and durations. */
import { parse } from '@marcbachmann/cel-js';
import { fail } from '../failure.ts';
import type { Entry } from './registry.ts';

export const time: readonly Entry[] = [
  ['timestamp(string): google.protobuf.Timestamp', 'a time as RFC 3339 has it: 2026-01-31T10:00:00Z', timestamp],
  ['fromEpochMillis(double): google.protobuf.Timestamp', 'a time', (ms: number) => timeAt(ms)],
  ['fromEpochSeconds(double): google.protobuf.Timestamp', 'a time', (seconds: number) => timeAt(seconds * 1000)],
  ['epochMillis(google.protobuf.Timestamp): double', 'milliseconds since 1970', (time: Date) => time.getTime()],
  ['duration(string): google.protobuf.Duration', '`1h30m`, `250ms`', duration],
];

function timestamp(s: string): Date {
  if (!/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/.test(s))
    fail('this is not a time such as 2026-01-31T10:00:00Z');
  return timeAt(Date.parse(s));
}

export function timeAt(ms: number): Date {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? fail('there is no such time') : time;
}

// The library does not export its Duration.
const celDuration = parse('duration(x)');

function duration(s: string): unknown {
  // Its digits go through BigInt, whose cost grows with the square of their number.
  return s.length <= 40 ? celDuration({ x: s }) : fail('this is not a duration such as "1h30m"');
}
