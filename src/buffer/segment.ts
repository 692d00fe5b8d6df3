/** One file of the log: its name, its header, and reading the frames in it one after another. */
import { randomInt } from 'node:crypto';
import { MqferryError } from '../errors.ts';
import { missing } from './cipher.ts';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  type FrameHeader,
  frameHeaderBytes,
  frameMark,
  isWhole,
  readFrameHeader,
  type SegmentHeader,
  segmentHeaderBytes,
} from './frame.ts';
import { codeOf, type FileSystem, type LogFile, readAll, writeAll } from './fs.ts';

/** What is known of a segment. `next` and `end` grow while it is written to. */
export interface Segment {
  readonly path: string;
  readonly base: number;
  readonly salt: number;
  readonly isEncrypted: boolean;
  /** Sequence behind its last record. */
  next: number;
  /** Bytes of the file that hold whole frames. */
  end: number;
}

const nameDigits = 16;
const suffix = '.seg';

export function segmentPath(directory: string, base: number): string {
  return `${directory}/${String(base).padStart(nameDigits, '0')}${suffix}`;
}

/** The base in a segment's name; undefined for any other file. */
export function baseOf(name: string): number | undefined {
  return name.length === nameDigits + suffix.length && name.endsWith(suffix) ? Number(name.slice(0, nameDigits)) : undefined;
}

/** Makes the file and its name durable; only then may frames follow (invariant 3). Leaves nothing behind when it fails. */
export async function createSegment(files: FileSystem, directory: string, base: number, logId: string) {
  const path = segmentPath(directory, base);
  const salt = randomInt(2 ** 32);
  const isEncrypted = files.cipher !== undefined;
  const file = await files.open(path, 'create');
  try {
    await writeAll(file, encodeSegmentHeader({ base, salt, logId, isEncrypted }), 0);
    await synced(file, path);
    await files.syncDirectory(directory);
  } catch (error) {
    await file.close();
    await files.unlink(path);
    throw error;
  }
  const segment: Segment = { path, base, salt, isEncrypted, next: base, end: segmentHeaderBytes };
  return { segment, file };
}

/** Syncs. A failure is for good whatever its code is: the kernel forgets what it could not write (invariant 5). */
export async function synced(file: LogFile, path: string): Promise<void> {
  try {
    await file.sync();
  } catch (error) {
    throw new MqferryError('BUFFER_FAILED', `cannot sync ${path}: ${codeOf(error)}`, { cause: error });
  }
}

/** The header of an open segment; undefined when it is not whole. */
export async function readSegmentHeader(file: LogFile, path: string): Promise<SegmentHeader | undefined> {
  const buffer = Buffer.alloc(segmentHeaderBytes);
  await readAll(file, buffer, 0);
  return decodeSegmentHeader(buffer, path);
}

/** A whole frame: the records stand in `buffer` between `start` and `end`. */
export interface Frame {
  readonly header: FrameHeader;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

/** A frame of an encrypted segment with its records as they were; any other one as it is. Throws BUFFER_FAILED without its key. */
export function opened(
  frame: Frame,
  { path, salt, isEncrypted }: Pick<Segment, 'path' | 'salt' | 'isEncrypted'>,
  files: FileSystem,
): Frame {
  if (!isEncrypted) return frame;
  if (!files.cipher) throw missing(path, 'a key');
  const whole = frame.buffer.subarray(frame.start - frameHeaderBytes, frame.end);
  const buffer = files.cipher.decrypt(whole, salt, frame.header, path);
  return { header: frame.header, buffer, start: 0, end: buffer.length };
}

/** Reads frames in order. Fresh memory for each chunk: what is decoded may be slices of it. */
export class FrameReader {
  /** Where the next frame starts in the file. */
  position = segmentHeaderBytes;
  /** The sequence that it must have. */
  sequence: number;
  readonly #file: LogFile;
  readonly #salt: number;
  readonly #chunkBytes: number;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(file: LogFile, header: { base: number; salt: number }, chunkBytes = 512 * 1024) {
    this.#file = file;
    this.#salt = header.salt;
    this.sequence = header.base;
    this.#chunkBytes = chunkBytes;
  }

  /** The next frame of those within the first `end` bytes; undefined when no whole frame of the right sequence stands at `position`. */
  async next(end: number): Promise<Frame | undefined> {
    await this.#load(frameHeaderBytes, end);
    const header = readFrameHeader(this.#chunk, this.#at);
    if (!header || header.base !== this.sequence || header.bytes > end - this.position) return undefined;
    await this.#load(header.bytes, end);
    const start = this.#at;
    const frame = this.#chunk.subarray(start, start + header.bytes);
    if (!isWhole(frame, header, this.#salt)) return undefined;
    this.#at += header.bytes;
    this.position += header.bytes;
    this.sequence += header.count;
    return { header, buffer: this.#chunk, start: start + frameHeaderBytes, end: this.#at };
  }

  /** Goes on at the start of another frame, behind what was read so far. */
  leap({ position, sequence }: { readonly position: number; readonly sequence: number }): void {
    this.#at = Math.min(this.#at + position - this.position, this.#chunk.length);
    this.position = position;
    this.sequence = sequence;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Sees to it that the chunk holds this many bytes from `position` on, if the file has them before `end`. */
  async #load(need: number, end: number): Promise<void> {
    const left = this.#chunk.length - this.#at;
    if (left >= need) return;
    const want = Math.min(Math.max(need, this.#chunkBytes), end - this.position);
    if (want <= left) return;
    const chunk = Buffer.allocUnsafeSlow(want);
    this.#chunk.copy(chunk, 0, this.#at);
    const count = await readAll(this.#file, chunk.subarray(left), this.position + left);
    this.#chunk = chunk.subarray(0, left + count);
    this.#at = 0;
  }
}

/**
 * Looks behind a damaged place for a whole frame that was written after everything below `sequence` plus one record was synced: then the
 * damage is in what the log had promised to keep, and is no torn end.
 */
export async function wasSynced(file: LogFile, position: number, size: number, salt: number, sequence: number): Promise<boolean> {
  const chunk = Buffer.allocUnsafeSlow(1024 * 1024);
  const overlap = frameHeaderBytes - 1;
  for (let from = position; from < size; from += chunk.length - overlap) {
    const bytes = chunk.subarray(0, await readAll(file, chunk, from));
    for (let at = bytes.indexOf(frameMark); at >= 0; at = bytes.indexOf(frameMark, at + 1)) {
      const header = readFrameHeader(bytes, at);
      if (!header || header.synced <= sequence || header.bytes > size - from - at) continue;
      const frame = Buffer.allocUnsafeSlow(header.bytes);
      await readAll(file, frame, from + at);
      if (isWhole(frame, header, salt)) return true;
    }
  }
  return false;
}
