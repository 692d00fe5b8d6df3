/**
 * A source of dead letters that hands out those that are chosen, and sees to it that the others are not lost. How, depends on where they lie:
 *
 * - `rewritten` (a log on disk, which forgets from the front only): what is not chosen is written behind all others and synced, before anything
 *   of its batch is acked. A crash in between leaves two of it, never none.
 * - `returned` (a queue of a broker): it is not acked, and is where it was when the link is closed. So it takes room in the broker's window: when
 *   that is full, nothing more is seen in this run.
 * - `marked` (a topic): nothing is ever removed. Behind a letter that is not chosen, its partition is not acked any more: those behind it come
 *   again next time, also when they were delivered. Letters that another choice could not take either do not stop it.
 */
import type { Batch, Room, Sink, SinkEnd, Source, SourceEnd } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { Metronome, type Pace } from './pace.ts';
import type { Selection } from './selection.ts';

/** Where dead letters lie. */
export type LetterStore =
  | {
      readonly unacked: 'rewritten';
      readonly far: SourceEnd;
      readonly near: SinkEnd;
      /** Only what stands from the one to before the other, by `origin.bufferSequence`: what is written behind it meanwhile is not for us. */
      readonly start: number;
      readonly end: number;
    }
  | {
      readonly unacked: 'returned' | 'marked';
      readonly far: SourceEnd;
      /** The letter as it was before it was sent there. */
      open(letter: Message): Message;
    };

/** The source is finite where its store is, and at the limit. */
export function lettersOf(store: LetterStore, selection: Selection, pace: Pace): SourceEnd {
  const metronome = new Metronome(pace);
  return {
    can: store.far.can,
    async open(signal) {
      selection.reset(); // what was not acked comes again
      const link = await store.far.open(signal);
      if (store.unacked === 'rewritten') return new LogLetters(store, link, selection, metronome);
      return new BrokerLetters(store, link, selection, metronome);
    },
  };
}

class LogLetters implements Source {
  /** It ends by itself. */
  readonly isCaughtUp = false;
  readonly #store: Extract<LetterStore, { unacked: 'rewritten' }>;
  readonly #link: Source;
  readonly #selection: Selection;
  readonly #metronome: Metronome;
  #next: number;
  /** Opened when the first letter is to be kept. */
  #keeper: Sink | undefined;

  constructor(store: Extract<LetterStore, { unacked: 'rewritten' }>, link: Source, selection: Selection, metronome: Metronome) {
    this.#store = store;
    this.#link = link;
    this.#selection = selection;
    this.#metronome = metronome;
    this.#next = store.start;
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    while (this.#next < this.#store.end) {
      const most = await this.#metronome.beat(signal);
      if (most <= 0 || signal.aborted) return null;
      const messages = Math.min(room.messages, most, this.#store.end - this.#next);
      const batch = await this.#link.read({ messages, bytes: room.bytes }, signal);
      if (batch === null) return null;
      const chosen = await this.#divide(batch);
      this.#metronome.gone(chosen.length);
      if (chosen.length > 0) return { messages: chosen, ack: () => batch.ack() };
      batch.ack();
    }
    return null;
  }

  async close(): Promise<void> {
    await this.#keeper?.close();
    await this.#link.close();
  }

  /** The chosen ones, once the others stand behind all that is there. */
  async #divide({ messages }: Batch): Promise<readonly Message[]> {
    // A link that is not the first begins where all before is acked, so it may give more than was asked for.
    const inside = messages.filter((message) => sequenceOf(message) < this.#store.end);
    const chosen: Message[] = [];
    const kept = messages.slice(inside.length);
    for (const letter of inside) (this.#selection.judge(letter) ? kept : chosen).push(letter);
    if (kept.length > 0) await this.#keep(kept);
    this.#next = sequenceOf(messages.at(-1) as Message) + 1;
    return chosen;
  }

  async #keep(letters: readonly Message[]): Promise<void> {
    this.#keeper ??= await this.#store.near.open(new AbortController().signal);
    const [refusal] = await this.#keeper.write(letters);
    if (refusal) throw new MqferryError('BUFFER_FAILED', 'a dead letter that was read cannot be written again', { cause: refusal.error });
  }
}

function sequenceOf({ origin }: Message): number {
  return origin['bufferSequence'] as number;
}

class BrokerLetters implements Source {
  readonly #store: Exclude<LetterStore, { unacked: 'rewritten' }>;
  readonly #link: Source;
  readonly #selection: Selection;
  readonly #metronome: Metronome;
  /** Where acks move a mark: by lane, in order, what may be acked when all before it has been. */
  readonly #handed = new Map<string, Handed[]>();
  /** Lanes whose mark must not move further than what is handed out already. */
  readonly #stuck = new Set<string>();

  constructor(store: Exclude<LetterStore, { unacked: 'rewritten' }>, link: Source, selection: Selection, metronome: Metronome) {
    this.#store = store;
    this.#link = link;
    this.#selection = selection;
    this.#metronome = metronome;
  }

  get isCaughtUp(): boolean {
    return !this.#metronome.isWaiting && this.#link.isCaughtUp !== false;
  }

  /** One letter at a time: a batch is acked as a whole, and each of them has its own fate. */
  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    for (;;) {
      if ((await this.#metronome.beat(signal)) <= 0 || signal.aborted) return null;
      const batch = await this.#link.read({ messages: 1, bytes: room.bytes }, signal);
      const letter = batch?.messages[0];
      if (!batch || !letter) return null;
      const refused = this.#selection.judge(this.#store.open(letter));
      if (!refused) {
        this.#metronome.gone(1);
        return { messages: batch.messages, ack: this.#store.unacked === 'returned' ? () => batch.ack() : this.#inTurn(batch, letter) };
      }
      if (this.#store.unacked === 'returned') continue;
      if (refused.isOurs) this.#stuck.add(letter.lane);
      else this.#inTurn(batch, letter)();
    }
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  /** Acks the batch when all before it in its lane has been acked; never, in a lane that is stuck. */
  #inTurn(batch: Batch, { lane }: Message): () => void {
    if (this.#stuck.has(lane)) return () => undefined;
    const waiting = this.#handed.get(lane) ?? [];
    const own: Handed = { isDone: false, ack: () => batch.ack() };
    this.#handed.set(lane, waiting);
    waiting.push(own);
    return () => {
      own.isDone = true;
      while (waiting[0]?.isDone) waiting.shift()?.ack();
    };
  }
}

interface Handed {
  isDone: boolean;
  ack(): void;
}
