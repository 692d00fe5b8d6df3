import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockDirectory } from '../../src/buffer/lock.ts';

const lockFile = join(import.meta.dirname, '../../src/buffer/lock.ts');

describe('the lock of a data directory', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mqferry-lock-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test('is refused to a second owner, with the name of the directory', async () => {
    const lock = await lockDirectory(directory);
    await expect(lockDirectory(directory)).rejects.toMatchObject({ code: 'DATA_LOCKED', message: expect.stringContaining(directory) });
    await lock.release();
  });

  test('can be taken again after its release, and leaves nothing behind', async () => {
    const lock = await lockDirectory(directory);
    await lock.release();
    await lock.release();
    expect(readdirSync(join(directory, 'lock'))).toEqual([]);
    await (await lockDirectory(directory)).release();
  });

  test('works in a directory whose path is longer than a socket may have', async () => {
    const deep = join(directory, 'x'.repeat(100), 'y'.repeat(100));
    await mkdir(deep, { recursive: true });
    const lock = await lockDirectory(deep);
    await expect(lockDirectory(deep)).rejects.toMatchObject({ code: 'DATA_LOCKED' });
    await lock.release();
  });

  test('holds against another process, and is free again once that was killed', async () => {
    const child = await otherOwner(directory);
    await expect(lockDirectory(directory)).rejects.toMatchObject({ code: 'DATA_LOCKED' });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    expect(readdirSync(join(directory, 'lock'))).toHaveLength(1);
    await (await lockDirectory(directory)).release();
  });

  test('never goes to more than one of many that find what a killed owner left', async () => {
    for (let round = 0; round < 5; round++) {
      const child = await otherOwner(directory);
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));
      const owners = results.filter((result) => result.status === 'fulfilled');
      expect(owners.length).toBeLessThanOrEqual(1);
      await owners[0]?.value.release();
      await (await lockDirectory(directory)).release();
    }
  });
});

async function otherOwner(directory: string) {
  const script = `import { lockDirectory } from ${JSON.stringify(lockFile)};
    await lockDirectory(${JSON.stringify(directory)}); console.log('locked'); setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}
