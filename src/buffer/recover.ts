/**
 * What a start finds, and makes of it: the segments that still count, with the torn end of the last one cut off, and the cursor. Damage in
 * what was once synced throws BUFFER_FAILED; nothing is ever passed over in silence.
 */
import { randomBytes } from 'node:crypto';
import type { Log } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import { missing } from './cipher.ts';
import { Cursor, type CursorFound, readCursor } from './cursor.ts';
import { segmentHeaderBytes } from './frame.ts';
import { type FileSystem, type LogFile, readAll, writeAll } from './fs.ts';
import { baseOf, type Frame, FrameReader, opened, readSegmentHeader, type Segment, segmentPath, synced, wasSynced } from './segment.ts';

export interface Recovered {
  readonly cursor: Cursor;
  readonly segments: Segment[];
  /** The sequence of the next record. */
  readonly next: number;
  /** When the oldest record was written, at the latest; undefined when there is none. */
  readonly oldestMs: number | undefined;
}

/** Opens what is in the directory, which it makes if need be. */
export async function recover(files: FileSystem, directory: string, log: Log): Promise<Recovered> {
  await files.makeDirectory(directory);
  const found = await readCursor(files, directory);
  const bases = await segmentBases(files, directory);
  const segments = await openTail(files, directory, bases, found.state?.consumed ?? 0);
  const first = segments[0];
  const logId = found.state?.logId ?? first?.logId ?? randomBytes(8).toString('hex');
  for (const segment of segments) if (segment.logId !== logId) throw damaged(segment.path, 'it belongs to another buffer');
  const consumed = startOf(found, first, directory, log);
  const end = segments.at(-1)?.next ?? 1;
  checkEnd(found, end, directory);
  const next = Math.max(end, consumed);
  const cursor = await Cursor.open(files, directory, found, { logId, consumed, synced: next });
  // Only now: the cursor that was read may not have been on disk (invariant 11).
  const kept = await dropConsumed(files, segments, consumed);
  return { cursor, segments: kept, next, oldestMs: kept[0] && (await firstTime(files, kept[0])) };
}

/** The bases of the segments in a directory, in order. */
export async function segmentBases(files: FileSystem, directory: string): Promise<number[]> {
  const bases = (await files.list(directory)).map(baseOf).filter((base) => base !== undefined);
  return bases.sort((a, b) => a - b);
}

type Opened = Segment & { readonly logId: string };

/** The segments, checked; an empty last one is removed, the end of the last one is found and a torn rest cut off. */
async function openTail(files: FileSystem, directory: string, bases: number[], consumed: number): Promise<Opened[]> {
  const segments: Opened[] = [];
  let emptyAt: number | undefined;
  for (let i = bases.length - 1; i >= 0; i--) {
    const path = segmentPath(directory, bases[i] as number);
    const isTail = segments.length === 0;
    const segment = await openSegment(files, path, bases[i] as number, isTail, segments[0]?.base);
    if (segment) {
      // Before an empty segment stood one that was complete, as the roll comes after the sync (invariant 4); or, when its removal was
      // lost, one that lies below the cursor.
      if (isTail && emptyAt !== undefined && segment.next !== emptyAt && emptyAt > consumed)
        throw damaged(path, `it ends at ${segment.next}, not at ${emptyAt}`);
      segments.unshift(segment);
    } else {
      emptyAt ??= bases[i] as number;
      await files.unlink(path);
      await files.syncDirectory(directory); // the name will be used again (invariant 8)
    }
  }
  return segments;
}

async function openSegment(files: FileSystem, path: string, base: number, isTail: boolean, next: number | undefined) {
  const file = await files.open(path, isTail ? 'write' : 'read');
  try {
    const size = await file.size();
    const header = await readSegmentHeader(file, path);
    // The header is synced before the first frame is written: without frames it may be torn.
    if (!header && isTail && size <= segmentHeaderBytes) return undefined;
    if (!header) throw damaged(path, 'its header is not what was written');
    if (header.base !== base) throw damaged(path, `it says that it starts at ${header.base}`);
    if (header.isEncrypted && !files.cipher) throw missing(path, 'a key');
    const segment = { path, base, salt: header.salt, isEncrypted: header.isEncrypted, logId: header.logId };
    if (!isTail) return { ...segment, next: next as number, end: size };
    const end = await cutTornEnd(file, path, header, size);
    return end.next === base ? undefined : { ...segment, ...end };
  } finally {
    await file.close();
  }
}

