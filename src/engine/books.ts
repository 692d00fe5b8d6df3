import type { StageBooks } from '../buffer/stage/stage.ts';

/**
 * The books of one pump. They count deliveries (one message handed over once by the source), each ending once, by its worst part:
 *
 *     read = delivered + filtered + dropped + deadLettered + inFlight + returned
 */
export interface Books {
  read: number;
  delivered: number;
  filtered: number;
  dropped: number;
  deadLettered: number;
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
 * They add up the books of the pumps and those of the stages between them, each of which balances by itself.
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
  return { read: 0, delivered: 0, filtered: 0, dropped: 0, deadLettered: 0, inFlight: 0, returned: 0 };
}

/** What stands between two pumps. */
export interface StoreBooks {
  /** What it held at the start. */
  readonly recovered: number;
  /** Of a stage. */
  readonly stage?: StageBooks | undefined;
}

/** Adds up the pumps of a route, and what is between them. */
export function routeBooks(pumps: readonly Readonly<Books>[], stores: readonly StoreBooks[]): RouteBooks {
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
    merged: 0,
    buffered: 0,
    inFlight: sum(({ inFlight }) => inFlight),
    returned: first.returned,
  };
  for (const [i, store] of stores.entries()) {
    const [near, far] = [pumps[i], pumps[i + 1]] as [Books, Books];
    if (store.stage) enterStage(books, near, far, store.stage);
    else enterBuffer(books, near, far, store.recovered, i === 0);
  }
  return books;
}

/** What was unsettled when its far side closed is in it, and comes again. */
function enterStage(books: RouteBooks, near: Books, far: Books, { recovered, arrived, merged, waiting }: StageBooks): void {
  books.recovered += recovered;
  books.made += arrived - near.delivered;
  books.merged += merged;
  books.buffered += waiting + far.returned;
}

function enterBuffer(books: RouteBooks, near: Books, far: Books, recovered: number, isFirst: boolean): void {
  const ended = far.delivered + far.filtered + far.dropped + far.deadLettered;
  const stored = recovered + near.delivered - ended - far.inFlight;
  books.recovered += recovered;
  books.buffered += Math.max(0, stored);
  // The far pump may read a message before the near pump has heard that it is stored: until then it is counted on the far side alone.
  const ahead = Math.max(0, -stored);
  const aheadInFlight = Math.min(ahead, near.inFlight);
  books.inFlight -= aheadInFlight;
  // Closed before it had heard so: the message is beyond, and comes to the near pump again.
  if (isFirst) books.returned -= ahead - aheadInFlight;
  else books.buffered -= ahead - aheadInFlight;
}

/** True when every delivery is accounted for. */
export function balanced(books: RouteBooks): boolean {
  const { read, recovered, made, delivered, filtered, dropped, deadLettered, merged, buffered, inFlight, returned } = books;
  return read + recovered + made === delivered + filtered + dropped + deadLettered + merged + buffered + inFlight + returned;
}
