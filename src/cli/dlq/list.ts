import { describeError } from '../../errors.ts';
import type { CompiledRoute } from '../../index.ts';
import { reasonOf } from '../../route/letter.ts';
import { say } from '../say.ts';
import { table } from '../table.ts';
import { type Letter, lettersAt, linkTimeoutMs } from './letters.ts';
import { contextOf, type Place, placesOf } from './places.ts';

/** What waits in one destination. Absent: it cannot be known without taking letters in hand. */
interface Depth {
  readonly route: string;
  readonly destination: string;
  readonly letters?: number;
  readonly oldest?: string;
  readonly errors?: Readonly<Record<string, number>>;
  readonly note?: string;
}

/** Looks at every dead-letter destination of these routes. No letter of a broker is touched. */
export async function list(routes: readonly CompiledRoute[], dataDir: string, format: 'text' | 'json'): Promise<void> {
  const depths: Depth[] = [];
  for (const route of routes) for (const place of placesOf(route)) depths.push(await depthOf(route, place, dataDir));
  if (format === 'json') return say(`${JSON.stringify(depths, null, 2)}\n`);
  if (depths.length === 0) return say('no route has dead letters: write `onError: { deadLetter: disk }`\n');
  await say(`${table([['route', 'destination', 'letters', 'oldest', 'errors'], ...depths.map(rowOf)])}\n`);
}

async function depthOf({ name: route, model }: CompiledRoute, place: Place, dataDir: string): Promise<Depth> {
  const named = { route, destination: place.name };
  if (place.kind === 'closed') return { ...named, note: place.why };
  if (place.kind === 'log') {
    const letters = lettersAt(place, { route, dataDir, most: Number.POSITIVE_INFINITY, idleMs: 0 });
    return { ...named, ...(await depthOfLog(letters)) };
  }
  const note = `not looked into; \`mqferry dlq show ${route}\` does`;
  if (!place.back.count) return { ...named, note };
  try {
    const signal = AbortSignal.timeout(linkTimeoutMs);
    const letters = await place.back.count(contextOf({ route, window: model.window, log: silent, signal }));
    return { ...named, letters, note };
  } catch (error) {
    return { ...named, note: describeError(error) };
  }
}

const silent = { error() {}, warn() {}, info() {}, debug() {} };

async function depthOfLog(letters: AsyncIterable<Letter>): Promise<Pick<Depth, 'letters' | 'oldest' | 'errors'>> {
  const codes = new Map<string, number>();
  let [count, oldest] = [0, ''];
  for await (const { message } of letters) {
    const { code, time } = reasonOf(message);
    count++;
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if (time !== '' && (oldest === '' || time < oldest)) oldest = time;
  }
  return { letters: count, ...(oldest !== '' && { oldest }), errors: Object.fromEntries(codes) };
}

function rowOf({ route, destination, letters, oldest, errors, note }: Depth): string[] {
  const codes = Object.entries(errors ?? {}).map(([code, count]) => `${code || 'none'} ${count}`);
  return [route, destination, letters === undefined ? '?' : String(letters), oldest ?? '', note ?? codes.join(', ')];
}
