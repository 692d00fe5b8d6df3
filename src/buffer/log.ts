/**
 * A durable log: records are appended, read in order, and forgotten from the front. It lives in one directory:
 *
 *   cursor                    how far it is consumed: two slots in turn (cursor.ts)
 *   0000000000000001.seg      records from sequence 1 on
 *   0000000000004711.seg      records from 4711 on; only the last file is written to, a consumed file is removed as a whole
 *
 *   segment   u32 'FMQS' | u16 version, 2 spare | u64 base | 8 log id | u32 salt | 8 spare | u32 crc         40 bytes, then frames
 *   frame     u32 'FMQF' | u32 bytes | u32 crc | u32 count | u64 base | u64 time | u64 synced    40 bytes, then count records
 *   record    u32 bytes | what `encode` wrote                                                    little endian all through
 *
 * In segments of format 2 the records of a frame are encrypted (cipher.ts).
 *
 * The crc of a frame covers everything behind it, with the segment's salt as its start value. `synced`: everything below this sequence was on
 * disk when the frame was written.
 *
 * Invariants (numbers as in the tests):
 *  1  An append resolves after fdatasync of every byte of its frames, never before (`sync: always`).
 *  2  A frame counts as a whole or not at all.
 *  3  A new segment: created exclusively, header written, file synced, directory synced, and only then frames.
 *  4  The next segment starts after the one before is complete and synced.
 *  5  A failed write or sync is for good: everything pending and all that comes is rejected; only a new start may look at the files again.
 *  6  A write may be short: the rest is written too, of the cursor as well.
 *  7  Only the torn end of the last segment is cut off. A frame that is not whole where later ones were written after its sync, or where the
 *     cursor or the next segment knows of more, is damage: BUFFER_FAILED, never passed over.
 *  8  The cut is synced before anything is appended, and a start appends to a new segment. An empty last segment is removed, durably.
 *  9  Bytes of another file or an older use never pass: salt, log id, and the base in name, header and frame. Files are never reused.
 * 10  The cursor never overwrites its last good state.
 * 11  A segment is removed only when it lies wholly below the cursor on disk, the oldest first. A hole below the cursor is fine, above it is
 *     damage. A lost cursor costs copies, no messages.
 * 12  Sequences only grow, also past a cursor that is ahead of the log (`sync: interval` and a power cut).
 * 13  Counts and sizes are computed from the files at each start, never stored.
 * 14  One owner per data directory (lock.ts); within the process one per buffer (buffer.ts).
 * 15  A full disk is waited out. Acking and removing need no room on it; what is consumed makes room even when it is the active segment.
 * 16  Everything is bounded: bytes and records in the log, bytes of a record, acked positions that are not on disk. A length read from a
 *     file is compared with the file's size before memory is taken.
 * 17  Times are for showing only: nothing is kept or dropped by the clock.
 * 19  A read ends at `readable` and checks every frame it takes from the disk; what was stored last comes from memory, bounded. Damage is an error and not the end; a read that waits can be aborted.
 * 20  After a start exactly the records from the cursor on are read, in order.
 * 21  A sync that hangs holds up its log and nothing else: one at a time, close() gives up on it after a while.
 * 22  The version is in each file; newer ones are refused; golden files hold the format still.
 * Of the others, 18 (copying stragglers forward) belongs to stages (stage/stage-log.ts) and 23 (network file systems) to the docs.
 */
import type { Log as Logger } from '../connector.ts';
import { describeError, MqferryError, notConnected } from '../errors.ts';
import { Appender, type AppenderOptions } from './appender.ts';
import type { Refused } from './appends.ts';
import { cursorBytes } from './cursor.ts';
import type { FileSystem } from './fs.ts';
import { type Decoder, LogReader } from './reader.ts';
import type { StoredFrame } from './recent.ts';
import { type Recovered, recover } from './recover.ts';
import { Saver, type SaverOptions } from './saver.ts';
import type { Segment } from './segment.ts';
import { Segments } from './segments.ts';
import { Changes, inTime } from './waiting.ts';

export interface LogOptions<T> extends AppenderOptions<T>, SaverOptions {
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly segmentBytes: number;
  /** Of the frames stored last that stay in memory for the reader. */
  readonly recentBytes: number;
  readonly closeTimeoutMs: number;
  /** A frame is on disk, before those who appended it are told. */
  readonly onStored?: ((frame: StoredFrame<T>) => void) | undefined;
}

/** The open log: an appender on one side, a saver of the cursor on the other, and what both must know of each other. */
export class Log<T> {
  /** When the oldest record was written, or a little earlier. */
  oldestMs: number | undefined;
  /** Records that were there at the start. */
  readonly recovered: number;
  readonly id: string;
  readonly files: FileSystem;
  readonly #options: LogOptions<T>;
  readonly #segments: Segments;
  readonly #appender: Appender<T>;
  readonly #saver: Saver;
  readonly #changes = new Changes();
  #reader: LogReader<T> | undefined;
  #failed: MqferryError | undefined;
  #closed = false;
  #diskFull = false;

  private constructor(directory: string, options: LogOptions<T>, { cursor, segments, next, oldestMs }: Recovered) {
    this.#options = options;
    this.files = options.files;
    this.id = cursor.saved.logId;
    this.#segments = new Segments(options.files, directory, this.id, options.segmentBytes, segments);
    this.#appender = new Appender(this.#segments, options, this, next);
    this.#saver = new Saver(cursor, this.#segments, options, this);
    this.recovered = this.messages;
    this.oldestMs = this.recovered > 0 ? oldestMs : undefined;
  }

