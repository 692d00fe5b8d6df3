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

/** The books of a route: `read + recovered = delivered + filtered + dropped + deadLettered + buffered + inFlight + returned`. */
export interface RouteBooks extends Books {
  /** In the buffer when the route started. */
  recovered: number;
  /** In the buffer, and not in flight to the sinks. */
  buffered: number;
}

export function emptyBooks(): Books {
  return { read: 0, delivered: 0, filtered: 0, dropped: 0, deadLettered: 0, inFlight: 0, returned: 0 };
}

/** Adds up the pumps of a route; `recovered` is what its buffer held at the start. */
export function routeBooks(pumps: readonly Readonly<Books>[], recovered: number): RouteBooks {
  const [near, far] = pumps as [Books, Books | undefined];
  if (!far) return { ...near, recovered: 0, buffered: 0 };
  const sum = (pick: (books: Books) => number) => pick(near) + pick(far);
  const ended = far.delivered + far.filtered + far.dropped + far.deadLettered;
  const stored = recovered + near.delivered - ended - far.inFlight;
  // The far pump may read a message before the near pump has heard that it is stored: until then it is counted on the far side alone.
  const ahead = Math.max(0, -stored);
  const aheadInFlight = Math.min(ahead, near.inFlight);
  return {
    read: near.read,
    recovered,
    delivered: far.delivered,
    filtered: sum((books) => books.filtered),
    dropped: sum((books) => books.dropped),
    deadLettered: sum((books) => books.deadLettered),
    inFlight: sum((books) => books.inFlight) - aheadInFlight,
    buffered: Math.max(0, stored),
    returned: near.returned - (ahead - aheadInFlight),
  };
}

/** True when every delivery is accounted for. */
export function balanced(books: RouteBooks): boolean {
  const { read, recovered, delivered, filtered, dropped, deadLettered, buffered, inFlight, returned } = books;
  return read + recovered === delivered + filtered + dropped + deadLettered + buffered + inFlight + returned;
}
