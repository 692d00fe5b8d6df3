/**
 * What stands in the log of a stage. A record is
 *
 *   arrival    1 | id whole, 0: its own sequence | at double | note text | the message as in record.ts
 *   decision   2 | id whole, 0: its own sequence | why text | count whole | ids of the members, whole each
 *   done       3 | count whole | ids, whole each
 *
 * An arrival or decision with an id is a copy that was written further on, so that the file with the first one could go.
 */
import { MqferryError } from '../../errors.ts';
import type { Message } from '../../message.ts';
import { ByteReader, type ByteWriter } from '../bytes.ts';
import type { Decoder } from '../reader.ts';
import { encodeMessage } from '../record.ts';

export interface Arrival {
  readonly kind: 'arrival';
  /** 0: the sequence of the record. */
  readonly id: number;
  /** On the stage's clock. */
  readonly at: number;
  readonly note: string;
  /** Undefined where only the rest was read. */
  readonly message: Message | undefined;
}

export interface Decision {
  readonly kind: 'decision';
  /** 0: the sequence of the record. */
  readonly id: number;
  readonly members: readonly number[];
  readonly why: string;
}

/** These need not be kept any more. */
export interface Done {
  readonly kind: 'done';
  readonly ids: readonly number[];
}

export type Entry = Arrival | Decision | Done;

const kinds = { arrival: 1, decision: 2, done: 3 } as const;

export function encodeEntry(entry: Entry, into: ByteWriter): void {
  into.byte(kinds[entry.kind]);
  switch (entry.kind) {
    case 'arrival':
      into.whole(entry.id);
      into.double(entry.at);
      into.text(entry.note);
      encodeMessage(entry.message as Message, into);
      break;
    case 'decision':
      into.whole(entry.id);
      into.text(entry.why);
      writeIds(entry.members, into);
      break;
    case 'done':
      writeIds(entry.ids, into);
  }
}

function writeIds(ids: readonly number[], into: ByteWriter): void {
  into.whole(ids.length);
  for (const id of ids) into.whole(id);
}

/** Reads entries without their messages. */
export class EntryDecoder implements Decoder<Entry> {
  readonly #reader = new ByteReader(Buffer.alloc(0));

  decode(buffer: Buffer, start: number, end: number): Entry {
    return this.read(buffer, start, end).entry;
  }

  /** `messageAt`: where the message of an arrival begins. */
  read(buffer: Buffer, start: number, end: number): { readonly entry: Entry; readonly messageAt: number } {
    const from = this.#reader;
    from.buffer = buffer;
    from.at = start;
    from.end = end;
    const kind = from.byte();
    if (kind === kinds.done) return { entry: { kind: 'done', ids: readIds(from) }, messageAt: end };
    const id = from.whole();
    if (kind === kinds.arrival) {
      const entry: Entry = { kind: 'arrival', id, at: from.double(), note: from.text(), message: undefined };
      return { entry, messageAt: from.at };
    }
    if (kind !== kinds.decision) throw new MqferryError('BUFFER_FAILED', `a stage has an entry of kind ${kind}; use the newer mqferry`);
    return { entry: { kind: 'decision', id, why: from.text(), members: readIds(from) }, messageAt: end };
  }

  adopt(entry: Entry): Entry {
    return entry;
  }
}

function readIds(from: ByteReader): number[] {
  return Array.from({ length: from.count() }, () => from.whole());
}
