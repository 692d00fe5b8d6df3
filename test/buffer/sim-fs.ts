/**
 * A file system in memory that loses what a real one may lose. Each file has what the kernel holds (`cache`) and what the disk holds (`disk`);
 * names likewise. A power cut keeps, of all that was not synced, any choice of pages, sectors and names; a kill keeps the kernel's memory,
 * but may cut a write short. The same seed gives the same run.
 */
import type { FileSystem, LogFile } from '../../src/buffer/fs.ts';

const pageBytes = 4096;
const sectorBytes = 512;

class Inode {
  cache: Buffer = Buffer.alloc(0);
  disk: Buffer = Buffer.alloc(0);
  readonly dirty = new Set<number>();
  sizeChanged = false;
}

/** What a run of the simulation may do wrong on purpose; the product code knows nothing of it. */
export interface Sabotage {
  /** Syncs of files with such a name do nothing, and say that all is well. */
  readonly ignoreSync?: (path: string) => boolean;
  readonly ignoreSyncDirectory?: boolean;
}

export class SimFs implements FileSystem {
  /** How many more operations that change something until everything stops. */
  crashIn = Number.POSITIVE_INFINITY;
  /** How many more syncs until one fails, once. */
  failSyncIn = Number.POSITIVE_INFINITY;
  /** Bytes of all files together. */
  capacity = Number.POSITIVE_INFINITY;
  /** 0-1: writes that are cut short without an error. */
  shortWrites = 0.05;
  isDead = false;
  operations = 0;
  /** Resolves when the crash has come. */
  readonly crash: Promise<undefined>;
  #crashed: (nothing: undefined) => void = () => undefined;
  readonly random: () => number;
  readonly sabotage: Sabotage;
  #cached = new Map<string, Inode>();
  #onDisk = new Map<string, Inode>();

