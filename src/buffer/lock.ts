/**
 * One owner per data directory: who listens on the socket `lock` in it. The kernel closes the socket of a killed owner, so that a stale file
 * is told from a live one by connecting. Works between containers that share the directory; not over a network file system.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { MqferryError } from '../errors.ts';
import { codeOf } from './fs.ts';

export interface DirectoryLock {
  /** Safe to call twice. */
  release(): Promise<void>;
}

/** Takes the directory, which must exist, until `release` or the end of the process. Throws DATA_LOCKED when somebody has it. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const handle = await open(directory);
  try {
    const server = await take(handle, directory);
    return { release: () => release(server, handle) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function take(handle: FileHandle, directory: string): Promise<Server> {
  const path = `${shortPath(handle, directory)}/lock`;
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      return await listen(path);
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE') throw error;
    }
    if (await isAlive(path)) break;
    await removeStale(path);
  }
  throw new MqferryError(
    'DATA_LOCKED',
    `the data directory ${directory} is in use by another mqferry; stop it, or choose another with --data`,
  );
}

// A socket's path has at most 107 bytes. On Linux a directory can be named by its open handle, however long its path is.
function shortPath(handle: FileHandle, directory: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : directory;
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    // Whatever it is but a dead or absent socket: better to refuse than to share.
    socket.once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(codeOf(error) ?? '')));
  });
}

/** Two may find the same stale file. It is moved away and looked at again, so that neither removes what the other has just made. */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
    if (await isAlive(aside)) await link(aside, path);
    await unlink(aside);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(codeOf(error) ?? '')) throw error; // somebody else was quicker: look again
  }
}

async function release(server: Server, handle: FileHandle): Promise<void> {
  if (!server.listening) return;
  await new Promise((resolve) => server.close(resolve)); // removes the file, by way of the handle
  await handle.close();
}
