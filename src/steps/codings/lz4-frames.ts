/** How long LZ4 frames will be, found without making them: the decoder knows no limit. */
import { broken, framesMax, tooLarge } from './coding.ts';

const magic = 0x184d2204;

/** The frames of a body, without those that are to be skipped. Throws TOO_LARGE when they would make more than `maxBytes` together. */
export function lz4Frames(body: Buffer, maxBytes: number): Buffer[] {
  const frames: Buffer[] = [];
  const room = { bytes: maxBytes, maxBytes };
  let at = 0;
  while (at < body.length) {
    const start = at;
    at = word(body, at) === magic ? endOfFrame(body, at, room) : endOfSkipped(body, at);
    if (at > body.length || frames.length === framesMax) throw broken('LZ4');
    if (word(body, start) === magic) frames.push(body.subarray(start, at));
  }
  if (frames.length === 0) throw broken('LZ4');
  return frames;
}

interface RoomLeft {
  bytes: number;
  readonly maxBytes: number;
}

function endOfSkipped(body: Buffer, start: number): number {
  if ((word(body, start) & 0xfffffff0) >>> 0 !== 0x184d2a50) throw broken('LZ4');
  return start + 8 + word(body, start + 4);
}

/** Magic, flags, block descriptor, [content size], [dictionary], checksum; blocks, each [with checksum]; end mark, [checksum]. */
function endOfFrame(body: Buffer, start: number, room: RoomLeft): number {
  const flags = body[start + 4] ?? 0;
  const hasBlockSums = (flags & 0x10) !== 0;
  let at = start + 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  for (;;) {
    const size = word(body, at);
    at += 4;
    if (size === 0) break;
    const bytes = size & 0x7fffffff;
    if (at + bytes > body.length) throw broken('LZ4');
    if (size > 0x7fffffff) take(room, bytes);
    else takeBlock(body, at, at + bytes, room);
    at += bytes + (hasBlockSums ? 4 : 0);
  }
  return at + ((flags & 0x04) !== 0 ? 4 : 0);
}

/** Tokens: a length of literals, the literals, the offset of a match, its length. The last one ends with its literals. */
function takeBlock(body: Buffer, start: number, end: number, room: RoomLeft): void {
  let at = start;
  const more = (nibble: number): number => {
    let length = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; length += byte) byte = at < end ? (body[at++] as number) : 0;
    return length;
  };
  while (at < end) {
    const token = body[at++] as number;
    const literals = more(token >> 4);
    take(room, literals);
    at += literals;
    if (at >= end) break;
    at += 2;
    take(room, more(token & 15) + 4);
  }
}

function take(room: RoomLeft, bytes: number): void {
  room.bytes -= bytes;
  if (room.bytes < 0) throw tooLarge(room.maxBytes);
}

function word(body: Buffer, at: number): number {
  if (at + 4 > body.length) throw broken('LZ4');
  return body.readUInt32LE(at);
}
