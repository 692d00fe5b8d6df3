/** The little that the log asks of a file system, so that tests can put a faulty one in its place. */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Cipher } from './cipher.ts';

export interface LogFile {
  /** Bytes read into `into` from `position` on; fewer than asked for, even 0, at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Bytes written; may be fewer than given. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Resolves once all that was written, and the size, would survive a power cut. */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  /** Waits for reads and writes under way. */
  close(): Promise<void>;
}

export interface FileSystem {
  /** `create` fails when the file exists. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<LogFile>;
  /** The names in a directory; empty when there is no such directory. */
  list(directory: string): Promise<string[]>;
  /** Makes the directory, its parents too, for this user only; their names are synced. */
  makeDirectory(directory: string): Promise<void>;
  /** Resolves once the names in the directory would survive a power cut. */
  syncDirectory(directory: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Logs are written encrypted. */
  readonly cipher?: Cipher | undefined;
}

/** A buffer's directory, its route's, `routes`, and the data directory. */
const ancestorsMax = 4;

/** The real one. */
export const realFiles: FileSystem = {
  async open(path, mode) {
    const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = constants;
    const flags = { read: O_RDONLY, write: O_RDWR, create: O_RDWR | O_CREAT | O_EXCL }[mode];
    return wrap(await open(path, flags, 0o600));
  },
  async list(directory) {
    try {
      return await readdir(directory);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  },
  async makeDirectory(directory) {
    const path = resolve(directory);
    await mkdir(path, { recursive: true, mode: 0o700 });
    // A process killed between mkdir and sync leaves names that nobody else would sync: so always, and up to where they are not ours.
    for (let made = path, level = 0; made !== '/' && level < ancestorsMax; made = dirname(made), level++) {
      try {
        await this.syncDirectory(dirname(made));
      } catch (error) {
        if (codeOf(error) !== 'EACCES' && codeOf(error) !== 'EPERM') throw error;
      }
    }
  },
  async syncDirectory(directory) {
    if (process.platform === 'win32') return; // it has no such thing
    const handle = await open(directory, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  unlink: (path) => unlink(path),
};

/** The real one, with what is written to logs encrypted. */
export function encryptedFiles(cipher: Cipher): FileSystem {
  return { ...realFiles, cipher };
}

function wrap(handle: FileHandle): LogFile {
  return {
    read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
    write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
    sync: () => handle.datasync(),
    truncate: (size) => handle.truncate(size),
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  };
}

/** Writes everything: a write may be short without an error. */
export async function writeAll(file: LogFile, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const count = await file.write(done === 0 ? bytes : bytes.subarray(done), position + done);
    if (count === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
    done += count;
  }
}

/** Fills `into` as far as the file goes; returns the bytes read. */
export async function readAll(file: LogFile, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const count = await file.read(done === 0 ? into : into.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** The errors that pass once somebody makes room. */
export function isDiskFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** `ENOENT` and its like. */
export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
