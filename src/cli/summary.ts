import { balanced, type RouteBooks } from '../engine/books.ts';
import type { Engine } from '../engine/engine.ts';
import type { Tap } from '../engine/tap.ts';
import { Leave } from './exit-codes.ts';
import type { Outcome } from './idle.ts';

const columns = [
  'read',
  'recovered',
  'made',
  'delivered',
  'filtered',
  'dropped',
  'deadLettered',
  'merged',
  'buffered',
  'inFlight',
  'returned',
] as const;

/** The books of every route, as they stand, one line each. */
export function summary(engine: Engine): string {
  return engine.routes
    .map(({ name, state, reason, books, run }) => {
      const counts = books
        ? columns.filter((column) => books[column] > 0 || column === 'read').map((column) => `${column} ${books[column]}`)
        : [];
      const why = reason === undefined ? '' : `\n  ${reason}`;
      const waiting = run?.plan.deadStore?.stats()?.messages ?? 0;
      const dead = waiting === 0 ? '' : `\n  dead letters on disk: ${waiting}; \`mqferry dlq show ${name}\``;
      const taps = [...(run?.taps.values() ?? [])].map((tap) => `\n  ${tapText(tap)}`).join('');
      return `route ${name} ${state}: ${[...counts, ...(books && !balanced(books) ? ['THE BOOKS DO NOT BALANCE'] : [])].join(', ')}${why}${dead}${taps}`;
    })
    .join('\n');
}

function tapText({ status, copied, dropped, waiting }: Tap): string {
  return [`${status.end}: copied ${copied}`, `dropped ${dropped}`, ...(waiting > 0 ? [`waiting ${waiting}`] : [])].join(', ');
}

/** Leaves with the code that says how the run ended; returns when all is well. */
export function verdict(engine: Engine, outcome: 'signal' | Exclude<Outcome, 'linkDown'>, isDrained: boolean, mustBeClean: boolean): void {
  if (outcome === 'over') throw new Leave('failed', 'all routes have stopped');
  if (!isDrained) throw new Leave('failed', 'the drain deadline was hit: what was on its way comes again');
  const books = engine.routes.map((route) => route.books).filter((one): one is RouteBooks => one !== undefined);
  if (!books.every(balanced)) throw new Leave('failed', 'the books do not balance: this is a bug, please report it');
  if (engine.routes.some((route) => route.state === 'failed')) throw new Leave('failed', 'a route has failed');
  if (mustBeClean && books.some((one) => one.deadLettered > 0 || one.dropped > 0))
    throw new Leave('failed', 'some messages were dead-lettered or dropped');
}
