import type { Clock } from '../clock.ts';
import { describeError, MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { Bell } from './bell.ts';
import { Outbox } from './outbox.ts';
import type { RoutePlan, TapPlan } from './plan.ts';
import type { LinkStatus } from './supervise.ts';
import { Ticket } from './ticket.ts';

/** What waits at the end of a route gets so long to go out, and the link so long to close. */
const flushMs = 1000;
const closeMs = 2000;
const sayEveryMs = 30_000;
const full = 'its queue is full';

/**
 * Copies of messages on their way to a sink of their own, best effort: `tapped = copied + dropped + waiting`. Whatever the sink does, put()
 * returns at once and never throws; a copy that finds the queue full is dropped and counted, as is one that the sink cannot carry or refuses
 * for good. Those that wait keep their order, and outlive lost links as in any outbox.
 */
export class Tap {
  /** Confirmed by the sink. */
  copied = 0;
  dropped = 0;
  /** In the queue or on their way. */
  waiting = 0;
  readonly #plan: TapPlan;
  readonly #o: TapOptions;
  readonly #box: Outbox;
  readonly #bell = new Bell();
  readonly #closed = new AbortController();
  #bytes = 0;
  /** Nothing goes out any more: closed, or its sink is gone for good. */
  #isOver = false;
  #run: Promise<void> = Promise.resolve();
  /** Drops that the log has told. */
  #said = 0;
  #isQuiet = false;

  constructor(plan: TapPlan, options: TapOptions) {
    const { sink, limit } = plan;
    const { clock, route } = options;
    this.#plan = plan;
    this.#o = options;
    this.#box = new Outbox({
      name: sink.name,
      end: sink.end,
      order: 'none',
      window: limit,
      backoff: route.retry.backoff,
      clock,
      log: route.log,
      retryOf: () => route.retry,
      setAside: (ticket, _message, error) => this.#refused(ticket, error),
      changed: this.#bell,
      countsHangUps: true,
      breaker: sink.breaker,
      failed: (error) => this.#giveUp(error),
    });
  }

  get status(): LinkStatus {
    return this.#box.status;
  }

  start(): void {
    this.#run = this.#box.run();
  }

  /** Takes a copy if there is room for it. */
  put(message: Message): void {
    const obstacle = this.#add(message);
    if (obstacle !== undefined) this.#drop(obstacle);
  }

  /** Lets what waits go out for a moment, unless `hurry` says not to, and closes the link; what is left is dropped. Never takes long. */
  async close(hurry: AbortSignal): Promise<void> {
    const { clock, route } = this.#o;
    const flushed = new AbortController();
    const isSent = this.#bell.until(() => this.waiting === 0 || this.status.state === 'down' || this.status.state === 'closed');
    await Promise.race([isSent, clock.sleep(flushMs, AbortSignal.any([hurry, flushed.signal]))]);
    flushed.abort();
    this.#box.stop();
    const isClosed = await Promise.race([this.#run.then(() => true), clock.sleep(closeMs, this.#closed.signal).then(() => false)]);
    if (!isClosed)
      route.log.warn({ end: this.status.end }, `${this.status.end} did not close within ${closeMs / 1000} s; it is left alone`);
    this.#end();
    this.#closed.abort();
    if (this.dropped > this.#said) this.#say('the route has ended');
  }

  /** Why it was not taken; undefined when it was. */
  #add(message: Message): string | undefined {
    const { limit, sink } = this.#plan;
    if (this.#isOver) return 'it is closed';
    if (this.waiting >= limit.messages) return full;
    try {
      const own = sink.outbound(message);
      if (own === 'drop') return 'its sink cannot carry them';
      if (own instanceof MqferryError) return own.message;
      const { bytes } = own;
      if (this.#bytes + bytes > limit.bytes) return full;
      this.waiting++;
      this.#bytes += bytes;
      this.#box.put(own, new Ticket({ messages: [own], ack() {} }, bytes, 0, (done) => this.#confirmed(done)));
      this.#box.ring();
      return undefined;
    } catch (error) {
      return describeError(error);
    }
  }

  #confirmed(ticket: Ticket): void {
    if (this.#isOver) return;
    this.copied++;
    this.#release(ticket);
  }

  #refused(ticket: Ticket, error: MqferryError): void {
    if (this.#isOver) return;
    this.#release(ticket);
    this.#drop(describeError(error));
  }

  #release({ bytes }: Ticket): void {
    this.waiting--;
    this.#bytes -= bytes;
    this.#bell.ring();
  }

  /** What has not been confirmed will not be. */
  #end(): void {
    this.#isOver = true;
    this.dropped += this.waiting;
    this.waiting = 0;
  }

  #giveUp(error: unknown): void {
    this.#end();
    const { log } = this.#o.route;
    log.error({ end: this.status.end }, `${this.status.end} is off until the route starts again: ${describeError(error)}`);
  }

  /** Says the first drop at once, then how many there were, at most every 30 s. */
  #drop(why: string): void {
    this.dropped++;
    if (this.#isQuiet) return;
    this.#say(why);
    this.#isQuiet = true;
    void this.#o.clock.sleep(sayEveryMs, this.#closed.signal).then(() => {
      this.#isQuiet = false;
      if (!this.#closed.signal.aborted && this.dropped > this.#said) this.#say('as before');
    });
  }

  #say(why: string): void {
    const count = this.dropped - this.#said;
    this.#said = this.dropped;
    const text = `${this.status.end}: ${count} ${count === 1 ? 'copy' : 'copies'} dropped (${why}); the route goes on`;
    this.#o.route.log.warn({ end: this.status.end, dropped: this.dropped }, text);
  }
}

interface TapOptions {
  readonly clock: Clock;
  readonly route: Pick<RoutePlan, 'retry' | 'log'>;
}
