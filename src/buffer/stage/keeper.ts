/** What a stage is for: which of the messages that it keeps leave, when, and as what. It has no memory but what the stage tells it. */
import type { Message } from '../../message.ts';

/** A message that is kept, without the message itself. */
export interface Kept {
  /** Its place in the order of arrival; never used twice. */
  readonly id: number;
  /** What {@link Keeper.note} said of it when it came. */
  readonly note: string;
  /** When it came, on the stage's clock. */
  readonly at: number;
  /** Of its record on disk. */
  readonly bytes: number;
}

/** Milliseconds. */
export interface StageTime {
  /** Goes on with the time that passes, over restarts too, and never back, whatever is done to the wall clock. */
  readonly stage: number;
  /** What the wall clock says. */
  readonly date: number;
}

/** Messages that leave together. */
export interface Release {
  /** Ids, in order. */
  readonly members: readonly number[];
  /** For `make`: why they leave. */
  readonly why: string;
}

/**
 * What a keeper must know of messages that have long left. What it decides is of a key; the last decision of each stays, though its messages are done
 * with, and is told again at a start.
 */
export interface Remembers {
  /** Keys of which it is known, at most; the one that was not used for longest goes first. */
  readonly maxKeys: number;
  /** Of a release. */
  keyOf(why: string): string;
  /** At a start, in the order of the decisions, also of those whose messages are still to leave. After all of {@link Keeper.add}. */
  recall(why: string): void;
  forget(key: string): void;
}

export interface Keeper {
  /** Another one could be made of the same messages after a restart: so what is released is remembered, on disk, before it leaves. */
  readonly decides: boolean;
  /** What is to be known of a message without reading it again; stored beside it. Throws STEP_FAILED: the message is refused. */
  note(message: Message): string;
  /** In the order of arrival, also what was there at the start. */
  add(kept: Kept): void;
  /** What is to leave now, which it forgets. */
  take(time: StageTime): Release | undefined;
  /** In how many ms there may be something to take; undefined while only another message can bring it about. */
  waitMs(time: StageTime): number | undefined;
  /** The message that leaves; null: nothing does, and they are done with. Throws STEP_FAILED. */
  make(members: readonly Message[], why: string): Message | null;
  /** What stands for messages of which none could be made: it has the error as its `fault`. */
  failed(members: readonly Message[], error: Error): Message;
  readonly remembers?: Remembers;
  /** When the oldest came of what waits, on the stage's clock; of a keeper that remembers, as what is remembered in the log is older. */
  readonly oldestAt?: number | undefined;
  /** Groups that are open, where it makes groups; keys of which messages wait, where they wait for others. */
  readonly groups?: number;
}
