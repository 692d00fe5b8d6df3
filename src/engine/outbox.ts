import { type Clock, pause } from '../clock.ts';
import type { Log, Refusal, Room, Sink, SinkEnd } from '../connector.ts';
import { MqferryError, notConnected } from '../errors.ts';
import type { Message } from '../message.ts';
import { Bell } from './bell.ts';
import { Breaker, type BreakerPlan } from './breaker.ts';
import { type Item, type SendQueue, StreamQueue, UnitQueue } from './send-queue.ts';
import { closeLink, isFatal, type LinkStatus, newStatus, supervise } from './supervise.ts';
import type { Ticket } from './ticket.ts';

export type Order = 'none' | 'key' | 'lane';

export interface Retry {
  readonly attempts: number;
  readonly backoff: { readonly fromMs: number; readonly toMs: number };
  /** No further try later than this after the first refusal. */
  readonly maxAgeMs?: number;
  /** Further tries after these waits, in place: what keeps order behind it waits with it. */
  readonly thenAfterMs?: readonly number[];
}

export interface OutboxOptions {
  readonly name: string;
  readonly end: SinkEnd;
  /** `undefined`: the order was not asked for; it is kept as far as the sink keeps it. */
  readonly order: Order | undefined;
  readonly window: Room;
  readonly backoff: Retry['backoff'];
  readonly clock: Clock;
  readonly log: Log;
  /** How often a message with this error is tried; it has been so often. */
  retryOf(message: Message, error: MqferryError, attempts: number): Retry;
  /** A message that is not retried any more. It is out of the outbox; its part of the ticket is the callee's to end. */
  setAside(ticket: Ticket, message: Message, error: MqferryError, attempts: number): void;
  /** Rung when the sink opens or is lost. */
  readonly changed: Bell;
  /** Links lost with this outbox's message alone in flight count against the message. Not so for the dead-letter sink. */
  readonly countsHangUps: boolean;
  /** When it is open nothing is written, and what waits keeps its attempts. */
  readonly breaker: BreakerPlan | undefined;
  /** No link can mend it: the route stops. */
  failed(error: unknown): void;
}

/**
 * All that one sink has not confirmed, in order. It outlives the links of its sink, and is the only place that knows retry, order and
 * lost links.
 *
 * A refused message is retried after a back-off, then set aside. A lost link means that the outcome of everything sent is unknown: it is
 * written again in order, the oldest message alone first, then twice as many with each confirmed write. A link that is lost while one
 * message is alone in flight costs that message an attempt: many brokers answer a bad message by hanging up. With a breaker, a refusal for now
 * costs an attempt only while the breaker is closed: what an ill sink refuses is held, and tried again alone, each in its turn.
 */
export class Outbox {
  readonly status: LinkStatus;
  isOpen = false;
  /** Counters for metrics. */
  refused = 0;
  retried = 0;
  /** Messages written and not confirmed, and the most there ever were. */
  sent = 0;
  sentMax = 0;
  readonly #o: OutboxOptions;
  readonly #queue: SendQueue;
  readonly #bell = new Bell();
  readonly #stop = new AbortController();
  readonly #breaker: Breaker | undefined;
  /** Refused while the breaker was not closed: they wait until all others have been tried, or until it is closed. */
  #held: Item[] = [];
  readonly #unitOf: (message: Message) => string;
  /** True: the sink itself keeps the order asked for, so the window may slide over it. */
  readonly #slides: boolean;
  #limit: number;
  #writes = 0;

