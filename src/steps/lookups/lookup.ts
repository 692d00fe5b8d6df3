/** Where `enrich` looks things up. */
import type { Message } from '../../message.ts';

export interface Lookup {
  /** Where, as a sentence goes on: `at https://api.example`. No secret. */
  readonly place: string;
  /** Called before each batch: brings up to date what can be. Never throws. */
  refresh?(signal: AbortSignal): Promise<void>;
  /** Undefined and null: there is none. Throws a MqferryError, which quotes neither the message nor a secret; soon when `signal` is aborted. */
  find(message: Message, signal: AbortSignal): unknown;
}