  /** Opens the log in a directory, or makes one. Throws BUFFER_FAILED when what is there is damaged. */
  static async open<T>(directory: string, options: LogOptions<T>): Promise<Log<T>> {
    return new Log(directory, options, await recover(options.files, directory, options.logger));
  }

  get segments(): readonly Segment[] {
    return this.#segments.list;
  }

  /** Behind the last record that may be read. */
  get readable(): number {
    return this.#appender.next;
  }

  /** Everything below is on disk for sure. */
  get synced(): number {
    return this.#appender.synced;
  }

  /** Everything below is done with; on disk soon after. */
  get consumed(): number {
    return this.#saver.consumed;
  }

  /** Too many consumed positions are not on disk: a crash would repeat them all. */
  get savesLag(): boolean {
    return this.#saver.unsaved > this.#options.unsavedMax;
  }

  get messages(): number {
    return this.readable - this.consumed;
  }

  /** Of all files. */
  get bytes(): number {
    return this.#segments.bytes + cursorBytes;
  }

  /** Whether appends wait for room. */
  get full(): boolean {
    return this.#appender.parked;
  }

  get failed(): MqferryError | undefined {
    return this.#failed;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Resolves once the items are on disk, but for the refused ones it returns. Waits for room. Items stay in call order. */
  append(items: readonly T[], writer: object): Promise<readonly Refused<T>[]> {
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#closed) return Promise.reject(notConnected('the buffer is closed'));
    return this.#appender.append(items, writer);
  }

  /**
   * Ends the appends of one writer, or of all: those that are being written are waited for, for a while; the rest is rejected with
   * NOT_CONNECTED.
   */
  cancel(writer?: object): Promise<void> {
    return this.#appender.cancel((work) => this.#inTime(work), writer);
  }

  /** A reader that starts at the first record that is not consumed. One at a time: close the one before. */
  reader(decoder: Decoder<T>): LogReader<T> {
    this.#reader = new LogReader(this, this.consumed, decoder, this.#options.recentBytes);
    return this.#reader;
  }

  /** Everything below `sequence` is done with; `oldestMs` is the time of the record there, if known. */
  consume(sequence: number, oldestMs: number | undefined): void {
    if (sequence <= this.consumed) return;
    this.#saver.consume(sequence);
    if (this.messages === 0) this.oldestMs = undefined;
    else if (oldestMs !== undefined) this.oldestMs = oldestMs;
    this.#appender.fewer();
  }

  /** Resolves once the disk knows what is consumed now, or the log has failed, or the disk does not answer. */
  save(): Promise<void> {
    return this.#inTime(this.#saver.save());
  }

  /** Resolves at the next change: something to read, a saved cursor, a failure, the close, the abort. */
  change(signal: AbortSignal): Promise<void> {
    return this.#failed || this.#closed ? Promise.resolve() : this.#changes.next(signal);
  }

  /** Wakes those that wait in `change`. */
  tell(): void {
    this.#changes.tell();
  }

  /** Ends appends, saves the cursor, closes the files. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.tell();
    await this.cancel();
    await this.#inTime(this.#closeFiles());
    this.#saver.stop();
  }

  /** A frame is in the log. */
  stored(frame: StoredFrame<T>): void {
    this.oldestMs ??= frame.timeMs;
    this.#reader?.stored(frame);
    this.#options.onStored?.(frame);
    this.diskFull(undefined);
    this.tell();
  }

  /** The cursor is on disk; `freed`: so much so that files could go. */
  saved(freed: boolean): void {
    if (freed) this.#appender.room();
    this.tell();
  }

  /** Somebody waits for room. */
  makeRoom(): void {
    void this.#saver.save();
  }

  /** Says it once when the disk gets full, and once when it has room. */
  diskFull(full: unknown): void {
    if (this.#diskFull === Boolean(full)) return;
    this.#diskFull = Boolean(full);
    const { logger } = this.#options;
    if (full) logger.warn({ bytes: this.bytes }, `the disk of the buffer is full, waiting for room: ${describeError(full)}`);
    else logger.info({ bytes: this.bytes }, 'the disk of the buffer has room again');
  }

  /** The latch of invariant 5; returns what everybody is told from now on. */
  fail(cause: unknown): MqferryError {
    if (this.#failed) return this.#failed;
    const told = cause instanceof MqferryError && cause.code === 'BUFFER_FAILED';
    this.#failed = told
      ? cause
      : new MqferryError('BUFFER_FAILED', `the buffer has failed: ${describeError(cause)}; see to the disk, then start again`, { cause });
    this.#options.logger.error({ err: this.#failed }, 'the buffer has failed: nothing is put into it or taken from it any more');
    this.#saver.stop();
    this.#appender.fail(this.#failed);
    this.tell();
    return this.#failed;
  }

  async #closeFiles(): Promise<void> {
    if (!this.#failed) await this.#appender.finish().catch((error) => void this.fail(error));
    await this.#saver.close();
    await this.#segments.close();
  }

  async #inTime(work: Promise<void>): Promise<void> {
    if (await inTime(work, this.#options.closeTimeoutMs)) return;
    this.#options.logger.error({}, 'the disk of the buffer does not answer; it is left alone');
  }
}