  constructor(options: OutboxOptions) {
    const { name, order, end, window, clock, log, breaker } = options;
    this.#o = options;
    this.#slides = slides(order, end.can.keepsOrder);
    this.#queue = this.#slides ? new StreamQueue() : new UnitQueue();
    this.#unitOf = this.#slides ? () => '' : order === 'key' ? laneAndKey : (message) => message.lane;
    this.#limit = window.messages;
    const rested = () => this.#bell.ring();
    this.#breaker = breaker && new Breaker(breaker, { end: name, clock, log, signal: this.#stop.signal, rested });
    this.status = newStatus(name, clock, this.#breaker);
  }

  get size(): number {
    return this.#queue.size;
  }

  put(message: Message, ticket: Ticket): void {
    this.#queue.put({ message, ticket, state: 'waiting', attempts: 0, refusedAt: undefined, unit: this.#unitOf(message) });
  }

  /** Says that something was put. */
  ring(): void {
    this.#bell.ring();
  }

  /** Stops writing; the link is closed when run() ends. */
  stop(): void {
    this.#stop.abort();
    this.#bell.ring();
  }

  /** Writes until stop(). */
  async run(): Promise<void> {
    const { end, backoff, clock, log, changed } = this.#o;
    await supervise<Sink>({
      status: this.status,
      open: (signal) => end.open(signal),
      serve: async (link, progress) => {
        this.isOpen = true;
        changed.ring();
        try {
          await this.#serve(link, progress);
        } finally {
          this.isOpen = false;
          changed.ring();
        }
      },
      backoff,
      clock,
      log,
      signal: this.#stop.signal,
    }).catch((error: unknown) => this.#o.failed(error));
  }

  async #serve(link: Sink, progress: () => void): Promise<void> {
    const stop = this.#stop.signal;
    const session: Session = { link, progress, lost: undefined, isOver: false };
    for (;;) {
      let picked: Item[] = [];
      await this.#bell.until(() => stop.aborted || session.lost !== undefined || (picked = this.#pick()).length > 0);
      if (stop.aborted) return;
      if (session.lost !== undefined) break;
      this.#write(session, picked);
    }
    await closeLink(link, this.#o.log, this.#o.clock); // ends every pending write: from here nothing of this link can arrive
    session.isOver = true;
    this.#linkLost(session);
    throw session.lost;
  }

  #write(session: Session, picked: Item[]): void {
    this.sent += picked.length;
    this.sentMax = Math.max(this.sentMax, this.sent);
    this.#writes++;
    const row = this.#breaker?.row ?? 0;
    // A sink that throws instead of rejecting is no different: the outcome is unknown.
    const outcome = new Promise<readonly Refusal[]>((resolve) => resolve(session.link.write(picked.map((item) => item.message))));
    outcome
      .then((refusals) => {
        if (session.isOver) return;
        this.#writes--;
        this.sent -= picked.length;
        if (refusals.length < picked.length) session.progress();
        if (this.#breaksOrder(refusals)) this.#hangUp(session, picked, refusals);
        else this.#settle(picked, refusals, row);
      })
      .catch((error: unknown) => {
        session.lost ??= error ?? notConnected('the link was lost');
      })
      .finally(() => this.#bell.ring());
  }

  /** What may be written now, within the limit of the link and of one write. */
  #pick(): Item[] {
    const { writes, maxWrite } = this.#o.end.can;
    if (writes === 1 && this.#writes > 0) return [];
    if (this.#breaker && !this.#breaker.isClosed) return this.#pickTrial(this.#breaker, maxWrite.bytes);
    const messages = Math.min(this.#limit - this.sent, maxWrite.messages);
    return messages > 0 ? this.#queue.pick({ messages, bytes: maxWrite.bytes }) : [];
  }

  /** One message alone. In turn, so that one that is always refused does not keep the breaker open while others would be taken. */
  #pickTrial(breaker: Breaker, bytes: number): Item[] {
    if (!breaker.mayTry || this.sent > 0) return [];
    let picked = this.#queue.pick({ messages: 1, bytes });
    if (picked.length === 0 && this.#held.length > 0) {
      this.#releaseHeld();
      picked = this.#queue.pick({ messages: 1, bytes });
    }
    if (picked.length > 0) breaker.tries();
    this.#limit = 1;
    return picked;
  }

  #releaseHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const item of held) this.#queue.again(item);
  }

  /** `row`: of the breaker, when it was written. */
  #settle(picked: readonly Item[], refusals: readonly Refusal[], row: number): void {
    if (refusals.length < picked.length) this.#limit = Math.min(this.#limit * 2, this.#o.window.messages);
    if (refusals.length === 0) {
      for (const item of picked) this.#confirmed(item, row);
      return;
    }
    const byMessage = new Map(refusals.map((refusal) => [refusal.message, refusal]));
    for (const item of picked) {
      const refusal = byMessage.get(item.message);
      if (!refusal) this.#confirmed(item, row);
      else this.#refuse(item, refusal);
    }
  }

  #confirmed(item: Item, row: number): void {
    this.#breaker?.confirmed(row);
    if (this.#held.length > 0 && this.#breaker?.isClosed) this.#releaseHeld();
    this.#queue.end(item);
    item.ticket.end();
  }

  #refuse(item: Item, refusal: Refusal): void {
    const { clock } = this.#o;
    this.refused++;
    item.refusedAt ??= clock.now();
    if (refusal.retry) this.#breaker?.refused();
    const isHeld = refusal.retry && this.#breaker?.isClosed === false;
    if (!isHeld) item.attempts++;
    const {
      attempts,
      backoff,
      maxAgeMs = Number.POSITIVE_INFINITY,
      thenAfterMs = [],
    } = this.#o.retryOf(item.message, refusal.error, Math.max(1, item.attempts));
    const longMs = thenAfterMs[item.attempts - attempts];
    const waitMs = isHeld ? 0 : (longMs ?? pause(backoff, item.attempts - 1, clock));
    if (!refusal.retry || item.attempts >= attempts + thenAfterMs.length || clock.now() + waitMs - item.refusedAt > maxAgeMs) {
      this.#setAside(item, refusal.error);
      return;
    }
    this.retried++;
    this.#queue.hold(item);
    if (isHeld) this.#held.push(item);
    else this.#againAfter(item, waitMs);
  }

  #againAfter(item: Item, waitMs: number): void {
    void this.#o.clock.sleep(waitMs, this.#stop.signal).then(() => {
      this.#queue.again(item);
      this.#bell.ring();
    });
  }

  #setAside(item: Item, error: MqferryError): void {
    this.#queue.end(item);
    this.#o.setAside(item.ticket, item.message, error, Math.max(1, item.attempts));
  }

  #breaksOrder(refusals: readonly Refusal[]): boolean {
    const { order, end } = this.#o;
    return order !== 'none' && end.can.keepsOrder !== 'none' && refusals.some((refusal) => refusal.retry);
  }

  /** A sink that keeps order must hang up instead of refusing for now; the engine does it for one that does not. */
  #hangUp(session: Session, picked: readonly Item[], refusals: readonly Refusal[]): void {
    const forNow = new Set(refusals.filter((refusal) => refusal.retry).map((refusal) => refusal.message));
    this.#settle(
      picked.filter((item) => !forNow.has(item.message)),
      refusals.filter((refusal) => !refusal.retry),
      0,
    );
    session.lost ??= notConnected('the sink refused a message for now although it promised order', refusals[0]?.error);
  }

  #linkLost({ lost, progress }: Session): void {
    const unknown = this.#queue.rewind();
    this.sent = 0;
    this.#writes = 0;
    this.#limit = 1;
    this.retried += unknown.length;
    const isLogin = lost instanceof MqferryError && (lost.code === 'AUTH' || lost.code === 'FORBIDDEN');
    const alone = unknown[0];
    if (!this.#o.countsHangUps || isLogin || isFatal(lost) || unknown.length !== 1 || !alone) return;
    alone.attempts++;
    const text = `the broker ended the link ${alone.attempts} times when it was sent this message alone`;
    const error = new MqferryError('REFUSED', text, { cause: lost });
    // Once may be an outage that happened to meet it: at least twice, whatever the config says of refusals.
    if (alone.attempts < Math.max(2, this.#o.retryOf(alone.message, error, alone.attempts).attempts)) return;
    this.#setAside(alone, error);
    progress();
  }
}

/** One link of the sink while it is served. */
interface Session {
  readonly link: Sink;
  readonly progress: () => void;
  lost: unknown;
  /** Nothing that it still says is heard. */
  isOver: boolean;
}

/** Whether a sink that keeps this much order may be written far ahead. */
export function slides(order: Order | undefined, keeps: 'lane' | 'key' | 'none'): boolean {
  if (order === undefined || order === 'none') return true;
  return keeps === 'lane' || (order === 'key' && keeps === 'key');
}

function laneAndKey(message: Message): string {
  return message.key === null ? message.lane : `${message.lane}\0${message.key.toString('latin1')}`;
}
