/** Looking at a buffer without changing it: what `mqferry buffer ls`, `verify` and `dump` show. */
import { describeError } from '../errors.ts';
import type { Message } from '../message.ts';
import { cursorBytes, readCursor } from './cursor.ts';
import { type FileSystem, realFiles } from './fs.ts';
import { MessageDecoder } from './record.ts';
import { segmentBases } from './recover.ts';
import { type Frame, FrameReader, opened, readSegmentHeader, segmentPath, wasSynced } from './segment.ts';

export interface BufferSize {
  /** Of what keeps keys, keys. */
  readonly messages: number;
  readonly bytes: number;
}

/** How many messages wait in a buffer, and what its files take. Reads the cursor and the last segment. */
export async function sizeOfBuffer(directory: string, files = realFiles): Promise<BufferSize> {
  const bases = await segmentBases(files, directory);
  const { state } = await readCursor(files, directory);
  let bytes = state ? cursorBytes : 0;
  let end = bases[0] ?? 1;
  for (const [i, base] of bases.entries()) {
    const isLast = i === bases.length - 1;
    const found = await walk(files, directory, base, isLast ? () => undefined : undefined);
    bytes += found.size;
    end = found.next ?? base;
  }
  return { messages: Math.max(0, end - (state?.consumed ?? bases[0] ?? 1)), bytes };
}

export interface BufferReport extends BufferSize {
  readonly segments: number;
  readonly frames: number;
  /** Bytes behind the last whole frame: a write that a crash cut short, never promised to anybody; the next start removes them. */
  readonly tornBytes: number;
  /** Damage: sentences with file and place. Empty when all is well. */
  readonly problems: readonly string[];
}

/** Checks every byte. */
export async function verifyBuffer(directory: string, files = realFiles): Promise<BufferReport> {
  const bases = await segmentBases(files, directory);
  const cursor = await readCursor(files, directory);
  const consumed = cursor.state?.consumed ?? bases[0] ?? 1;
  const problems: string[] = [];
  let [bytes, frames, tornBytes, next] = [cursor.state ? cursorBytes : 0, 0, 0, bases[0] ?? 1];
  if (!cursor.state && bases.length > 0) problems.push(`${directory}/cursor: missing or damaged; everything would be sent again`);
  for (const [i, base] of bases.entries()) {
    const path = segmentPath(directory, base);
    if (base !== next && base > consumed) problems.push(`${path}: starts at message ${base}, ${next} was expected`);
    const found = await walk(files, directory, base, () => void frames++);
    bytes += found.size;
    next = found.next ?? base;
    if (found.problem && (i < bases.length - 1 ? (bases[i + 1] as number) !== next : found.isDamage)) problems.push(found.problem);
    else if (i === bases.length - 1) tornBytes = found.size - found.end;
  }
  const promised = cursor.state?.synced ?? 1;
  if (promised > Math.max(next, consumed)) problems.push(`${directory}: messages ${next} to ${promised - 1} were on disk and are gone`);
  return { messages: Math.max(0, next - consumed), bytes, segments: bases.length, frames, tornBytes, problems };
}

export interface DumpedMessage {
  readonly sequence: number;
  readonly message: Message;
}

/** The messages that wait, in order. Ends at the first damage with an error. */
export async function* dumpBuffer(directory: string, files = realFiles): AsyncGenerator<DumpedMessage> {
  const { state } = await readCursor(files, directory);
  const decoder = new MessageDecoder(state?.logId ?? '');
  for await (const { buffer, start, end, sequence } of recordsIn(directory, files))
    yield { sequence, message: decoder.decode(buffer, start, end, sequence) };
}

export interface StoredRecord {
  readonly sequence: number;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

/** The records of a log that are not consumed, in order. Ends at the first damage with an error. */
export async function* recordsIn(directory: string, files = realFiles): AsyncGenerator<StoredRecord> {
  const { state } = await readCursor(files, directory);
  const from = state?.consumed ?? 0;
  for (const base of await segmentBases(files, directory)) {
    const frames: { readonly frame: Frame; readonly segment: Sealing }[] = [];
    const found = await walk(files, directory, base, (frame, segment) => {
      if (frame.header.base + frame.header.count > from) frames.push({ frame, segment });
    });
    for (const { frame, segment } of frames) yield* recordsOf(opened(frame, segment, files), from);
    if (found.isDamage) throw new Error(found.problem);
  }
}

function* recordsOf({ buffer, header, start: first }: Frame, from: number): Generator<StoredRecord> {
  let at = first;
  for (let sequence = header.base; sequence < header.base + header.count; sequence++) {
    const start = at + 4;
    at = start + buffer.readUInt32LE(at);
    if (sequence >= from) yield { sequence, buffer, start, end: at };
  }
}

interface Walked {
  readonly size: number;
  /** Where the last whole frame ends. */
  readonly end: number;
  /** Undefined when the frames were not looked at. */
  readonly next: number | undefined;
  readonly problem: string | undefined;
  /** What is not whole had been synced. */
  readonly isDamage: boolean;
}

type Sealing = Parameters<typeof opened>[1];

/** Goes through a segment; without `visit` only its size is looked at. */
async function walk(files: FileSystem, directory: string, base: number, visit?: (frame: Frame, segment: Sealing) => void): Promise<Walked> {
  const path = segmentPath(directory, base);
  const file = await files.open(path, 'read');
  try {
    const size = await file.size();
    if (!visit) return { size, end: size, next: undefined, problem: undefined, isDamage: false };
    const header = await readSegmentHeader(file, path);
    if (!header || header.base !== base)
      return { size, end: 0, next: base, problem: `${path}: its header is damaged`, isDamage: size > 40 };
    const reader = new FrameReader(file, header);
    for (let frame = await reader.next(size); frame; frame = await reader.next(size)) visit(frame, { path, ...header });
    const { position: end, sequence: next } = reader;
    if (end === size) return { size, end, next, problem: undefined, isDamage: false };
    const isDamage = await wasSynced(file, end + 1, size, header.salt, next);
    return { size, end, next, problem: `${path}: no whole frame with message ${next} at byte ${end}`, isDamage };
  } catch (error) {
    return { size: 0, end: 0, next: base, problem: `${path}: ${describeError(error)}`, isDamage: true };
  } finally {
    await file.close();
  }
}
