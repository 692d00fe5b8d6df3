import type { Clock } from '../clock.ts';
import { describeError, MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { Bell } from './bell.ts';
import { balanced, type RouteBooks, routeBooks } from './books.ts';
import { deadLetter } from './dead-letter.ts';
import { identify } from './identity.ts';
import { forLater, Later, timesKept } from './later.ts';
import { Outbox, type Retry } from './outbox.ts';
import type { Failure, LaterPlan, Remedy, RoutePlan, SinkPlan } from './plan.ts';
import { Pump } from './pump.ts';
import { Quarantine } from './quarantine.ts';
import type { LinkStatus } from './supervise.ts';
import { Tap } from './tap.ts';
import type { Ticket } from './ticket.ts';
import { Turns } from './turns.ts';

/**
 * - `running`: reads and writes, or tries to.
 * - `draining`: reads nothing more; what is in flight may still end. Leads to `stopped`.
 * - `stopped`: asked to. Everything is closed.
 * - `failed`: stopped by itself: a message that may not be lost could not be placed, the buffer failed, the source has a gap, or the sink is
 *   gone for good.
 *   It reads nothing and acks nothing; `reason` says why. A new run starts it again.
 */
export type RouteState = 'running' | 'draining' | 'stopped' | 'failed';

/** What a plan has opened. */
export function keptOf({ pumps, stores = [], memories = [] }: RoutePlan): readonly { close(): Promise<void> }[] {
  return [...stores, ...pumps.flatMap(({ later }) => later ?? []), ...memories];
}

function laterSink({ name, near }: LaterPlan): SinkPlan {
  return { name: `store ${name}`, end: near, outbound: (message) => message };
}

/** For the acks of what was fetched a moment ago. */
const pulledDrainMs = 1000;

const noRetry: Retry = { attempts: 1, backoff: { fromMs: 0, toMs: 0 } };

/** One life of a route, from start to stop. */
export class RouteRun {
  readonly plan: RoutePlan;
  state: RouteState = 'running';
  /** Why it failed: the reason and the message's id. */
  reason: string | undefined;
  readonly pumps: readonly Pump[];
  /** Absent: a message that ends the process is not looked for. */
  readonly quarantine: Quarantine | undefined;
  /** By the step that hands them their copies. */
  readonly taps: ReadonlyMap<object | undefined, Tap>;
  readonly #dead: ReadonlyMap<SinkPlan, Outbox>;
  /** By pump: where what is to be tried again later waits, and what puts it there. */
  readonly #laters: readonly ({ readonly later: Later; readonly outbox: Outbox } | undefined)[];
  readonly #clock: Clock;
  /** What each store held at the start. */
  readonly #recovered: readonly number[];
  readonly #drained = new AbortController();
  readonly #hurry = new AbortController();
  #isLate = false;
  #stopping: Promise<boolean> | undefined;
  #asideRuns: readonly Promise<void>[] = [];
  #closing: Promise<void> | undefined;
  readonly #onEnd: (run: RouteRun) => void;

  /**
   * `onEnd` is called once, when the route is stopped or has failed and everything is closed. `turns`: the same for all routes of a process.
   */
  constructor(plan: RoutePlan, clock: Clock, onEnd: (run: RouteRun) => void = () => {}, turns = new Turns()) {
    this.plan = plan;
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#recovered = (plan.stores ?? []).map((store) => store.stats().messages);
    this.#dead = new Map(plan.deadLetters.map((sink) => [sink, this.#aside(sink, 'dead-letter destination')]));
    this.quarantine = plan.quarantine && new Quarantine(plan, plan.quarantine, clock, turns);
    this.taps = new Map((plan.taps ?? []).map((tap) => [tap.step, new Tap(tap, { clock, route: plan })]));
    this.#laters = plan.pumps.map(
      (pump) =>
        pump.later && {
          later: new Later(pump, pump.later),
          outbox: this.#aside(laterSink(pump.later), 'place for later tries'),
        },
    );
    const entered = plan.pumps.map((pump, i) => this.#laters[i]?.later.pump ?? pump);
    this.pumps = entered.map(
      (pump, i) =>
        new Pump({
          plan: this.quarantine?.around(pump) ?? pump,
          order: plan.order,
          window: plan.window,
          backoff: plan.retry.backoff,
          clock,
          log: plan.log,
          retryOf: (failure) => this.#remedy(failure)?.retry ?? noRetry,
          giveUp: (ticket, failure) => this.#giveUp(ticket, failure, this.#laters[i]?.outbox),
          tap: (message, step) => this.taps.get(step)?.put(message),
          failed: (error) => this.#fail(describeError(error)),
        }),
    );
  }

  get name(): string {
    return this.plan.name;
  }

  get books(): RouteBooks {
    const stores = (this.plan.stores ?? []).map(({ books: stage }, i) => ({ recovered: this.#recovered[i] as number, stage }));
    return routeBooks(
      this.pumps.map((pump) => pump.books),
      stores,
      this.#laters.map((one) => one?.later),
    );
  }

  get isBalanced(): boolean {
    return balanced(this.books);
  }

  /** Those that the route needs: not the links of its taps, as nothing waits for them. */
  get links(): readonly LinkStatus[] {
    const links = this.pumps.flatMap((pump) => [pump.status, ...pump.outboxes.map((box) => box.status)]);
    return [...links, ...[...this.#asides].map((box) => box.status)];
  }

  get outboxes(): readonly Outbox[] {
    return [...this.pumps.flatMap((pump) => pump.outboxes), ...this.#asides];
  }

  get #asides(): readonly Outbox[] {
    return [...this.#dead.values(), ...this.#laters.flatMap((one) => one?.outbox ?? [])];
  }

  /** Every source open and waiting (or at its end), nothing on its way, the buffer and the stages empty. A link that is down is not idle. */
  get isIdle(): boolean {
    return this.state === 'running' && this.pumps.every((pump) => pump.isIdle) && this.books.buffered === 0;
  }

  /** Every finite source has ended and everything is delivered. */
  get isFinished(): boolean {
    const hasEnded = this.pumps[0]?.isFinished || this.#laters[0]?.later.hasEnded;
    return this.isIdle && hasEnded === true;
  }

  start(): void {
    for (const tap of this.taps.values()) tap.start();
    this.#asideRuns = this.#asides.map((box) => box.run());
    for (const pump of this.pumps) pump.start();
  }

  /**
   * Stops reading, lets what is in flight end for at most `deadlineMs`, acks, closes sources, then sinks.
   * Resolves with false when the deadline was hit: what was left comes again.
   */
  async stop(deadlineMs: number, now?: AbortSignal): Promise<boolean> {
    if (this.state === 'stopped' || this.state === 'failed') {
      await this.#closing;
      return true;
    }
    const late = () => {
      this.#isLate = true;
      this.#hurry.abort();
      for (const pump of this.pumps) pump.ring();
    };
    // Of several who ask, the most impatient has it.
    void this.#clock.sleep(deadlineMs, this.#drained.signal).then(() => this.#drained.signal.aborted || late());
    now?.addEventListener('abort', late);
    if (now?.aborted) late();
    this.#stopping ??= this.#drainAndClose();
    const isDrained = await this.#stopping;
    now?.removeEventListener('abort', late);
    return isDrained;
  }

  async #drainAndClose(): Promise<boolean> {
    this.state = 'draining';
    for (const pump of this.pumps) await this.#drain(pump);
    this.#drained.abort();
    await this.#close('stopped');
    return !this.#isLate;
  }

  async #drain(pump: Pump): Promise<void> {
    let isPatient = true;
    const isOver = () => this.#isLate || (this.state as RouteState) === 'failed' || (!isPatient && pump.waitsToBePulled);
    const drained = new AbortController();
    const look = async () => {
      while (!drained.signal.aborted) {
        await this.#clock.sleep(pulledDrainMs, drained.signal);
        isPatient = false;
        pump.ring();
      }
    };
    if (pump.isPulled) void look();
    await pump.drain(isOver);
    drained.abort();
  }

  #close(state: 'stopped' | 'failed'): Promise<void> {
    this.#closing ??= this.#closeAll().then(() => {
      this.state = this.state === 'failed' ? 'failed' : state;
      this.#onEnd(this);
    });
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const tapsClosed = Promise.all([...this.taps.values()].map((tap) => tap.close(this.#hurry.signal)));
    for (const pump of this.pumps) await pump.close();
    for (const box of this.#asides) box.stop();
    await Promise.all(this.#asideRuns);
    await tapsClosed;
    await this.quarantine?.close();
    for (const kept of keptOf(this.plan)) await kept.close();
  }

  #fail(reason: string): void {
    if (this.state === 'failed' || this.state === 'stopped') return;
    this.state = 'failed';
    this.reason = reason;
    this.plan.log.error({ route: this.name }, `route ${this.name} has stopped: ${reason}`);
    for (const pump of this.pumps) pump.ring();
    void this.#close('failed');
  }

  #giveUp(ticket: Ticket, failure: Failure, later: Outbox | undefined): void {
    if (this.state === 'failed') return;
    const { received, error } = failure;
    const remedy = this.#remedy(failure);
    if (remedy === undefined) return;
    const { way } = remedy;
    const waitMs = remedy.later?.[timesKept(received)];
    if (later && waitMs !== undefined && received.fault === undefined) this.#postpone(ticket, received, waitMs, later);
    else if (way === 'drop') {
      ticket.mark(received, 'dropped');
      ticket.end();
    } else if (way === 'stop')
      this.#fail(`message ${identify(received)} failed (${error.code}: ${describeError(error)}) and onError has no dead letter for it`);
    else this.#bury(ticket, failure, way);
  }

  /** Undefined when the config cannot say it: the route has failed, as no message is dropped by an error in a condition. */
  #remedy(failure: Failure): Remedy | undefined {
    try {
      return this.plan.remedy(failure);
    } catch (thrown) {
      const { received, error } = failure;
      const what = `message ${identify(received)} failed (${error.code}: ${describeError(error)})`;
      this.#fail(`${what} and onError cannot say what becomes of it: ${describeError(thrown)}`);
      return undefined;
    }
  }

  #postpone(ticket: Ticket, received: Message, waitMs: number, later: Outbox): void {
    if (!ticket.mark(received, 'postponed')) {
      ticket.end(); // another part of it has failed before: all of it is kept already
      return;
    }
    later.put(forLater(received, waitMs), ticket);
    later.ring();
  }

  #bury(ticket: Ticket, { received, entered, at, error, attempts }: Failure, sink: SinkPlan): void {
    if (!ticket.mark(received, 'deadLettered')) {
      ticket.end(); // two sinks refused it: one dead letter
      return;
    }
    const letter = deadLetter(entered, { route: this.name, at, error, attempts }, new Date(this.#clock.date()));
    this.plan.attachError?.(letter, error, attempts);
    const own = sink.outbound(letter);
    if (own instanceof MqferryError || own === 'drop') {
      const why = own === 'drop' ? 'it would drop it' : describeError(own);
      this.#fail(`the dead-letter destination cannot carry message ${identify(received)}: ${why}`);
      return;
    }
    const box = this.#dead.get(sink) as Outbox;
    box.put(own, ticket);
    box.ring();
  }

  /** Of a sink that takes what did not go on. What it refuses has no place left: the route stops. */
  #aside(plan: SinkPlan, what: string): Outbox {
    const { window, retry, log } = this.plan;
    return new Outbox({
      name: plan.name,
      end: plan.end,
      order: 'none',
      window,
      backoff: retry.backoff,
      clock: this.#clock,
      log,
      retryOf: () => retry,
      changed: new Bell(), // nobody waits for it
      countsHangUps: false,
      breaker: plan.breaker,
      failed: (error) => this.#fail(describeError(error)),
      setAside: (_ticket, message, error) =>
        this.#fail(`the ${what} refused message ${identify(message)} (${error.code}: ${describeError(error)})`),
    });
  }
}