  constructor(random: () => number, sabotage: Sabotage = {}) {
    this.random = random;
    this.sabotage = sabotage;
    this.crash = new Promise((resolve) => {
      this.#crashed = resolve;
    });
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<LogFile> {
    await this.#turn();
    let inode = this.#cached.get(path);
    if (mode === 'create') {
      if (inode) throw failure('EEXIST', path);
      await this.#change();
      inode = new Inode();
      this.#cached.set(path, inode);
    }
    if (!inode) throw failure('ENOENT', path);
    return this.#file(path, inode);
  }

  async list(directory: string): Promise<string[]> {
    await this.#turn();
    return [...this.#cached.keys()].filter((path) => path.startsWith(`${directory}/`)).map((path) => path.slice(directory.length + 1));
  }

  async makeDirectory(): Promise<void> {
    await this.#turn();
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#change();
    if (this.sabotage.ignoreSyncDirectory) return;
    const isIn = (path: string) => path.startsWith(`${directory}/`);
    for (const path of [...this.#onDisk.keys()]) if (isIn(path) && !this.#cached.has(path)) this.#onDisk.delete(path);
    for (const [path, inode] of this.#cached) if (isIn(path)) this.#onDisk.set(path, inode);
  }

  async unlink(path: string): Promise<void> {
    await this.#change();
    if (!this.#cached.delete(path)) throw failure('ENOENT', path);
  }

  /** Nothing ends any more. */
  stop(): void {
    this.isDead = true;
    this.#crashed(undefined);
  }

  /** The machine lost power: what a start finds. */
  powerCut(): SimFs {
    const next = new SimFs(this.random, this.sabotage);
    const images = new Map<Inode, Inode>();
    for (const path of new Set([...this.#cached.keys(), ...this.#onDisk.keys()])) {
      const [cached, onDisk] = [this.#cached.get(path), this.#onDisk.get(path)];
      const inode = cached === onDisk || this.random() < 0.5 ? cached : onDisk;
      if (!inode) continue;
      const image = images.get(inode) ?? this.#image(inode);
      images.set(inode, image);
      next.#cached.set(path, image);
      next.#onDisk.set(path, image);
    }
    return next;
  }

  /** The process was killed, the machine runs on. */
  kill(): SimFs {
    const next = new SimFs(this.random, this.sabotage);
    next.#cached = this.#cached;
    next.#onDisk = this.#onDisk;
    return next;
  }

  /** Turns one bit round, anywhere; returns where. */
  flipBit(): string {
    const paths = [...this.#cached].filter(([, inode]) => inode.cache.length > 0);
    const [path, inode] = paths[Math.floor(this.random() * paths.length)] as [string, Inode];
    const at = Math.floor(this.random() * inode.cache.length);
    const mask = 1 << Math.floor(this.random() * 8);
    for (const bytes of new Set([inode.cache, inode.disk])) if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ mask;
    return `${path}:${at}`;
  }

  /** The bytes of a file as the kernel has them. */
  bytesOf(path: string): Buffer {
    return (this.#cached.get(path) as Inode).cache;
  }

  setBytes(path: string, bytes: Buffer): void {
    const inode = this.#cached.get(path) ?? new Inode();
    inode.cache = Buffer.from(bytes);
    inode.disk = Buffer.from(bytes);
    this.#cached.set(path, inode);
    this.#onDisk.set(path, inode);
  }

  #file(path: string, inode: Inode): LogFile {
    return {
      read: async (into, position) => {
        await this.#turn();
        return inode.cache.copy(into, 0, position, position + into.length);
      },
      write: async (bytes, position) => {
        const count = this.#room(
          this.random() < this.shortWrites ? Math.ceil(bytes.length * this.random()) : bytes.length,
          inode,
          position,
        );
        const isKilled = await this.#change(() => this.#write(inode, bytes.subarray(0, Math.floor(count * this.random())), position));
        if (isKilled) return never();
        this.#write(inode, bytes.subarray(0, count), position);
        return count;
      },
      sync: async () => {
        await this.#change();
        this.#sync(path, inode);
      },
      truncate: async (size) => {
        await this.#change();
        inode.cache = inode.cache.subarray(0, size);
        inode.sizeChanged = true;
        inode.dirty.add(Math.floor(size / pageBytes));
      },
      size: async () => inode.cache.length,
      close: () => this.#turn(),
    };
  }

  #room(wanted: number, inode: Inode, position: number): number {
    let used = 0;
    for (const { cache } of this.#cached.values()) used += cache.length;
    const count = Math.min(wanted, Math.max(0, this.capacity - used) + Math.max(0, inode.cache.length - position));
    if (count === 0) throw failure('ENOSPC', 'write');
    return count;
  }

  #write(inode: Inode, bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > inode.cache.length) {
      const grown = Buffer.alloc(end);
      inode.cache.copy(grown);
      inode.cache = grown;
      inode.sizeChanged = true;
    }
    inode.cache.set(bytes, position);
    for (let page = Math.floor(position / pageBytes); page * pageBytes < end; page++) inode.dirty.add(page);
  }

  #sync(path: string, inode: Inode): void {
    if (--this.failSyncIn === 0) {
      inode.dirty.clear(); // as Linux does it: what could not be written counts as clean from now on
      throw failure('EIO', path);
    }
    if (this.sabotage.ignoreSync?.(path)) return;
    const disk = Buffer.alloc(inode.cache.length);
    inode.disk.copy(disk);
    for (const page of inode.dirty)
      disk.set(inode.cache.subarray(page * pageBytes, (page + 1) * pageBytes), Math.min(page * pageBytes, disk.length));
    inode.disk = disk;
    inode.dirty.clear();
    inode.sizeChanged = false;
  }

  /** What the disk holds of a file after a power cut. */
  #image(inode: Inode): Inode {
    const reach = inode.sizeChanged && this.random() < 0.7 ? inode.cache.length : Math.min(inode.disk.length, inode.cache.length);
    let end = Math.min(Math.max(inode.disk.length, 0), reach);
    const image = Buffer.alloc(Math.max(inode.disk.length, inode.cache.length));
    inode.disk.copy(image);
    for (const page of inode.dirty) {
      if (this.random() < 0.4) continue;
      const isTorn = this.random() < 0.4;
      for (let at = page * pageBytes; at < Math.min((page + 1) * pageBytes, reach); at += sectorBytes) {
        if (isTorn && this.random() < 0.5) continue;
        const to = Math.min(at + sectorBytes, inode.cache.length);
        inode.cache.copy(image, at, at, to);
        end = Math.max(end, to);
      }
    }
    if (this.random() < 0.3) end = Math.max(end, reach);
    const found = new Inode();
    found.cache = image.subarray(0, end);
    found.disk = Buffer.from(found.cache);
    return found;
  }

  /** An operation that takes a while; on a dead machine for ever. */
  async #turn(): Promise<void> {
    this.operations++;
    if (this.random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
    if (this.isDead) await never();
  }

  /** An operation that changes something: the crash comes before it, or in its midst. True when it was in its midst. */
  async #change(inMidst?: () => void): Promise<boolean> {
    await this.#turn();
    if (--this.crashIn > 0) return false;
    if (inMidst && this.random() < 0.5) inMidst();
    this.stop();
    return never();
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
