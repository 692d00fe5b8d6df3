/** What a step has noted of messages, for where they are written: steps behind it may have changed them, or divided them. */
import type { Message, Note } from '../message.ts';

export interface Mark<T> {
  readonly value: T;
  /** Which part of what was noted the message is: empty where nothing has divided it since. */
  readonly part: string;
}

interface OwnNote<T> extends Note {
  /** Of one that came to the step in parts: of each part. */
  noted: T | Map<string, T>;
}

export class Marks<T extends string> {
  note({ received, part }: Message, value: T): void {
    const known = this.#of(received);
    if (known && part !== '' && known.noted instanceof Map) known.noted.set(part, value);
    else {
      const noted = part === '' ? value : new Map([[part, value]]);
      if (known) known.noted = noted;
      else received.marks = { owner: this, noted, next: received.marks } as OwnNote<T>;
    }
  }

  find({ received, part }: Message): Mark<T> | undefined {
    const known = this.#of(received)?.noted;
    if (known === undefined) return undefined;
    if (!(known instanceof Map)) return { value: known, part };
    let whole = part;
    while (whole !== '' && !known.has(whole)) whole = whole.slice(0, whole.lastIndexOf('#'));
    const value = known.get(whole);
    return value === undefined ? undefined : { value, part: part.slice(whole.length) };
  }

  #of({ marks }: Message): OwnNote<T> | undefined {
    let note = marks;
    while (note && note.owner !== this) note = note.next;
    return note as OwnNote<T> | undefined;
  }
}
