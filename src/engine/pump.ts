import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.ts';
import type { Batch, Log, Room, Source } from '../connector.ts';
import { describeError, MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import type { Aside } from '../steps/step.ts';
import { Bell } from './bell.ts';
import { type Books, emptyBooks } from './books.ts';
import { type Order, Outbox, type Retry } from './outbox.ts';
import type { Failure, PumpPlan, Share, SinkPlan, WaitingShare } from './plan.ts';
import { type LinkStatus, newStatus, supervise } from './supervise.ts';
import { Ticket } from './ticket.ts';
import { type Effects, passWhole } from './waiting.ts';
import { Window } from './window.ts';

export interface PumpOptions {
  readonly plan: PumpPlan;
  readonly order: Order | undefined;
  readonly window: Room;
  /** Of the links. */
  readonly backoff: Retry['backoff'];
  readonly clock: Clock;
  readonly log: Log;
  /** How often a message that failed like this is tried. */
  retryOf(failure: Failure): Retry;
  /** What becomes of a message that failed for good: its part of the ticket is the callee's to end. */
  giveUp(ticket: Ticket, failure: Failure): void;
  /** A copy for the sink of a step that has one. */
  tap(message: Message, step?: object): void;
  /** No new link can mend it: the route stops. */
  failed(error: unknown): void;
}

/**
 * Moves messages from one source to its sinks: read, steps, write, ack.
 *
 *     room  = window          messages and bytes not yet ended
 *     batch = source.read     what is waiting: at most the room, at least one message
 *     parts = plan.share      steps: messages per sink; failures set aside. While a step waits nothing more is read
 *     outbox.put              all that a sink has not confirmed; outlives its links
 *     batch.ack               when all parts have ended; in read order where the source settles in order
 */
export class Pump {
  readonly books: Books = emptyBooks();
  readonly status: LinkStatus;
  readonly outboxes: readonly Outbox[];
  readonly window: Window;
  /** The source is open and has nothing more for us, or is at its end, and nothing is on its way. */
  get isIdle(): boolean {
    const isDry = this.#waitsAt !== undefined && this.#waitsAt.isCaughtUp !== false;
    return (isDry || this.isFinished) && this.#open.size === 0;
  }
  /** A finite source has given its last message. */
  isFinished = false;
  readonly #o: PumpOptions;
  readonly #bell = new Bell();
  readonly #stop = new AbortController();
  /** Tickets that are not done, in read order; where the source settles in order, also those that wait for an earlier one. */
  readonly #open = new Set<Ticket>();
  readonly #runs: Promise<void>[] = [];
  /** The source in whose read() it waits. */
  #waitsAt: Source | undefined;
  /** Nothing that still waits in a step is heard any more. */
  readonly #closing = new AbortController();
  #isClosed = false;

  constructor(options: PumpOptions) {
    const { plan, clock } = options;
    this.#o = options;
    this.window = new Window(options.window);
    this.status = newStatus(`${plan.name} source`, clock);
    setMaxListeners(0, this.#closing.signal); // as many as a step waits for at once
    this.outboxes = plan.sinks.map((sink) => this.#outbox(sink));
  }

  /** Monotonic ms at which the oldest delivery that has not ended was read. */
  get oldestReadAt(): number | undefined {
    for (const ticket of this.#open) return ticket.readAt;
    return undefined;
  }

  /** Others fetch what one of its sinks has. */
  get isPulled(): boolean {
    return this.#o.plan.sinks.some(({ end }) => end.can.pulled);
  }

  /** What is on its way has gone to all sinks but those from which others fetch it. */
  get waitsToBePulled(): boolean {
    return this.#o.plan.sinks.every(({ end }, i) => end.can.pulled || this.outboxes[i]?.size === 0);
  }

  start(): void {
    for (const box of this.outboxes) this.#runs.push(box.run());
    this.#runs.push(this.#run());
  }

  /** Stops reading, and waits until what is in flight has ended or `late` says so (ring() makes it look). The links stay open. */
  async drain(late: () => boolean): Promise<void> {
    this.#stop.abort();
    this.#bell.ring();
    await this.#bell.until(() => this.#open.size === 0 || late());
  }

  ring(): void {
    this.#bell.ring();
  }

  /** Closes the source, then the sinks. What has not been settled is counted as returned: it comes again. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#closing.abort();
    this.#bell.ring();
    await this.#runs.at(-1);
    this.#isClosed = true;
    for (const box of this.outboxes) box.stop();
    await Promise.all(this.#runs);
    this.books.returned += this.books.inFlight;
    this.books.inFlight = 0;
    this.#open.clear();
  }

  #outbox(sink: SinkPlan): Outbox {
    const { order, window, backoff, clock, log, failed } = this.#o;
    return new Outbox({
      name: sink.name,
      end: sink.around?.(sink.end) ?? sink.end,
      order,
      window,
      backoff,
      clock,
      log,
      retryOf: (message, error, attempts) => this.#o.retryOf(this.#failure(message.received, error, attempts)),
      changed: this.#bell,
      countsHangUps: true,
      breaker: sink.breaker,
      failed,
      setAside: (ticket, message, error, attempts) => this.#o.giveUp(ticket, this.#failure(message.received, error, attempts)),
    });
  }

  /** Supervises the source: it is opened only while all sinks are open, so that an outage costs one redelivery and not one per ack time-out. */
  async #run(): Promise<void> {
    const { plan, backoff, clock, log } = this.#o;
    const { signal } = this.#stop;
    await supervise<Source>({
      status: this.status,
      before: () => this.#bell.until(() => signal.aborted || this.outboxes.every((box) => box.isOpen)),
      open: (abort) => plan.source.open(abort),
      serve: (source, progress) => this.#serve(source, progress),
      backoff,
      clock,
      log,
      signal,
    }).catch((error: unknown) => this.#o.failed(error));
  }

  async #serve(source: Source, progress: () => void): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await this.#bell.until(() => signal.aborted || !this.window.isFull);
      if (signal.aborted) break;
      const batch = await this.#read(source);
      if (batch === null) break;
      progress();
      const waiting = this.#send(batch);
      if (waiting) await waiting;
    }
    // The link stays open while what was read is on its way, so that its acks can go out.
    this.isFinished = !signal.aborted;
    await this.#bell.until(() => this.#open.size === 0 || this.#closing.signal.aborted);
  }

  async #read(source: Source): Promise<Batch | null> {
    this.#waitsAt = source;
    try {
      return await source.read(this.window.room(), this.#stop.signal);
    } finally {
      this.#waitsAt = undefined;
    }
  }

  /** A promise only where steps wait. Meanwhile nothing is read: order is kept, and what comes makes the next batch a large one. */
  #send(batch: Batch): Promise<void> | undefined {
    const { plan, clock } = this.#o;
    const { messages } = batch;
    let bytes = 0;
    for (const message of messages) bytes += message.bytes;
    const ticket = new Ticket(batch, bytes, clock.now(), (done) => this.#ended(done));
    this.books.read += messages.length;
    this.books.inFlight += messages.length;
    this.window.take(messages.length, bytes);
    this.#open.add(ticket);
    if (!plan.isStraight) ticket.routed = new Set();
    const inbound = this.#inbound(ticket, messages);
    if (typeof plan.share !== 'function') return this.#wait(ticket, inbound, plan.share);
    const parts = this.#share(ticket, inbound, plan.share);
    for (let i = 0; i < parts.length; i++) this.#post(ticket, parts[i] as readonly Message[], i);
    ticket.end(); // a batch of which nothing is left ends here
    return undefined;
  }

  #share(ticket: Ticket, inbound: readonly Message[], share: Share): readonly (readonly Message[])[] {
    try {
      return share(inbound, this.#aside(ticket));
    } catch (error) {
      this.#brokeOff(ticket, inbound, error);
      return [];
    }
  }

  #wait(ticket: Ticket, inbound: readonly Message[], share: WaitingShare): Promise<void> {
    const effects: Effects = {
      aside: this.#aside(ticket),
      hand: (part, sink) => this.#post(ticket, part, sink),
      brokeOff: (error) => this.#brokeOff(ticket, inbound, error),
      ended: () => ticket.end(),
    };
    return passWhole(share, inbound, effects, this.#bell, this.#closing.signal);
  }

  #aside(ticket: Ticket): Aside {
    return {
      fail: (message, error, step) => this.#fail(ticket, message.received, error, step),
      drop: (message) => void ticket.mark(message.received, 'dropped'),
      tap: this.#o.tap,
    };
  }

  /** A step must not throw out of the chain. It is our bug, but the messages are not ours to lose: all have failed, also what is handed on already. */
  #brokeOff(ticket: Ticket, inbound: readonly Message[], error: unknown): void {
    const bug = new MqferryError('STEP_FAILED', `a step broke off: ${describeError(error)}`, { cause: error });
    for (const message of inbound) this.#fail(ticket, message.received, bug);
  }

  /** The batch itself when nothing in it was changed or could not be decoded. */
  #inbound(ticket: Ticket, messages: readonly Message[]): readonly Message[] {
    const { inbound } = this.#o.plan;
    let changed: Message[] | undefined;
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i] as Message;
      const own = inbound(message);
      if (own === message && own.fault === undefined) {
        changed?.push(own);
        continue;
      }
      changed ??= messages.slice(0, i);
      if (own.fault === undefined) changed.push(own);
      else this.#fail(ticket, message, asFailure(own.fault));
    }
    return changed ?? messages;
  }

  #fail(ticket: Ticket, received: Message, error: MqferryError, step?: object): void {
    ticket.begin(1);
    this.#o.giveUp(ticket, this.#failure(received, error, 1, step));
  }

  #failure(received: Message, error: MqferryError, attempts: number, step?: object): Failure {
    const { plan } = this.#o;
    return { received, entered: plan.inbound(received).asReceived(), at: plan.enteredAt?.(received), error, attempts, step };
  }

  #post(ticket: Ticket, part: readonly Message[], sink: number): void {
    const { outbound } = this.#o.plan.sinks[sink] as SinkPlan;
    const box = this.outboxes[sink] as Outbox;
    for (const message of part) {
      const own = outbound(message);
      if (own === 'drop') ticket.mark(message.received, 'dropped');
      else if (own instanceof MqferryError) this.#fail(ticket, message.received, own);
      else {
        if (ticket.routed !== 'all') ticket.routed.add(message.received);
        ticket.begin(1);
        box.put(own, ticket);
      }
    }
    box.ring();
  }

  #ended(ticket: Ticket): void {
    if (this.#isClosed) return;
    ticket.enter(this.books);
    if (this.#o.plan.source.can.settles === 'each') this.#settle(ticket);
    else
      for (const first of this.#open) {
        if (!first.isDone) break;
        this.#settle(first);
      }
    this.#bell.ring();
  }

  #settle(ticket: Ticket): void {
    this.#open.delete(ticket);
    this.window.release(ticket.batch.messages.length, ticket.bytes);
    ticket.batch.ack();
  }
}

/** A stage says itself what has failed; a connector only that it could not decode the message. */
function asFailure(fault: Error): MqferryError {
  return fault instanceof MqferryError ? fault : new MqferryError('DECODE_FAILED', describeError(fault), { cause: fault });
}
