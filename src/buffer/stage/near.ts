import type { Refusal, Sink } from '../../connector.ts';
import { MqferryError, notConnected } from '../../errors.ts';
import type { Message } from '../../message.ts';
import type { Stage } from './stage.ts';
import type { Arriving } from './store.ts';

/** Where messages come in: they are noted, and on disk before they are confirmed. Waits for room. */
export class NearSink implements Sink {
  readonly #stage: Stage;
  readonly #stop = new AbortController();
  /** Writes that wait for room, one behind the other. */
  #turn: Promise<unknown> | undefined;
  #pendingMessages = 0;
  #pendingBytes = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = [];
    const arriving = this.#noted(messages, refusals);
    const bytes = arriving.reduce((sum, { message }) => sum + message.bytes, 0);
    if (this.#turn || !this.#hasRoom(arriving.length, bytes)) await this.#room(arriving.length, bytes);
    if (this.#stop.signal.aborted) throw notConnected('this end of the stage is closed');
    this.#pendingMessages += arriving.length;
    this.#pendingBytes += bytes;
    try {
      for (const { item, error } of await this.#stage.store.append(arriving, this)) refusals.push({ message: item, error, retry: false });
    } finally {
      this.#pendingMessages -= arriving.length;
      this.#pendingBytes -= bytes;
    }
    return refusals;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#stage.store.cancel(this);
  }

  #noted(messages: readonly Message[], refusals: Refusal[]): Arriving[] {
    const at = this.#stage.time.stage;
    const arriving: Arriving[] = [];
    for (const message of messages) {
      try {
        arriving.push({ message, note: this.#stage.keeper.note(message), at });
      } catch (error) {
        if (!(error instanceof MqferryError)) throw error;
        refusals.push({ message, error, retry: false });
      }
    }
    return arriving;
  }

  /** A message of any size that may come fits into an empty stage. */
  #hasRoom(messages: number, bytes: number): boolean {
    if (this.#pendingMessages === 0 && this.#stage.isEmpty) return true;
    return this.#stage.hasRoom(this.#pendingMessages + messages, this.#pendingBytes + bytes);
  }

  async #room(messages: number, bytes: number): Promise<void> {
    const before = this.#turn;
    const own = (async () => {
      await before;
      while (!this.#hasRoom(messages, bytes) && !this.#stop.signal.aborted) {
        const { store } = this.#stage;
        if (store.failed) throw store.failed;
        if (store.isClosed) throw notConnected('the stage is closed');
        await store.change(this.#stop.signal);
      }
    })();
    const turn = own
      .catch(() => undefined)
      .then(() => {
        if (this.#turn === turn) this.#turn = undefined;
      });
    this.#turn = turn;
    await own;
  }
}
