/** Times and durations. */
import { parse } from '@marcbachmann/cel-js';
import { spend } from '../budget.ts';
import { fail } from '../failure.ts';
import type { Entry } from './registry.ts';
import { timeFormats } from './time-format.ts';
import { timeZones } from './zones.ts';

type CelDuration = { readonly seconds: bigint; readonly nanos: number };

export const time: readonly Entry[] = [
  [
    'timestamp(dyn): google.protobuf.Timestamp',
    'a time as RFC 3339 has it, or seconds since 1970',
    'timestamp("2026-01-31T10:00:00+01:00") == timestamp("2026-01-31T09:00:00Z")',
    timestamp,
  ],
  [
    'fromEpochMillis(double): google.protobuf.Timestamp',
    'a time',
    'fromEpochMillis(0) == timestamp("1970-01-01T00:00:00Z")',
    (ms: number) => timeAt(ms),
  ],
  [
    'fromEpochSeconds(double): google.protobuf.Timestamp',
    'a time',
    'fromEpochSeconds(60) == timestamp("1970-01-01T00:01:00Z")',
    (seconds: number) => timeAt(seconds * 1000),
  ],
  [
    'epochMillis(google.protobuf.Timestamp): double',
    'milliseconds since 1970',
    'epochMillis(fromEpochMillis(5)) == 5',
    (t: Date) => t.getTime(),
  ],
  [
    'epochSeconds(google.protobuf.Timestamp): double',
    'whole seconds since 1970',
    'epochSeconds(fromEpochMillis(1999)) == 1',
    (t: Date) => Math.floor(t.getTime() / 1000),
  ],
  ['duration(string): google.protobuf.Duration', '`1h30m`, `250ms`', 'duration("1h30m") == duration("90m")', duration],
  [
    'duration(google.protobuf.Duration): google.protobuf.Duration',
    'itself',
    'duration(duration("5s")) == duration("5s")',
    (value: unknown) => value,
  ],
  [
    'parseTime(string, string): google.protobuf.Timestamp',
    'a time as this format says, of UTC unless the format has `XXX`',
    'parseTime("31.01.2026", "dd.MM.yyyy") == timestamp("2026-01-31T00:00:00Z")',
    (text: string, format: string) => parseTime(text, format, 'UTC'),
  ],
  [
    'parseTime(string, string, string): google.protobuf.Timestamp',
    'the same, of a time zone: `Europe/Berlin`, `+02:00`',
    'parseTime("2026-07-01 12:00", "yyyy-MM-dd HH:mm", "Europe/Berlin") == timestamp("2026-07-01T10:00:00Z")',
    parseTime,
  ],
  [
    'formatTime(google.protobuf.Timestamp, string): string',
    "in this format: `yyyy` `yy` `MMM` `MM` `M` `dd` `d` `EEE` `HH` `H` `mm` `ss` `SSS` `XXX`; other letters in '…'",
    `formatTime(timestamp("2026-01-31T10:00:00Z"), "EEE, dd MMM yyyy 'at' HH:mm") == "Sat, 31 Jan 2026 at 10:00"`,
    (t: Date, format: string) => formatTime(t, format, 'UTC'),
  ],
  [
    'formatTime(google.protobuf.Timestamp, string, string): string',
    'the same, in a time zone',
    'formatTime(timestamp("2026-01-31T10:00:00Z"), "HH:mm XXX", "Europe/Berlin") == "11:00 +01:00"',
    formatTime,
  ],
  ...getters('FullYear', 'the year', 2026, (t) => t.getUTCFullYear()),
  ...getters('Month', 'the month, 0 to 11', 0, (t) => t.getUTCMonth()),
  ...getters('Date', 'the day of the month, 1 to 31', 31, (t) => t.getUTCDate()),
  ...getters('DayOfMonth', 'the same, 0 to 30', 30, (t) => t.getUTCDate() - 1),
  ...getters('DayOfWeek', '0 is Sunday', 6, (t) => t.getUTCDay()),
  ...getters('DayOfYear', 'the day of the year, 0 to 365', 30, dayOfYear),
  ...getters('Hours', 'the hour', 10, (t) => t.getUTCHours()),
  ...getters('Minutes', 'the minute', 15, (t) => t.getUTCMinutes()),
  ...getters('Seconds', 'the second', 30, (t) => t.getUTCSeconds()),
  ...getters('Milliseconds', 'the millisecond', 250, (t) => t.getUTCMilliseconds()),
  total('Hours', 'all of it in whole hours', 1, 3600_000),
  total('Minutes', 'all of it in whole minutes', 90, 60_000),
  total('Seconds', 'all of it in whole seconds', 5400, 1000),
  total('Milliseconds', 'all of it in milliseconds', 5_400_000, 1),
];

/** In UTC, and in a time zone. */
function getters(name: string, doc: string, shown: number, get: (time: Date) => number): Entry[] {
  const example = `timestamp("2026-01-31T10:15:30.250Z").get${name}() == ${shown}`;
  return [
    [`google.protobuf.Timestamp.get${name}(): double`, doc, example, get],
    [
      `google.protobuf.Timestamp.get${name}(string): double`,
      `${doc}, in a time zone`,
      example.replace('()', '("UTC")'),
      (time: Date, zone: string) => get(local(time, zone)),
    ],
  ];
}

function total(name: string, doc: string, shown: number, ms: number): Entry {
  const get = ({ seconds, nanos }: CelDuration): number => Math.trunc((Number(seconds) * 1000 + Math.trunc(nanos / 1e6)) / ms);
  return [`google.protobuf.Duration.get${name}(): double`, doc, `duration("1h30m").get${name}() == ${shown}`, get];
}

function dayOfYear(time: Date): number {
  return Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0, 1)) / 86_400_000);
}

/** A time of which UTC shows what this one shows in the zone. */
function local(time: Date, zone: string): Date {
  spend(10);
  return new Date(time.getTime() + timeZones.of(zone)(time.getTime()) * 60_000);
}

function formatTime(time: Date, format: string, zone: string): string {
  spend(10);
  const ahead = timeZones.of(zone)(time.getTime());
  return timeFormats.of(format).write(new Date(time.getTime() + ahead * 60_000), ahead);
}

function parseTime(text: string, format: string, zone: string): Date {
  spend(20 + (text.length >> 4));
  return timeAt(timeFormats.of(format).read(text, timeZones.of(zone)) ?? fail('this time is not as its format says'));
}

function timestamp(value: unknown): Date {
  if (typeof value === 'number') return timeAt(value * 1000);
  if (value instanceof Date) return value;
  if (typeof value !== 'string' || !rfc3339.test(value)) fail('this is not a time such as 2026-01-31T10:00:00Z');
  return timeAt(Date.parse(value));
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/** The years 1 to 9999: what RFC 3339, and so other systems, can write. */
export function timeAt(ms: number): Date {
  const time = new Date(ms);
  return time.getTime() >= firstTime && time.getTime() <= lastTime ? time : fail('there is no such time');
}

const firstTime = Date.parse('0001-01-01T00:00:00Z');
const lastTime = Date.parse('9999-12-31T23:59:59.999Z');

// The library does not export its Duration.
const celDuration = parse('duration(x)');

function duration(s: string): unknown {
  spend(5);
  // Its digits go through BigInt, whose cost grows with the square of their number.
  return s.length <= 40 ? celDuration({ x: s }) : fail('this is not a duration such as "1h30m"');
}
