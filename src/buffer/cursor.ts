/**
 * The cursor file: how far the log has been consumed. Two slots, written in turn, each in a page of its own, so that the good one is never
 * touched (invariant 10).
 *
 *   at 0 and at 4096:  u32 magic | u32 crc of the rest | u16 version, 6 spare | u64 generation | u64 consumed | u64 synced | 8 log id
 *
 * consumed   everything below this sequence is done with
 * synced     everything below it was on disk when this was written: less in the log at the next start is damage, not a torn end
 */
import { crc32 } from 'node:zlib';
import { formatVersion, readSafe, refuseNewer, writeSafe } from './frame.ts';
import { codeOf, type FileSystem, type LogFile, readAll, writeAll } from './fs.ts';

const slotBytes = 4096;
const recordBytes = 48;
const magic = 0x4351_4d46; // 'FMQC'
export const cursorBytes = 2 * slotBytes;

export interface CursorState {
  readonly logId: string;
  readonly consumed: number;
  readonly synced: number;
}

interface Slot extends CursorState {
  readonly generation: number;
}

/** What the file says; `damaged` when a slot holds something that is not whole: the other one may then be a little old. */
export interface CursorFound {
  readonly state: Slot | undefined;
  readonly damaged: boolean;
}

export const cursorPath = (directory: string): string => `${directory}/cursor`;

/** Reads the cursor without changing anything. */
export async function readCursor(files: FileSystem, directory: string): Promise<CursorFound> {
  const path = cursorPath(directory);
  const pages = Buffer.alloc(cursorBytes);
  try {
    const file = await files.open(path, 'read');
    try {
      await readAll(file, pages, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { state: undefined, damaged: false };
    throw error;
  }
  const slots = [pages.subarray(0, slotBytes), pages.subarray(slotBytes)].map((page) => ({ page, slot: decodeSlot(page, path) }));
  const [first, second] = slots.map(({ slot }) => slot);
  return {
    state: first && second ? (first.generation > second.generation ? first : second) : (first ?? second),
    damaged: slots.some(({ page, slot }) => !slot && page.some((byte) => byte !== 0)),
  };
}

function encodeSlot(state: Slot): Buffer {
  const record = Buffer.alloc(recordBytes);
  record.writeUInt32LE(magic, 0);
  record.writeUInt16LE(formatVersion, 8);
  writeSafe(record, state.generation, 16);
  writeSafe(record, state.consumed, 24);
  writeSafe(record, state.synced, 32);
  record.write(state.logId, 40, 8, 'hex');
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
  return record;
}

function decodeSlot(page: Buffer, path: string): Slot | undefined {
  if (page.readUInt32LE(0) !== magic || crc32(page.subarray(8, recordBytes)) !== page.readUInt32LE(4)) return undefined;
  refuseNewer(page.readUInt16LE(8), path);
  return {
    generation: readSafe(page, 16),
    consumed: readSafe(page, 24),
    synced: readSafe(page, 32),
    logId: page.toString('hex', 40, 48),
  };
}

/** The open cursor of a log. One `save` at a time. */
export class Cursor {
  /** The last state that is on disk for sure. */
  saved: CursorState;
  #generation: number;
  readonly #file: LogFile;

  private constructor(file: LogFile, state: Slot) {
    this.#file = file;
    this.#generation = state.generation;
    this.saved = state;
  }

  /** Opens the file, or makes it; `state` is what recovery came to, and is on disk when this resolves. */
  static async open(files: FileSystem, directory: string, found: CursorFound, state: CursorState): Promise<Cursor> {
    const path = cursorPath(directory);
    const exists = (await files.list(directory)).includes('cursor');
    const file = await files.open(path, exists ? 'write' : 'create');
    const cursor = new Cursor(file, { ...state, generation: found.state?.generation ?? 0 });
    // What was read may be in the kernel's memory only, after a kill or a failed sync. The same bytes again, in the same sector: whatever a
    // power cut makes of that, the sector holds what it held or what was read.
    if (found.state) await cursor.#write(found.state);
    // Both pages get their blocks now, so that saving needs no room on a full disk.
    const size = await file.size();
    if (size < cursorBytes) await writeAll(file, Buffer.alloc(cursorBytes - size), size);
    await cursor.save(state.consumed, state.synced);
    await files.syncDirectory(directory);
    return cursor;
  }

  /** Resolves once it is on disk. Throws what the file system throws. */
  async save(consumed: number, synced: number): Promise<void> {
    const state = { logId: this.saved.logId, consumed, synced, generation: this.#generation + 1 };
    await this.#write(state);
    this.#generation = state.generation;
    this.saved = state;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(slot: Slot): Promise<void> {
    await writeAll(this.#file, encodeSlot(slot), (slot.generation % 2) * slotBytes);
    await this.#file.sync();
  }
}
