/** What waits to be appended, and how it is packed into frames. */
import { describeError, MqferryError } from '../errors.ts';
import { ByteWriter } from './bytes.ts';
import { frameHeaderBytes } from './frame.ts';

/** An item that the log will never take, and why. */
export interface Refused<T> {
  readonly item: T;
  readonly error: MqferryError;
}

interface Append<T> {
  readonly writer: object;
  readonly items: readonly T[];
  /** The first item that is in no frame yet. */
  next: number;
  readonly refused: Refused<T>[];
  /** The two as they were before the frame that is not stored yet. */
  settled: { readonly next: number; readonly refused: number };
  resolve(refused: readonly Refused<T>[]): void;
  reject(error: unknown): void;
}

export interface PackOptions<T> {
  readonly encode: (item: T, into: ByteWriter) => void;
  readonly recordBytesMax: number;
  /** What a frame should not exceed; one large record may. */
  readonly frameBytes: number;
  readonly maxMessages: number;
}

const nothing = { next: 0, refused: 0 };

/** A queue of appends. One frame at a time is packed; its memory is used again for the next. */
export class Appends<T> {
  #queue: Append<T>[] = [];
  readonly #writer: ByteWriter;
  readonly #options: PackOptions<T>;

  constructor(options: PackOptions<T>) {
    this.#options = options;
    this.#writer = new ByteWriter(options.frameBytes);
  }

  get waiting(): boolean {
    return this.#queue.length > 0;
  }

  /** Resolves when `settle` finds all items packed; rejects with what `reject` is given. */
  add(items: readonly T[], writer: object): Promise<readonly Refused<T>[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ writer, items, next: 0, refused: [], settled: nothing, resolve, reject });
    });
  }

  /** A frame of as much of the queue as fits, without its header; no `items` when there is nothing to write. */
  pack(): { readonly frame: Buffer; readonly items: readonly T[] } {
    const { frameBytes, maxMessages, recordBytesMax } = this.#options;
    const writer = this.#writer;
    writer.limit = frameBytes;
    writer.reset();
    writer.at = frameHeaderBytes;
    const items: T[] = [];
    outer: for (const append of this.#queue) {
      for (; append.next < append.items.length; append.next++) {
        if (items.length === maxMessages) break outer;
        // The first record of a frame may be as large as any; whatever does not fit beside it opens the next frame.
        writer.limit = items.length === 0 ? frameHeaderBytes + 4 + recordBytesMax : frameBytes;
        const item = append.items[append.next] as T;
        const error = this.#encode(item);
        if (error === undefined) items.push(item);
        else if (error.code === 'TOO_LARGE' && items.length > 0) break outer;
        else append.refused.push({ item, error });
      }
    }
    return { frame: writer.buffer.subarray(0, writer.at), items };
  }

  /** Resolves the appends whose items are all in frames: call it when the frame is stored. */
  settle(): void {
    let done = 0;
    for (const append of this.#queue) {
      if (append.next < append.items.length) {
        append.settled = { next: append.next, refused: append.refused.length };
        break;
      }
      append.resolve(append.refused);
      done++;
    }
    this.#queue.splice(0, done);
  }

  /** The frame will not be stored: what is in it waits again. */
  unpack(): void {
    for (const append of this.#queue) {
      append.next = append.settled.next;
      append.refused.length = append.settled.refused;
    }
  }

  /** Rejects everything of one writer, or of all, that has not been settled. */
  reject(error: MqferryError, writer?: object): void {
    const isMeant = (append: Append<T>) => writer === undefined || append.writer === writer;
    const meant = this.#queue.filter(isMeant);
    this.#queue = this.#queue.filter((append) => !isMeant(append));
    for (const append of meant) append.reject(error);
  }

  #encode(item: T): MqferryError | undefined {
    const writer = this.#writer;
    const start = writer.at;
    try {
      writer.reserve(4);
      writer.at += 4;
      this.#options.encode(item, writer);
      writer.buffer.writeUInt32LE(writer.at - start - 4, start);
      return undefined;
    } catch (error) {
      writer.at = start;
      if (error instanceof MqferryError) return error;
      return new MqferryError('UNMAPPABLE', `cannot store the message: ${describeError(error)}`, { cause: error });
    }
  }
}