/** Finds the end of the last segment and makes it true: nothing behind it, everything before it on disk. */
async function cutTornEnd(file: LogFile, path: string, header: { base: number; salt: number }, size: number) {
  const reader = new FrameReader(file, header);
  const starts: { base: number; position: number }[] = [];
  let last: Frame | undefined;
  for (
    let position = reader.position, frame = await reader.next(size);
    frame;
    position = reader.position, frame = await reader.next(size)
  ) {
    starts.push({ base: frame.header.base, position });
    last = frame;
  }
  const { position, sequence } = reader;
  if (position < size) {
    if (await wasSynced(file, position + 1, size, header.salt, sequence))
      throw damaged(path, `at byte ${position} there is no whole frame, but later ones are whole`);
    await file.truncate(position);
  }
  // What the frames themselves do not know to be on disk is written again: after a failed sync the kernel holds it for clean, and a sync of
  // it would do nothing. Mostly that is the last frame.
  const unsure = starts.find(({ base }) => base >= (last?.header.synced ?? 0));
  if (unsure) await copyOver(file, unsure.position, position);
  await synced(file, path);
  return { end: position, next: sequence };
}

async function copyOver(file: LogFile, from: number, to: number): Promise<void> {
  const chunk = Buffer.allocUnsafeSlow(Math.min(to - from, 1024 * 1024));
  for (let at = from; at < to; at += chunk.length) {
    const count = await readAll(file, chunk.subarray(0, to - at), at);
    await writeAll(file, chunk.subarray(0, count), at);
  }
}

/** Where consuming goes on. The cursor is on disk before a segment is removed, so a gap before the first segment is a loss. */
function startOf(found: CursorFound, first: Segment | undefined, directory: string, log: Log): number {
  const base = first?.base ?? 1;
  if (!found.state) {
    if (first) log.warn({ directory, from: base }, 'the cursor of the buffer is gone: everything in the buffer is sent again');
    return base;
  }
  const { consumed } = found.state;
  if (found.damaged) log.warn({ directory, from: consumed }, 'one of two cursors of the buffer is damaged, the one before is used');
  if (!first || consumed >= base) return consumed;
  if (!found.damaged) throw damaged(directory, `messages ${consumed} to ${base - 1} are gone, the first segment starts at ${base}`);
  return base;
}

function checkEnd(found: CursorFound, end: number, directory: string): void {
  if (!found.state) return;
  const { consumed, synced: promised } = found.state;
  if (promised > Math.max(end, consumed)) throw damaged(directory, `messages ${end} to ${promised - 1} were on disk and are gone`);
}

/** Removes the segments that a crash kept from being removed, the oldest first. */
async function dropConsumed(files: FileSystem, segments: readonly Opened[], consumed: number): Promise<Segment[]> {
  const kept: Segment[] = [];
  for (const { logId: _, ...segment } of segments) {
    if (segment.next <= consumed) await files.unlink(segment.path);
    else kept.push(segment);
  }
  return kept;
}

/** When the oldest record was written. Throws BUFFER_FAILED when it is encrypted with a key that is not there: then nothing may be put behind it. */
async function firstTime(files: FileSystem, segment: Segment): Promise<number | undefined> {
  const reader = new FrameReader(await files.open(segment.path, 'read'), segment, 64 * 1024);
  try {
    const frame = await reader.next(segment.end);
    return frame && opened(frame, segment, files).header.timeMs;
  } finally {
    await reader.close();
  }
}

export function damaged(path: string, what: string): MqferryError {
  return new MqferryError('BUFFER_FAILED', `the buffer is damaged: ${path}: ${what}; look with \`mqferry buffer verify\``);
}
