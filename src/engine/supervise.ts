import { type Clock, pause } from '../clock.ts';
import type { Log } from '../connector.ts';
import { describeError, type ErrorCode, MqferryError } from '../errors.ts';
import type { Breaker } from './breaker.ts';

/** Where the link of one end stands. */
export interface LinkStatus {
  readonly end: string;
  state: 'opening' | 'open' | 'down' | 'closed';
  /** Monotonic ms of the last change of state. */
  since: number;
  everOpened: boolean;
  /** Times it was lost or could not be opened. */
  failures: number;
  error: string | undefined;
  /** Of a sink that has one. */
  readonly breaker: Pick<Breaker, 'state' | 'openings'> | undefined;
}

export interface Supervised<L extends { close(): Promise<void> }> {
  readonly status: LinkStatus;
  open(signal: AbortSignal): Promise<L>;
  /** Uses the link until it has nothing more to do; throws when the link is lost. `progress` starts the back-off afresh. */
  serve(link: L, progress: () => void): Promise<void>;
  /** Called before each open: what must be true first. */
  before?(): Promise<void>;
  readonly backoff: { fromMs: number; toMs: number };
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const fatal: readonly ErrorCode[] = ['BUFFER_FAILED', 'SOURCE_GAP', 'SINK_GONE', 'DATA_LOCKED', 'CONFIG_INVALID', 'QUARANTINED'];
const logEveryMs = 30_000;

/** No new link can mend it. */
export function isFatal(error: unknown): boolean {
  return error instanceof MqferryError && fatal.includes(error.code);
}

/**
 * Opens one link after the other: serve, close, back off, open again, until `serve` returns or the signal is aborted.
 * Throws only what no new link can mend (a failed buffer, a gap at the source, a sink that is gone for good).
 */
export async function supervise<L extends { close(): Promise<void> }>(s: Supervised<L>): Promise<void> {
  const { status, clock, signal } = s;
  const quiet = new Quiet(s.log, clock, status);
  for (let failures = 0; !signal.aborted; failures++) {
    await s.before?.();
    if (signal.aborted) break;
    let link: L | undefined;
    try {
      become(status, 'opening', clock);
      link = await s.open(signal);
      become(status, 'open', clock);
      quiet.opened();
      await s.serve(link, () => {
        failures = 0;
      });
      become(status, 'closed', clock);
      return;
    } catch (error) {
      if (signal.aborted) break;
      status.failures++;
      status.error = describeError(error);
      become(status, 'down', clock);
      if (isFatal(error)) throw error;
      quiet.failed(error);
    } finally {
      if (link) await closeLink(link, s.log, clock);
    }
    await clock.sleep(pause(s.backoff, failures, clock), signal);
  }
  become(status, 'closed', clock);
}

/** Links that have been closed, or given up. */
const closed = new WeakSet<object>();

/** Longer than any connector's own limit. */
const closeTimeoutMs = 30_000;

/**
 * Closes a link. A connector that throws here, or never comes to an end, has a bug, but what its link held must be written again all the
 * same: nothing that the link still says is heard.
 */
export async function closeLink(link: { close(): Promise<void> }, log: Log, clock: Clock): Promise<void> {
  if (closed.has(link)) return;
  closed.add(link);
  const over = new AbortController();
  const late = clock.sleep(closeTimeoutMs, over.signal).then(() => {
    if (!over.signal.aborted) log.error({}, `a link did not close within ${closeTimeoutMs / 1000} s; it is left alone`);
  });
  try {
    await Promise.race([link.close(), late]);
  } catch (error) {
    log.error({ err: error }, `closing a link failed: ${describeError(error)}`);
  } finally {
    over.abort();
  }
}

export function newStatus(end: string, clock: Clock, breaker?: LinkStatus['breaker']): LinkStatus {
  return { end, state: 'closed', since: clock.now(), everOpened: false, failures: 0, error: undefined, breaker };
}

function become(status: LinkStatus, state: LinkStatus['state'], clock: Clock): void {
  status.state = state;
  status.since = clock.now();
  if (state === 'open') {
    status.everOpened = true;
    status.error = undefined;
  }
}

/** Says the first failure of an outage, then one line each 30 s, then that it is over. */
class Quiet {
  #lastText = '';
  #lastAt = Number.NEGATIVE_INFINITY;
  #suppressed = 0;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #status: LinkStatus;

  constructor(log: Log, clock: Clock, status: LinkStatus) {
    this.#log = log;
    this.#clock = clock;
    this.#status = status;
  }

  failed(error: unknown): void {
    const code = error instanceof MqferryError ? error.code : 'INTERNAL';
    const text = describeError(error);
    const now = this.#clock.now();
    if (text === this.#lastText && now - this.#lastAt < logEveryMs) {
      this.#suppressed++;
      return;
    }
    const level = code === 'NOT_CONNECTED' || code === 'TIMEOUT' ? 'warn' : 'error';
    this.#log[level]({ end: this.#status.end, code, suppressed: this.#suppressed }, `${this.#status.end}: ${text}; trying again`);
    this.#lastText = text;
    this.#lastAt = now;
    this.#suppressed = 0;
  }

  opened(): void {
    if (this.#lastText === '') return;
    this.#lastText = '';
    this.#log.info({ end: this.#status.end }, `${this.#status.end}: connected again`);
  }
}
