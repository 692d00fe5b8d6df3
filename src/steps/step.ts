import type { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';

/** Where a step puts what does not go on. */
export interface Aside {
  /** It cannot be handled: dead letter, drop or stop, as `onError` says. */
  fail(message: Message, error: MqferryError): void;
  /** Dropped because the config says so, and counted. */
  drop(message: Message): void;
}

/** Plain work on a batch: change, leave out, set aside. Synchronous, without memory; never changes a message in place. */
export type Step = (messages: readonly Message[], aside: Aside) => readonly Message[];
