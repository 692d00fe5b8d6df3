/** The segment files of an open log: which there are, which one is written to, how many bytes they take. */
import { cipherBytes } from './cipher.ts';
import { type FrameHeader, sealFrame } from './frame.ts';
import { type FileSystem, type LogFile, writeAll } from './fs.ts';
import { createSegment, type Segment, synced } from './segment.ts';

interface Active {
  readonly segment: Segment;
  readonly file: LogFile;
}

export class Segments {
  /** In order; the last one may be the active one. */
  readonly list: Segment[];
  /** Of all segment files together. */
  bytes: number;
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #logId: string;
  readonly #segmentBytes: number;
  #active: Active | undefined;

  constructor(files: FileSystem, directory: string, logId: string, segmentBytes: number, recovered: Segment[]) {
    this.#files = files;
    this.#directory = directory;
    this.#logId = logId;
    this.#segmentBytes = segmentBytes;
    this.list = recovered;
    this.bytes = recovered.reduce((sum, segment) => sum + segment.end, 0);
  }

  /** The segment that takes a frame of so many bytes. After a start always a new one (invariant 8). */
  async forFrame(bytes: number, base: number): Promise<Segment> {
    const active = this.#active;
    if (active && (active.segment.next === active.segment.base || active.segment.end + bytes <= this.#segmentBytes)) return active.segment;
    await this.#seal();
    const made = await createSegment(this.#files, this.#directory, base, this.#logId);
    this.#active = made;
    this.list.push(made.segment);
    this.bytes += made.segment.end;
    return made.segment;
  }

  /** What a frame of so many bytes takes on disk. */
  sizeOf(bytes: number): number {
    return this.#files.cipher ? bytes + cipherBytes : bytes;
  }

  /** Seals a frame and writes it behind the last one of the active segment; not yet counted as part of it. */
  async write(frame: Buffer, header: Omit<FrameHeader, 'bytes' | 'crc'>): Promise<void> {
    const { file, segment } = this.#active as Active;
    const whole = this.#files.cipher?.encrypt(frame, segment.salt, header) ?? frame;
    sealFrame(whole, segment.salt, header);
    await writeAll(file, whole, segment.end);
  }

  /** The frame just written is part of the log. */
  grow(bytes: number, count: number): void {
    const { segment } = this.#active as Active;
    segment.end += bytes;
    segment.next += count;
    this.bytes += bytes;
  }

  /** Resolves once all that was written is on disk. Throws BUFFER_FAILED. */
  async sync(): Promise<void> {
    if (this.#active) await synced(this.#active.file, this.#active.segment.path);
  }

  /**
   * Removes the files that hold nothing from `consumed` on, the oldest first; true if there were any. The active one only when `room` is
   * short, and only by letting go of it: its name is never used again, as it holds records.
   */
  async removeBelow(consumed: number, room: boolean): Promise<boolean> {
    const gone: Segment[] = [];
    let letGo: LogFile | undefined;
    for (const segment of this.list) {
      const isActive = segment === this.#active?.segment;
      if (segment.next > consumed || (isActive && (!room || segment.next === segment.base))) break;
      if (isActive) {
        letGo = this.#active?.file;
        this.#active = undefined;
      }
      gone.push(segment);
    }
    this.list.splice(0, gone.length);
    await letGo?.close();
    for (const segment of gone) {
      await this.#files.unlink(segment.path);
      this.bytes -= segment.end;
    }
    return gone.length > 0;
  }

  /** Closes the active file; what it holds must be synced before. */
  async close(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    await active?.file.close();
  }

  /** Complete and on disk before the next one starts (invariant 4). */
  async #seal(): Promise<void> {
    await this.sync();
    await this.close();
  }
}
