import type { Room, SinkEnd, SourceEnd } from '../../../src/connector.ts';
import { Bell } from '../../../src/engine/bell.ts';
import { waitOf } from '../../../src/engine/later.ts';
import type { LaterPlan } from '../../../src/engine/plan.ts';
import type { Message } from '../../../src/message.ts';
import { sinkCan } from './sink-broker.ts';
import type { Process, Random } from './world.ts';

interface Kept {
  readonly message: Message;
  readonly due: number;
}

/** Where messages wait to be tried again: on a disk that takes its time. Survives processes. */
export class LaterModel {
  readonly durable = new Map<number, Kept>();
  readonly violations: string[] = [];
  readonly #random: Random;
  readonly #ended: (message: Message) => boolean;
  #next = 1;

  constructor(random: Random, ended: (message: Message) => boolean) {
    this.#random = random;
    this.#ended = ended;
  }

  has(id: string): boolean {
    return [...this.durable.values()].some(({ message }) => message.id === id);
  }

  /** As one life of mqferry has it. */
  plan(process: Process): LaterPlan {
    const recovered = this.durable.size;
    let [arrived, left] = [0, 0];
    const wasOut = new Set<number>();
    let out = new Set<number>();
    const acked = new Set<number>();
    const bell = new Bell();
    const write = async (messages: readonly Message[]) => {
      await process.sleep(this.#random.int(1, 15));
      for (const message of messages) this.durable.set(this.#next++, { message, due: process.now() + waitOf(message) });
      arrived += messages.length;
      bell.ring();
      await process.sleep(this.#random.int(0, 5));
      return [];
    };
    const waiting = () => [...this.durable].filter(([number]) => !out.has(number) && !acked.has(number));
    const due = () => waiting().filter(([, kept]) => kept.due <= process.now());
    const read = async (room: Room, signal: AbortSignal) => {
      const wake = () => bell.ring();
      const wakeAt = (ms: number) => void process.sleep(Math.max(1, ms - process.now())).then(wake);
      signal.addEventListener('abort', wake, { once: true });
      await bell.until(() => {
        if (signal.aborted || due().length > 0) return true;
        const next = Math.min(...waiting().map(([, kept]) => kept.due));
        if (next < Number.POSITIVE_INFINITY) wakeAt(next);
        return false;
      });
      signal.removeEventListener('abort', wake);
      if (signal.aborted) return null;
      const given = due().slice(0, room.messages);
      for (const [number] of given) {
        if (!wasOut.has(number)) left++;
        wasOut.add(number);
        out.add(number);
      }
      const messages = given.map(([number, { message }]) =>
        message.asStored({ ...message.origin, bufferId: 'later', bufferSequence: number }),
      );
      const link = out;
      const ack = () => {
        if (link !== out) return;
        for (const [number] of given) acked.add(number); // the process knows at once, the disk later
        void process.sleep(this.#random.int(0, 30)).then(() => this.#done(given));
      };
      return { messages, ack };
    };
    const far: SourceEnd = {
      can: { settles: 'inOrder', redelivers: 'inOrder', stableIds: [], carries: sinkCan(true).carries },
      open: async () => {
        out = new Set();
        return { read, close: async () => {} };
      },
    };
    const near: SinkEnd = { can: sinkCan(true), open: async () => ({ write, close: async () => {} }) };
    const durable = this.durable;
    return {
      kind: 'stage',
      name: 'retry',
      near,
      far,
      get books() {
        return { recovered, arrived, merged: 0, left, waiting: recovered + arrived - left };
      },
      stats: () => ({ messages: durable.size, bytes: 0, limitBytes: 0 }),
      close: async () => {},
    };
  }

  #done(given: readonly [number, Kept][]): void {
    for (const [number, { message }] of given) {
      this.durable.delete(number);
      if (!this.#ended(message)) this.violations.push(`early settle: ${message.id} is not kept any more`);
    }
  }
}
