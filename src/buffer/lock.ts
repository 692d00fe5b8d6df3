/**
 * One owner per data directory. Who wants it listens on a socket of its own in the directory `lock`, and looks at the others there: when one
 * answers, it withdraws. The kernel closes the sockets of a killed process, so a file that does not answer is a dead one's and can go.
 * Works between containers that share the directory; not over a network file system.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MqferryError } from '../errors.ts';
import { codeOf } from './fs.ts';

export interface DirectoryLock {
  /** Safe to call twice. */
  release(): Promise<void>;
}

/** Two that come at once may both withdraw: so they come again, each at its own time. */
const attempts = 8;
const pauseMs = 30;
const unfinished = '.new';

/** Takes the directory, which must exist, until `release` or the end of the process. Throws DATA_LOCKED when somebody has it. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  await mkdir(`${directory}/lock`, { recursive: true, mode: 0o700 });
  const handle = await open(`${directory}/lock`);
  try {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const lock = await tryLock(handle, directory);
      if (lock) return lock;
      await sleep(Math.random() * pauseMs * attempt);
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  throw new MqferryError(
    'DATA_LOCKED',
    `the data directory ${directory} is in use by another mqferry; stop it, or choose another with --data`,
  );
}

async function tryLock(handle: FileHandle, directory: string): Promise<DirectoryLock | undefined> {
  const sockets = shortPath(handle, directory);
  const own = randomBytes(8).toString('hex');
  const server = await listen(`${sockets}/${own}${unfinished}`);
  // Only what listens has such a name; so who does not answer is dead.
  await rename(`${sockets}/${own}${unfinished}`, `${sockets}/${own}`);
  if (await isAlone(sockets, own)) return { release: () => release(server, handle, `${sockets}/${own}`) };
  await close(server, `${sockets}/${own}`);
  return undefined;
}

// A socket's path has at most 107 bytes. On Linux a directory can be named by its open handle, however long its path is.
function shortPath(handle: FileHandle, directory: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : `${directory}/lock`;
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

/** Whether nobody else answers. Removes the sockets of the dead. */
async function isAlone(sockets: string, own: string): Promise<boolean> {
  for (const name of await readdir(sockets)) {
    if (name === own || name.endsWith(unfinished)) continue;
    if (await answers(`${sockets}/${name}`)) return false;
    await remove(`${sockets}/${name}`);
  }
  return true;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    // Whatever it is but a dead or absent socket: better to refuse than to share.
    socket.once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(codeOf(error) ?? '')));
  });
}

async function close(server: Server, path: string): Promise<void> {
  await remove(path);
  await new Promise((resolve) => server.close(resolve));
}

async function release(server: Server, handle: FileHandle, path: string): Promise<void> {
  if (!server.listening) return;
  await close(server, path);
  await handle.close();
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
