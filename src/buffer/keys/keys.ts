/** Keys that are remembered for a while: what `dedupe` knows messages by. */
import { hash } from 'node:crypto';

/** 128 bits of a SHA-256, a byte in each of 16 characters: nobody makes a message that is taken for another one. */
export type Key = string;

export const keyBytes = 16;

export function keyOf(text: string): Key {
  return hash('sha256', text, 'binary').slice(0, keyBytes);
}

export interface KeyLimits {
  /** So long each key is remembered, at least; a sixteenth more at most. */
  readonly windowMs: number;
  /** Beyond so many, and a sixteenth, the oldest are forgotten. */
  readonly maxKeys: number;
}

export interface KeyStats {
  readonly keys: number;
  /** Of the files. */
  readonly bytes: number;
}

/** The memory of one `dedupe` step. */
export interface Keys {
  has(key: Key): boolean;
  /** Resolves once they are on disk; from then on it has them. Rejects with BUFFER_FAILED, or NOT_CONNECTED once it is closed. */
  add(keys: readonly Key[]): Promise<void>;
  /** Forgets what is too old by now. Cheap. */
  forgetOld(): void;
  stats(): KeyStats;
  close(): Promise<void>;
}
