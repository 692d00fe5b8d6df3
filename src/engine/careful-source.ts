import type { Batch, Room, Source } from '../connector.ts';
import type { Gate } from './gate.ts';

/** A source that hands out few messages at a time while its gate is careful, and is the one within when it is not. */
export class CarefulSource implements Source {
  readonly #source: Source;
  readonly #gate: Gate;
  #isEntering = false;

  constructor(source: Source, gate: Gate) {
    this.#source = source;
    this.#gate = gate;
  }

  get isCaughtUp(): boolean {
    return !this.#isEntering && this.#source.isCaughtUp !== false;
  }

  read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    return this.#gate.isCareful ? this.#readFew(room, signal) : this.#source.read(room, signal);
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  async #readFew(room: Room, signal: AbortSignal): Promise<Batch | null> {
    if (!(await this.#gate.hasRoom(signal))) return null;
    if (!this.#gate.isCareful) return this.#source.read(room, signal);
    const batch = await this.#source.read({ messages: Math.min(room.messages, this.#gate.room), bytes: room.bytes }, signal);
    if (batch === null) return null;
    this.#isEntering = true;
    try {
      const ended = await this.#gate.enter(batch.messages, signal);
      const ack = () => {
        batch.ack();
        ended();
      };
      return { messages: batch.messages, ack };
    } finally {
      this.#isEntering = false;
    }
  }
}
