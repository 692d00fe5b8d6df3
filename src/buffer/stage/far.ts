import type { Batch, Room, Source } from '../../connector.ts';
import { notConnected } from '../../errors.ts';
import type { Message } from '../../message.ts';
import type { Release } from './keeper.ts';
import type { Ready, Stage } from './stage.ts';

/** Where messages leave, when the keeper says so, and what it decides is on disk. */
export class FarSource implements Source {
  readonly #stage: Stage;
  /** Handed out and not acked, in order. */
  #out: (readonly Ready[])[] = [];
  /** Claimed to be handed out: no other reader sees it. */
  #taken: readonly Ready[] = [];
  #isClosed = false;
  readonly #onClose: () => void;

  constructor(stage: Stage, onClose: () => void) {
    this.#stage = stage;
    this.#onClose = onClose;
  }

  /** Whether nothing is ready by now; the books say that something waits for its time. */
  get isCaughtUp(): boolean {
    return this.#stage.ready.length === 0;
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    const { store, keeper } = this.#stage;
    for (;;) {
      this.#check();
      if (signal.aborted) return null;
      if (!store.savesLag) {
        await this.#decide(room.messages);
        this.#check();
        const batch = await this.#batch(room);
        if (batch) return batch;
        if (this.#stage.ready.length > 0) continue;
      }
      // While too little of what is done is on disk, nothing leaves, whatever is due.
      await this.#stage.rest(store.savesLag ? undefined : keeper.waitMs(this.#stage.time), signal);
    }
  }

  /** What was handed out and not acked is the first to leave again. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#giveBack(this.#out.flat());
    this.#out = [];
    this.#onClose();
    this.#stage.store.tell();
    await this.#stage.store.save();
  }

  #check(): void {
    const { store } = this.#stage;
    if (this.#isClosed) throw notConnected('this end of the stage is closed');
    if (store.failed) throw store.failed;
    if (store.isClosed) throw notConnected('the stage is closed');
  }

  /** Asks the keeper for what is due, and remembers its decisions before anything of them leaves. */
  async #decide(most: number): Promise<void> {
    const { keeper, ready, store } = this.#stage;
    const due: Release[] = [];
    while (ready.length + due.length < most) {
      const release = keeper.take(this.#stage.time);
      if (!release) break;
      due.push(release);
    }
    if (due.length === 0) return;
    const ids = keeper.decides ? await store.decide(due) : due.map(({ members }) => members[0] as number);
    for (const [i, release] of due.entries()) ready.push({ id: ids[i] as number, release, wasOut: false });
  }

  /** Undefined when nothing of what is ready leaves. */
  async #batch(room: Room): Promise<Batch | undefined> {
    const { ready, store } = this.#stage;
    const messages: Message[] = [];
    const out: Ready[] = [];
    const gone: Ready[] = [];
    let bytes = 0;
    this.#taken = ready.splice(0, room.messages);
    try {
      for (const one of this.#taken) {
        if (messages.length > 0 && bytes >= room.bytes) break;
        const { members } = one.release;
        const message = this.#made(store.recent(members) ?? (await store.load(members)), one);
        (message === null ? gone : out).push(one);
        if (message === null) continue;
        bytes += message.bytes;
        messages.push(message);
      }
      this.#check();
      this.#taken = this.#taken.slice(out.length + gone.length);
    } finally {
      this.#giveBack([]);
    }
    for (const one of gone) this.#stage.goes(one);
    if (messages.length === 0) return undefined;
    for (const one of out) this.#stage.leaves(one);
    this.#out.push(out);
    return { messages, ack: () => this.#ack(out) };
  }

  /** They leave first, and what was claimed behind them. Once: a read that breaks off, or ends after the close, finds nothing claimed. */
  #giveBack(out: readonly Ready[]): void {
    this.#stage.ready.unshift(...out, ...this.#taken);
    this.#taken = [];
  }

  /** One that cannot be made goes the way of what cannot be decoded, with all that it was to be made of. */
  #made(members: readonly Message[], { id, release }: Ready): Message | null {
    const { keeper } = this.#stage;
    try {
      const message = keeper.make(members, release.why);
      if (message === null || !keeper.decides) return message;
      return message.asStored({ ...message.origin, bufferId: this.#stage.id, bufferSequence: id });
    } catch (error) {
      return keeper.failed(members, error as Error).asStored({ bufferId: this.#stage.id, bufferSequence: id });
    }
  }

  #ack(out: readonly Ready[]): void {
    if (this.#isClosed) return;
    this.#out = this.#out.filter((one) => one !== out);
    this.#stage.done(out);
  }
}
