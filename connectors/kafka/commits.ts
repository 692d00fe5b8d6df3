/** How far each partition has got, and telling the group so: every 250 ms, sooner when much waits, last of all at close. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, notConnected } from '../../src/connector.ts';
import type { Claim, Position } from './port.ts';

const everyMs = 250;
/** A group may refuse commits for this much longer than they may fail: until it has come to rest. */
const refusalPatience = 4;

/** What is known of a claim's progress. Kept per claim, so that nothing of a lost one can leak into its successor. */
interface Progress {
  readonly claim: Claim;
  /** Fetched, and not acked. */
  outstanding: number;
  /** After the last record that was fetched. */
  fetched: number;
  /** Everything before it has ended. */
  acked: number;
  committed: number;
}

/** Some messages of one claim, handed out together; `next` follows the last of them. */
export interface Span extends Position {
  readonly count: number;
}

export interface CommitOptions {
  /** Acked messages that may wait for their commit. */
  readonly prefetch: number;
  readonly log: Log;
  /** How long commits may fail, or stay unanswered, before the link counts as lost. */
  readonly patienceMs: number;
  /** Resolves to false when the group would not have it now. */
  send(positions: readonly Position[]): Promise<boolean>;
  /** There may be room again. */
  onCommitted(): void;
}

export class Commits {
  readonly #options: CommitOptions;
  readonly #progress = new Map<Claim, Progress>();
  /** Acked, and not yet sent to the broker. */
  #uncommitted = 0;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #trouble: { readonly until: number; readonly error: unknown } | undefined;
  #closed = false;

  constructor(options: CommitOptions) {
    this.#options = options;
  }

  /** More must not be handed out: it would all come again after a crash. */
  get full(): boolean {
    return this.#uncommitted >= this.#options.prefetch;
  }

  /** Something was fetched, up to `next`; of that, `count` messages will be acked. */
  fetched({ claim, next, count }: Span): void {
    const progress = this.#progressOf(claim);
    progress.fetched = next;
    progress.outstanding += count;
    if (progress.outstanding > 0) return;
    // Only markers or aborted records: nobody will ack them.
    progress.acked = next;
    this.#soon();
  }

  /** These have ended, and all that was handed out before them. Void for claims that are lost. */
  ack(spans: readonly Span[]): void {
    if (this.#closed) return;
    for (const { claim, next, count } of spans) {
      if (!claim.live) continue;
      const progress = this.#progressOf(claim);
      progress.outstanding -= count;
      // With nothing left of what was fetched, the markers and gaps after it have passed too.
      progress.acked = progress.outstanding === 0 ? progress.fetched : next;
      this.#uncommitted += count;
    }
    if (this.#uncommitted * 2 >= this.#options.prefetch) this.#now();
    else this.#soon();
  }

  /** What could be committed now. */
  positions(): Position[] {
    const positions: Position[] = [];
    for (const { claim, acked, committed } of this.#progress.values()) {
      if (claim.live && acked > committed) positions.push({ claim, next: acked });
    }
    return positions;
  }

  /** Forgets claims that are lost. */
  forgetLost(): void {
    for (const claim of this.#progress.keys()) if (!claim.live) this.#progress.delete(claim);
  }

  /** Tries to get below `prefetch`. Throws NOT_CONNECTED when commits have failed for long. */
  async makeRoom(): Promise<void> {
    const trouble = this.#trouble;
    if (trouble && Date.now() > trouble.until) throw notConnected('positions cannot be committed', trouble.error);
    this.#now();
    await this.#running;
    if (this.full) await sleep(everyMs);
  }

  /** Sends what is left; acks are void from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#commit();
  }

  #progressOf(claim: Claim): Progress {
    let progress = this.#progress.get(claim);
    if (!progress) {
      progress = { claim, outstanding: 0, fetched: 0, acked: 0, committed: 0 };
      this.#progress.set(claim, progress);
    }
    return progress;
  }

  #soon(): void {
    if (this.#closed || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#now();
    }, everyMs);
  }

  #now(): void {
    if (this.#running || this.#closed) return;
    this.#running = this.#commit().finally(() => {
      this.#running = undefined;
    });
  }

  /** What fails is tried again with the next; it throws nothing. */
  async #commit(): Promise<void> {
    const positions = this.positions();
    const counted = this.#uncommitted;
    if (positions.length === 0) {
      this.#uncommitted = 0; // what was counted belonged to claims that are lost
      return;
    }
    try {
      if (await withDeadline(this.#options.send(positions), this.#options.patienceMs)) {
        for (const { claim, next } of positions) this.#progressOf(claim).committed = next;
        this.#uncommitted -= counted;
        this.#trouble = undefined;
      } else this.#failed(notConnected('the group does not take positions'), refusalPatience * this.#options.patienceMs);
    } catch (error) {
      this.#options.log.debug({ error }, 'positions could not be committed; trying again');
      this.#failed(error, this.#options.patienceMs);
    }
    this.#options.onCommitted();
  }

  #failed(error: unknown, patience: number): void {
    this.#trouble ??= { until: Date.now() + patience, error };
    this.#soon();
  }
}

/** A client may lose a request and its promise with it, as kafkajs does when the coordinator goes away. */
async function withDeadline(sending: Promise<boolean>, limitMs: number): Promise<boolean> {
  const late = new AbortController();
  const limit = sleep(limitMs, undefined, { signal: late.signal }).then(
    () => {
      throw notConnected(`the coordinator has not answered a commit for ${limitMs} ms`);
    },
    () => false,
  );
  try {
    return await Promise.race([sending, limit]);
  } finally {
    late.abort();
  }
}
