/** The byte layout of frames and segment headers (drawn in log.ts). Pure functions. */
import { crc32 } from 'node:zlib';
import { MqferryError } from '../errors.ts';

export const frameHeaderBytes = 40;
export const segmentHeaderBytes = 40;
export const formatVersion = 1;
/** Of a segment whose frames are encrypted (cipher.ts). */
const encryptedVersion = 2;

const frameMagic = 0x4651_4d46; // 'FMQF'
const segmentMagic = 0x5351_4d46; // 'FMQS'
/** The magic as it stands in the file, to look for frames behind damage. */
export const frameMark = Buffer.from([0x46, 0x4d, 0x51, 0x46]);

export interface FrameHeader {
  /** With this header. */
  readonly bytes: number;
  readonly crc: number;
  /** Sequence of its first record. */
  readonly base: number;
  readonly count: number;
  /** Wall clock when it was written. */
  readonly timeMs: number;
  /** Everything below this sequence was synced before the frame was written. */
  readonly synced: number;
}

/** Fills in the header of a frame whose records stand behind it. */
export function sealFrame(frame: Buffer, salt: number, header: Omit<FrameHeader, 'bytes' | 'crc'>): void {
  frame.writeUInt32LE(frameMagic, 0);
  frame.writeUInt32LE(frame.length, 4);
  frame.writeUInt32LE(header.count, 12);
  writeSafe(frame, header.base, 16);
  writeSafe(frame, header.timeMs, 24);
  writeSafe(frame, header.synced, 32);
  frame.writeUInt32LE(frameCrc(frame, salt), 8);
}

/** The header at `at`, as it says of itself; undefined when there is none. Only {@link isWhole} makes it true. */
export function readFrameHeader(buffer: Buffer, at: number): FrameHeader | undefined {
  if (buffer.length - at < frameHeaderBytes || buffer.readUInt32LE(at) !== frameMagic) return undefined;
  const bytes = buffer.readUInt32LE(at + 4);
  if (bytes < frameHeaderBytes) return undefined;
  return {
    bytes,
    crc: buffer.readUInt32LE(at + 8),
    count: buffer.readUInt32LE(at + 12),
    base: readSafe(buffer, at + 16),
    timeMs: readSafe(buffer, at + 24),
    synced: readSafe(buffer, at + 32),
  };
}

/** Whether the frame is what was once written, to the last bit, in this very segment. `frame` has its header's length. */
export function isWhole(frame: Buffer, header: FrameHeader, salt: number): boolean {
  return frame.length === header.bytes && frameCrc(frame, salt) === header.crc;
}

// The length is in it too, as the CRC covers so many bytes; and the salt of the segment, so that no bytes of an older file pass.
function frameCrc(frame: Buffer, salt: number): number {
  return crc32(frame.subarray(12), salt);
}

export interface SegmentHeader {
  /** Sequence of the first record; the file is named after it. */
  readonly base: number;
  readonly salt: number;
  /** The log it belongs to. */
  readonly logId: string;
  readonly isEncrypted: boolean;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const buffer = Buffer.alloc(segmentHeaderBytes);
  buffer.writeUInt32LE(segmentMagic, 0);
  buffer.writeUInt16LE(header.isEncrypted ? encryptedVersion : formatVersion, 4);
  writeSafe(buffer, header.base, 8);
  buffer.write(header.logId, 16, 8, 'hex');
  buffer.writeUInt32LE(header.salt, 24);
  buffer.writeUInt32LE(crc32(buffer.subarray(0, 36)), 36);
  return buffer;
}

/** Undefined when it is not whole. Throws when a newer mqferry has written it. */
export function decodeSegmentHeader(buffer: Buffer, path: string): SegmentHeader | undefined {
  if (buffer.length < segmentHeaderBytes || buffer.readUInt32LE(0) !== segmentMagic) return undefined;
  if (crc32(buffer.subarray(0, 36)) !== buffer.readUInt32LE(36)) return undefined;
  const version = buffer.readUInt16LE(4);
  refuseNewer(version, path);
  const isEncrypted = version === encryptedVersion;
  return { base: readSafe(buffer, 8), logId: buffer.toString('hex', 16, 24), salt: buffer.readUInt32LE(24), isEncrypted };
}

export function refuseNewer(version: number, path: string): void {
  if (version <= encryptedVersion) return;
  throw new MqferryError('BUFFER_FAILED', `${path} has format ${version}, this mqferry knows ${encryptedVersion}; use the newer mqferry`);
}

/** A whole number up to 2^53 as 64 bits. */
export function writeSafe(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32LE(value % 2 ** 32, at);
  buffer.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}

export function readSafe(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at) + buffer.readUInt32LE(at + 4) * 2 ** 32;
}
