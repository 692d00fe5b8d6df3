import type { Room, SinkEnd, SourceEnd } from '../../../src/connector.ts';
import { Bell } from '../../../src/engine/bell.ts';
import type { Message } from '../../../src/message.ts';
import { sinkCan } from './sink-broker.ts';
import { copyOf } from './source-broker.ts';
import type { Process, Random } from './world.ts';

/** The buffer as the engine sees it: the near end confirms after a sync, the far end reads from a stored cursor. Survives processes. */
export class LogModel {
  readonly durable: Message[] = [];
  cursor = 0;
  readonly violations: string[] = [];
  readonly #random: Random;
  readonly #messagesMax: number;
  readonly #ended: (message: Message) => boolean;

  constructor(random: Random, messagesMax: number, ended: (message: Message) => boolean) {
    this.#random = random;
    this.#messagesMax = messagesMax;
    this.#ended = ended;
  }

  /** The two ends as one life of mqferry has them; `stats` counts what is not acked. */
  ends(process: Process): { near: SinkEnd; far: SourceEnd; stats: () => { messages: number; bytes: number; limitBytes: number } } {
    let writing = Promise.resolve();
    let given = this.cursor;
    const bell = new Bell();
    const append = async (messages: readonly Message[]) => {
      for (let from = 0; from < messages.length; ) {
        await bell.until(() => this.durable.length - this.cursor < this.#messagesMax);
        const part = messages.slice(from, from + this.#messagesMax);
        await process.sleep(this.#random.int(1, 15));
        this.durable.push(...part.map(copyOf));
        from += part.length;
        bell.ring();
      }
    };
    const write = async (messages: readonly Message[]) => {
      writing = writing.then(() => append(messages));
      await writing;
      return [];
    };
    const read = async (room: Room, signal: AbortSignal) => {
      const wake = () => bell.ring();
      signal.addEventListener('abort', wake, { once: true });
      await bell.until(() => signal.aborted || given < this.durable.length);
      signal.removeEventListener('abort', wake);
      if (signal.aborted) return null;
      const messages = this.durable.slice(given, given + Math.max(1, Math.min(room.messages, this.#random.int(1, 20))));
      given += messages.length;
      const end = given;
      return { messages: messages.map(copyOf), ack: () => this.#ack(process, messages, end, bell) };
    };
    const far: SourceEnd = {
      can: { settles: 'inOrder', redelivers: 'inOrder', stableIds: [], carries: sinkCan(true).carries },
      open: async () => {
        given = this.cursor;
        return { read, close: async () => {} };
      },
    };
    return {
      near: { can: sinkCan(true), open: async () => ({ write, close: async () => {} }) },
      far,
      stats: () => ({ messages: this.durable.length - this.cursor, bytes: 0, limitBytes: 0 }),
    };
  }

  #ack(process: Process, messages: readonly Message[], end: number, bell: Bell): void {
    for (const message of messages) if (!this.#ended(message)) this.violations.push(`early settle: the cursor passed ${message.id}`);
    void process.sleep(this.#random.int(0, 30)).then(() => {
      this.cursor = Math.max(this.cursor, end);
      bell.ring();
    });
  }
}
