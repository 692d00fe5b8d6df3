/** Time zones: `UTC`, `Europe/Berlin`, `+02:00`. */
import { spend } from '../budget.ts';
import { Language } from './language.ts';

/** Minutes that a zone is ahead of UTC, at a time in milliseconds. */
export type Zone = (ms: number) => number;

export const timeZones = new Language<Zone>('a time zone such as Europe/Berlin or +02:00', compile);

/** When clocks of this zone show what clocks of UTC show at `ms`. Of two such times the first; of a gap, as if the clock had not been put on. */
export function atLocal(ms: number, zone: Zone): number {
  const dayBefore = zone(ms - 86_400_000);
  const first = ms - dayBefore * 60_000;
  const ahead = zone(first);
  const second = ms - ahead * 60_000;
  return ahead !== dayBefore && zone(second) === ahead ? second : first;
}

function compile(name: string): Zone {
  if (/^(?:UTC|Z|GMT)$/i.test(name)) return () => 0;
  const [, sign, hours = '', minutes = ''] = /^([+-]?)(\d\d):?(\d\d)$/.exec(name) ?? [];
  if (sign !== undefined) {
    const ahead = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
    if (Math.abs(ahead) >= 24 * 60 || Number(minutes) > 59) throw new Error('it is too far ahead');
    return () => ahead;
  }
  try {
    return named(name);
  } catch (error) {
    throw new Error('Node knows no zone of this name', { cause: error });
  }
}

/** From the data that Node has of the time zones of the world. */
function named(name: string): Zone {
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone: name,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    spend(40);
    const part = Object.fromEntries(clock.formatToParts(ms).map(({ type, value }) => [type, value])) as Record<string, string>;
    const year = part['era'] === 'BC' ? 1 - Number(part['year']) : Number(part['year']);
    const shown = new Date(0);
    shown.setUTCFullYear(year, Number(part['month']) - 1, Number(part['day']));
    shown.setUTCHours(Number(part['hour']), Number(part['minute']), Number(part['second']));
    return Math.round((shown.getTime() - Math.floor(ms / 1000) * 1000) / 60_000);
  };
}
