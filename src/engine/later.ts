/**
 * Messages that are tried again much later: they are kept on disk beyond their ack, and come back into the pump that they failed in, beside what its source
 * gives. The message is kept as this pump received it.
 */
import type { Batch, Room, Source } from '../connector.ts';
import { Either } from '../either.ts';
import type { Message, Origin } from '../message.ts';
import type { LaterPlan, PumpPlan } from './plan.ts';

/** How often a message was kept for later, as its pump received it. */
const times = new WeakMap<Message, number>();

export function timesKept(received: Message): number {
  return times.get(received) ?? 0;
}

/** The message as it is kept. A store has its own word on where it stands, so that of the store before is put aside. */
export function forLater(received: Message, waitMs: number): Message {
  const { bufferId = null, bufferSequence = null, ...origin } = received.origin;
  const held: Origin = { heldTimes: timesKept(received) + 1, heldMs: waitMs, heldId: bufferId, heldSequence: bufferSequence };
  return received.asStored({ ...origin, ...held });
}

/** How long a message that is kept waits. */
export function waitOf({ origin }: Message): number {
  return Number(origin['heldMs']);
}

function asBefore(message: Message): Message {
  const { heldTimes, heldMs: _, heldId, heldSequence, bufferId: __, bufferSequence: ___, ...origin } = message.origin;
  const inStore: Origin = heldId === null || heldId === undefined ? {} : { bufferId: heldId, bufferSequence: heldSequence ?? null };
  const restored = message.asStored({ ...origin, ...inStore });
  times.set(restored, Number(heldTimes));
  return restored;
}

/** What waits beside one pump, in one life of its route. */
export class Later {
  /** The pump, with what comes back among what its source gives. */
  readonly pump: PumpPlan;
  /** The source has given its last message. What comes back may still come. */
  hasEnded = false;
  /** Messages that have come back; those that came back twice, as they were not acked, once. */
  taken = 0;
  /** That it held at the start. */
  readonly recovered: number;
  /** Places in the store of those that have come back and are not acked. */
  readonly #out = new Set<unknown>();

  constructor(pump: PumpPlan, later: LaterPlan) {
    this.recovered = later.stats().messages;
    const { source } = pump;
    const open = async (signal: AbortSignal): Promise<Source> => {
      const first = await source.open(signal);
      try {
        const ended = () => void (this.hasEnded = true);
        return new BothSources(first, await later.far.open(signal), { take: (batch, isVoid) => this.#take(batch, isVoid), ended });
      } catch (error) {
        await first.close();
        throw error;
      }
    };
    this.pump = { ...pump, source: { can: source.can, open } };
  }

  /** `isVoid`: of an ack, once the link is closed: they come back again. */
  #take({ messages, ack }: Batch, isVoid: () => boolean): Batch {
    const places = messages.map(({ origin }) => origin['bufferSequence']);
    for (const place of places) {
      if (!this.#out.has(place)) this.taken++;
      this.#out.add(place);
    }
    const acked = () => {
      if (isVoid()) return;
      for (const place of places) this.#out.delete(place);
      ack();
    };
    return { messages: messages.map(asBefore), ack: acked };
  }
}

/** One message alone: the room is that of the source, beside which it comes. */
const oneMessage: Room = { messages: 1, bytes: 1 };

interface Heard {
  take(batch: Batch, isVoid: () => boolean): Batch;
  ended(): void;
}

/** What one gives, and in between, one by one, what comes back from the other. */
class BothSources implements Source {
  readonly #first: Source;
  readonly #later: Source;
  readonly #heard: Heard;
  readonly #closed = new AbortController();
  /** Rung when something has come back. */
  #back = new AbortController();
  #waiting: Promise<void> | undefined;
  #held: Batch | undefined;
  #error: unknown;
  #hasEnded = false;

  constructor(first: Source, later: Source, heard: Heard) {
    this.#first = first;
    this.#later = later;
    this.#heard = heard;
  }

  get isCaughtUp(): boolean {
    return this.#first.isCaughtUp !== false;
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    for (;;) {
      this.#listen();
      if (this.#error !== undefined) throw this.#error;
      if (this.#held) return this.#takeHeld();
      const batch = await this.#readFirst(room, signal);
      if (batch) return batch;
      if (signal.aborted) return null;
      if (this.#back.signal.aborted) continue;
      this.#hasEnded = true;
      this.#heard.ended();
    }
  }

  /** Until something comes back, too. */
  async #readFirst(room: Room, signal: AbortSignal): Promise<Batch | null> {
    const stop = new Either(signal, this.#back.signal);
    try {
      return this.#hasEnded ? await aborted(stop.signal) : await this.#first.read(room, stop.signal);
    } finally {
      stop.drop();
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([this.#first.close(), this.#later.close()]);
    await this.#waiting;
  }

  #listen(): void {
    if (this.#waiting || this.#held || this.#closed.signal.aborted) return;
    this.#back = new AbortController();
    const { signal } = this.#closed;
    const settle = (batch: Batch | null) => void (this.#held = batch ?? undefined);
    const fail = (error: unknown) => void (this.#error = error);
    this.#waiting = this.#later
      .read(oneMessage, signal)
      .then(settle, fail)
      .then(() => {
        this.#waiting = undefined;
        this.#back.abort();
      });
  }

  #takeHeld(): Batch {
    const held = this.#held as Batch;
    this.#held = undefined;
    return this.#heard.take(held, () => this.#closed.signal.aborted);
  }
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true });
    if (signal.aborted) resolve(null);
  });
}
