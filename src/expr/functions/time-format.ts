/** Formats of times: `yyyy-MM-dd HH:mm:ss.SSS XXX`, letters as in Java's SimpleDateFormat. */
import { Language } from './language.ts';
import { atLocal, timeZones, type Zone } from './zones.ts';

export interface TimeFormat {
  /** `local`: a time of which UTC shows what is written; `ahead` minutes of UTC. */
  write(local: Date, ahead: number): string;
  /** Milliseconds since 1970; undefined when the text is not as the format says, or there is no such date. */
  read(text: string, zone: Zone): number | undefined;
}

export const timeFormats = new Language<TimeFormat>('a format of times', compile);

type Part = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'millisecond' | 'weekday' | 'offset';

interface Token {
  readonly part: Part;
  readonly pattern: string;
  write(local: Date, ahead: number): string;
  read(text: string): number;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

const tokens: Readonly<Record<string, Token>> = {
  yyyy: digits('year', 4, (t) => t.getUTCFullYear()),
  yy: { ...digits('year', 2, (t) => t.getUTCFullYear() % 100), read: (text) => 2000 + Number(text) },
  MMM: { part: 'month', pattern: months.join('|'), write: (t) => months[t.getUTCMonth()] ?? '', read: (text) => months.indexOf(text) + 1 },
  MM: digits('month', 2, (t) => t.getUTCMonth() + 1),
  M: digits('month', 1, (t) => t.getUTCMonth() + 1),
  dd: digits('day', 2, (t) => t.getUTCDate()),
  d: digits('day', 1, (t) => t.getUTCDate()),
  EEE: { part: 'weekday', pattern: days.join('|'), write: (t) => days[t.getUTCDay()] ?? '', read: (text) => days.indexOf(text) },
  HH: digits('hour', 2, (t) => t.getUTCHours()),
  H: digits('hour', 1, (t) => t.getUTCHours()),
  mm: digits('minute', 2, (t) => t.getUTCMinutes()),
  ss: digits('second', 2, (t) => t.getUTCSeconds()),
  SSS: digits('millisecond', 3, (t) => t.getUTCMilliseconds()),
  XXX: {
    part: 'offset',
    pattern: 'Z|[+-]\\d\\d:\\d\\d',
    write: (_, ahead) => offsetText(ahead),
    read: (text) => timeZones.compile(text)(0),
  },
};

/** So many digits; of one, as many as there are. */
function digits(part: Part, count: number, get: (time: Date) => number): Token {
  const pattern = count === 1 ? '\\d{1,2}' : `\\d{${count}}`;
  return { part, pattern, write: (time) => String(get(time)).padStart(count, '0'), read: Number };
}

function offsetText(ahead: number): string {
  if (ahead === 0) return 'Z';
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  return `${ahead < 0 ? '-' : '+'}${two(Math.abs(ahead) / 60)}:${two(Math.abs(ahead) % 60)}`;
}

function compile(format: string): TimeFormat {
  const pieces = [...format.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z]/gs)].map(pieceOf);
  const used = pieces.filter((piece) => typeof piece !== 'string');
  const twice = used.find(({ part }, i) => used.some((other, j) => j < i && other.part === part));
  if (twice !== undefined) throw new Error(`it has the ${twice.part} twice`);
  const shape = new RegExp(`^${pieces.map((piece) => (typeof piece === 'string' ? literally(piece) : `(${piece.pattern})`)).join('')}$`);
  return {
    write: (time, ahead) => pieces.map((piece) => (typeof piece === 'string' ? piece : piece.write(time, ahead))).join(''),
    read: (text, zone) => {
      const match = shape.exec(text);
      if (match === null) return undefined;
      return timeOf(Object.fromEntries(used.map((token, i) => [token.part, token.read(match[i + 1] as string)])), zone);
    },
  };
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function pieceOf([text, quoted]: RegExpExecArray): Token | string {
  if (text === "''") return "'";
  if (quoted !== undefined) return quoted.replaceAll("''", "'");
  if (!/^[A-Za-z]/.test(text)) return text;
  if (tokens[text] === undefined) throw new Error(`it knows ${Object.keys(tokens).join(' ')}, and 'text' in quotes, but not \`${text}\``);
  return tokens[text];
}

function timeOf(parts: Partial<Record<Part, number>>, zone: Zone): number | undefined {
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0, weekday, offset } = parts;
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  if (time.getUTCMonth() !== month - 1 || time.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || (weekday ?? time.getUTCDay()) !== time.getUTCDay()) return undefined;
  time.setUTCHours(hour, minute, second, millisecond);
  return offset === undefined ? atLocal(time.getTime(), zone) : time.getTime() - offset * 60_000;
}
