import type { StageBooks } from '../buffer/stage/stage.ts';

/**
 * The books of one pump. They count deliveries (one message handed over once by the source), each ending once, by its worst part:
 *
 *     read = delivered + filtered + dropped + deadLettered + postponed + inFlight + returned
 */
export interface Books {
  read: number;
  delivered: number;
  filtered: number;
  dropped: number;
  deadLettered: number;
  /** Kept to be tried again later: then it is read again. */
  postponed: number;
  /** Read, and not yet ended. */
  inFlight: number;
  /** Unsettled when the pump closed: the source broker delivers them again. */
  returned: number;
}

/**
 * The books of a route:
 *
 *     read + recovered + made = delivered + filtered + dropped + deadLettered + merged + buffered + inFlight + returned
 *
 * They add up the books of the pumps and those of the stages between them, each of which balances by itself. What was postponed is buffered, and is
 * counted once as read, however often it comes back.
 */
export interface RouteBooks extends Books {
  /** In the buffer and the stages when the route started. */
  recovered: number;
  /** More came to a stage than were read, as a step before it makes several of one. */
  made: number;
  /** Went into another message: of several that a stage made one of, all but one. */
  merged: number;
  /** In the buffer and the stages, and not in flight behind them. */
  buffered: number;
}

export function emptyBooks(): Books {
  return { read: 0, delivered: 0, filtered: 0, dropped: 0, deadLettered: 0, postponed: 0, inFlight: 0, returned: 0 };
}

/** What stands between two pumps. */
export interface StoreBooks {
  /** What it held at the start. */
  readonly recovered: number;
  /** Of a stage. */
  readonly stage?: StageBooks | undefined;
}

/** What waits beside a pump to be tried again. */
export interface LaterBooks {
  /** What it held at the start. */
  readonly recovered: number;
  /** Messages that have come back. */
  readonly taken: number;
}

/** Adds up the pumps of a route, what is between them, and what waits beside each to be tried again. */
export function routeBooks(
  pumps: readonly Readonly<Books>[],
  stores: readonly StoreBooks[],
  laters: readonly (LaterBooks | undefined)[] = [],
): RouteBooks {
  const [first, last] = [pumps[0], pumps.at(-1)] as [Books, Books];
  const sum = (pick: (books: Books) => number) => pumps.reduce((total, books) => total + pick(books), 0);
  const books: RouteBooks = {
    read: first.read,
    recovered: 0,
    made: 0,
    delivered: last.delivered,
    filtered: sum(({ filtered }) => filtered),
    dropped: sum(({ dropped }) => dropped),
    deadLettered: sum(({ deadLettered }) => deadLettered),
    postponed: sum(({ postponed }) => postponed),
    merged: 0,
    buffered: 0,
    inFlight: sum(({ inFlight }) => inFlight),
    returned: first.returned,
  };
  for (const [i, store] of stores.entries()) {
    const [near, far] = [pumps[i], pumps[i + 1]] as [Books, Books];
    if (store.stage) enterStage(books, near, far, store.stage);
    else enterBuffer(books, near, far, store.recovered, laters[i + 1]?.taken ?? 0, i === 0);
  }
  for (const [i, later] of laters.entries()) if (later) enterLater(books, pumps[i] as Books, later, i === 0);
  return books;
}

/** What comes back to the first pump is not new; what comes back to another one was counted as having left the store before it. */
function enterLater(books: RouteBooks, pump: Books, { recovered, taken }: LaterBooks, isFirst: boolean): void {
  const waiting = recovered + pump.postponed - taken;
  books.recovered += recovered;
  if (isFirst) books.read -= taken;
  books.buffered += Math.max(0, waiting);
  // It may come back while the batch that it failed in has not ended, or never will in this life: it is what it is where it came back.
  countOnce(books, pump, Math.max(0, -waiting), isFirst);
}

/** So many messages of a pump are counted behind it, or further on in it, too: there alone, from now on. */
function countOnce(books: RouteBooks, pump: Books, ahead: number, isFirst: boolean): void {
  const inFlight = Math.min(ahead, pump.inFlight);
  books.inFlight -= inFlight;
  // Closed before it had heard of them: they come to it again.
  if (isFirst) books.returned -= ahead - inFlight;
  else books.buffered -= ahead - inFlight;
}

/** What was unsettled when its far side closed is in it, and comes again. */
function enterStage(books: RouteBooks, near: Books, far: Books, { recovered, arrived, merged, waiting }: StageBooks): void {
  books.recovered += recovered;
  books.made += arrived - near.delivered;
  books.merged += merged;
  books.buffered += waiting + far.returned;
}

/** `taken`: of what the far pump has read, messages that had failed in it and came back. */
function enterBuffer(books: RouteBooks, near: Books, far: Books, recovered: number, taken: number, isFirst: boolean): void {
  const stored = recovered + near.delivered - (far.read - far.returned - taken);
  books.recovered += recovered;
  books.buffered += Math.max(0, stored);
  // The far pump may read a message before the near pump has heard that it is stored: until then it is counted on the far side alone.
  countOnce(books, near, Math.max(0, -stored), isFirst);
}

/** True when every delivery is accounted for. */
export function balanced(books: RouteBooks): boolean {
  const { read, recovered, made, delivered, filtered, dropped, deadLettered, merged, buffered, inFlight, returned } = books;
  return read + recovered + made === delivered + filtered + dropped + deadLettered + merged + buffered + inFlight + returned;
}
