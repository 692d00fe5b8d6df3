/** What a step has noted of messages, for where they are written: steps behind it may have changed them, or divided them. */
import type { Message } from '../message.ts';

export interface Mark<T> {
  readonly value: T;
  /** Which part of what was noted the message is: empty where nothing has divided it since. */
  readonly part: string;
}

export class Marks<T extends string> {
  /** By what was received; of one that came to the step in parts, of each part. */
  readonly #noted = new WeakMap<Message, T | Map<string, T>>();

  note({ received, part }: Message, value: T): void {
    const known = this.#noted.get(received);
    if (part === '') this.#noted.set(received, value);
    else if (known instanceof Map) known.set(part, value);
    else this.#noted.set(received, new Map([[part, value]]));
  }

  find({ received, part }: Message): Mark<T> | undefined {
    const known = this.#noted.get(received);
    if (known === undefined) return undefined;
    if (!(known instanceof Map)) return { value: known, part };
    let whole = part;
    while (whole !== '' && !known.has(whole)) whole = whole.slice(0, whole.lastIndexOf('#'));
    const value = known.get(whole);
    return value === undefined ? undefined : { value, part: part.slice(whole.length) };
  }
}
