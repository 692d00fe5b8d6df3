/** The memory of a stage. `StageLog` is the one on disk. */
import type { MqferryError } from '../../errors.ts';
import type { Message } from '../../message.ts';
import type { Refused } from '../appends.ts';
import type { Release } from './keeper.ts';

/** An arrival that is not stored yet. */
export interface Arriving {
  readonly message: Message;
  readonly note: string;
  /** On the stage's clock. */
  readonly at: number;
}

export interface StageStore {
  readonly id: string;
  readonly bytes: number;
  readonly failed: MqferryError | undefined;
  readonly isClosed: boolean;
  /** Nothing in it is needed. */
  readonly isEmpty: boolean;
  /** So much is done and not written down that nothing more should leave. */
  readonly savesLag: boolean;
  /** When the oldest of it came, or a little earlier; undefined when there is nothing. */
  readonly oldestMs: number | undefined;
  /** Whether so many bytes may arrive: the rest is for what makes room. */
  hasRoom(bytes: number): boolean;
  /** Resolves once they are stored, but for the refused ones. In call order. */
  append(arriving: readonly Arriving[], writer: object): Promise<readonly Refused<Message>[]>;
  /** Ends the appends of one writer. */
  cancel(writer: object): Promise<void>;
  /** Resolves with an id for each once all are stored. */
  decide(releases: readonly Release[]): Promise<readonly number[]>;
  /** The messages of these ids. Throws BUFFER_FAILED. */
  load(ids: readonly number[]): Promise<readonly Message[]>;
  /** {@link load} of what need not be waited for; undefined when one of them must be. */
  recent(ids: readonly number[]): readonly Message[] | undefined;
  /** These are not needed any more: of each group all of them or, after a crash, all of them again. */
  done(groups: readonly (readonly number[])[]): void;
  /** Resolves at the next change, or on abort. */
  change(signal: AbortSignal): Promise<void>;
  /** Wakes those who wait in `change`. */
  tell(): void;
  /** Resolves once the disk knows what is done, or does not answer. */
  save(): Promise<void>;
  close(): Promise<void>;
}
