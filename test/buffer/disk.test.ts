/** The buffer on a real file system. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DiskOptions, openBuffer, type RouteBuffer } from '../../src/buffer/buffer.ts';
import { Cipher } from '../../src/buffer/cipher.ts';
import { encryptedFiles, realFiles } from '../../src/buffer/fs.ts';
import { dumpBuffer, sizeOfBuffer, verifyBuffer } from '../../src/buffer/inspect.ts';
import type { Batch } from '../../src/connector.ts';
import { type HeaderValue, Message, Typed } from '../../src/message.ts';
import { until } from '../brokers/broker.ts';
import { silent } from './life.ts';

const { signal } = new AbortController();
const options: DiskOptions = { maxBytes: 64 * 1024 * 1024, sync: 'always', everyMs: 10 };
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mqferry-buffer-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function numbered(from: number, to: number, bytes: number): Message[] {
  return Array.from({ length: to - from }, (_, i) => new Message({ id: String(from + i), body: Buffer.alloc(bytes, String(from + i)) }));
}

async function readIds(buffer: RouteBuffer): Promise<number[]> {
  const far = await buffer.far.open(signal);
  const ids: number[] = [];
  while (ids.length < buffer.stats().messages) {
    const batch = (await far.read({ messages: 1000, bytes: 1e7 }, signal)) as Batch;
    ids.push(...batch.messages.map(({ id }) => Number(id)));
  }
  await far.close();
  return ids;
}

describe('a buffer on a real disk', () => {
  test('keeps a message of 16 MiB to the bit, among small ones', async () => {
    const body = Buffer.alloc(16 * 1024 * 1024);
    for (let i = 0; i < body.length; i += 997) body[i] = i % 251;
    const buffer = await openBuffer(join(directory, 'b'), options, { log: silent });
    const near = await buffer.near.open(signal);
    expect(await near.write([...numbered(0, 3, 100), new Message({ id: '3', body }), ...numbered(4, 6, 100)])).toEqual([]);
    const far = await buffer.far.open(signal);
    const batch = (await far.read({ messages: 100, bytes: 1e9 }, signal)) as Batch;
    expect(batch.messages.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(batch.messages[3]?.body?.equals(body)).toBe(true);
    await buffer.close();
  });

  test('makes its directory for this user only', async () => {
    const buffer = await openBuffer(join(directory, 'a', 'b'), options, { log: silent });
    await (await buffer.near.open(signal)).write(numbered(0, 1, 10));
    await buffer.close();
    for (const path of ['a', 'a/b']) expect(statSync(join(directory, path)).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(join(directory, 'a/b'))) expect(statSync(join(directory, 'a/b', name)).mode & 0o777).toBe(0o600);
  });

  test('keeps what it confirmed, in order, when its process is killed', { timeout: 60_000 }, async () => {
    let next = 0;
    let acked = -1;
    for (let round = 0; round < 4; round++) {
      const { confirmed, about } = await killAfter(300 + round * 400, next);
      const buffer = await openBuffer(join(directory, 'b'), options, { log: silent });
      const ids = await readIds(buffer);
      await buffer.close();
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
      const there = new Set(ids);
      expect(confirmed.filter((id) => id > Math.max(acked, about) && !there.has(id))).toEqual([]);
      acked = Math.max(acked, about);
      next = Math.max(next, ...confirmed, ...ids) + 1000;
    }
  });

  async function killAfter(lines: number, from: number): Promise<{ confirmed: number[]; about: number }> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'kill-child.ts'), join(directory, 'b'), String(from)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const confirmed: number[] = [];
    let about = -1;
    let count = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      if (++count === lines) child.kill('SIGKILL');
      if (line.startsWith('w ')) confirmed.push(Number(line.slice(2)));
      else about = Number(line.slice(2));
    }
    return { confirmed, about };
  }

  test('waits out a full disk, acks on it, and heals', async (context) => {
    const mount = join(directory, 'small');
    mkdirSync(mount);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount], { stdio: 'ignore' });
    } catch {
      context.skip('needs the right to mount a small disk');
    }
    try {
      const buffer = await openBuffer(join(mount, 'b'), options, {
        log: silent,
        tuning: { segmentBytes: 100_000, frameBytes: 50_000, diskRetryMs: 5 },
      });
      const near = await buffer.near.open(signal);
      const writes = Array.from({ length: 30 }, (_, i) => near.write(numbered(i * 100, i * 100 + 100, 1000)));
      await until('the disk is full', async () => buffer.stats().full);
      const far = await buffer.far.open(signal);
      const ids: number[] = [];
      while (ids.length < 3000) {
        const batch = (await far.read({ messages: 250, bytes: 1e7 }, signal)) as Batch;
        ids.push(...batch.messages.map(({ id }) => Number(id)));
        batch.ack();
      }
      await Promise.all(writes);
      expect(ids).toEqual(Array.from({ length: 3000 }, (_, i) => i));
      await buffer.close();
    } finally {
      execFileSync('umount', [mount]);
    }
  });
});

describe('looking at a buffer', () => {
  test('counts, verifies and dumps without changing a byte', async () => {
    const path = join(directory, 'b');
    const buffer = await openBuffer(path, options, { log: silent, tuning: { segmentBytes: 5000, frameBytes: 1000 } });
    await (await buffer.near.open(signal)).write(numbered(0, 50, 300));
    const far = await buffer.far.open(signal);
    ((await far.read({ messages: 12, bytes: 1e9 }, signal)) as Batch).ack();
    await buffer.close();
    const before = readdirSync(path).map((name) => [name, statSync(join(path, name)).mtimeMs]);
    const bytes = readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
    expect(await sizeOfBuffer(path)).toEqual({ messages: 38, bytes });
    expect(await verifyBuffer(path)).toMatchObject({ messages: 38, bytes, tornBytes: 0, problems: [] });
    const dumped: unknown[] = [];
    for await (const { sequence, message } of dumpBuffer(path)) dumped.push([sequence, message.id]);
    expect(dumped).toEqual(Array.from({ length: 38 }, (_, i) => [13 + i, String(12 + i)]));
    expect(readdirSync(path).map((name) => [name, statSync(join(path, name)).mtimeMs])).toEqual(before);
  });
});

describe('the format', () => {
  const golden = join(import.meta.dirname, 'golden');
  const headers: [string, HeaderValue][] = [
    ['text', 'é'],
    ['typed', new Typed('int16', -5)],
    ['nested', new Map<string, HeaderValue>([['list', [1, 2n, true, null, new Date(5), Buffer.from('b'), -0.5]]])],
  ];
  const stored = [
    { id: 'second', body: Buffer.from('two'), key: Buffer.from('k'), lane: 'l', priority: 4, persistent: true, headers },
    { id: undefined, body: null, key: null, lane: '', priority: undefined, persistent: false, headers: [] },
  ];

  // Each was written once, by its version: `first` (acked), and the messages above. A change that breaks this needs a new version.
  test.each([
    ['1', 'v1', realFiles],
    ['2, which is encrypted', 'v2', encryptedFiles(Cipher.of('07'.repeat(32)))],
  ] as const)('of version %s is read for ever (22)', async (_, name, files) => {
    const path = join(directory, 'b');
    cpSync(join(golden, name), path, { recursive: true });
    expect(await verifyBuffer(path)).toMatchObject({ messages: 2, problems: [] });
    const buffer = await openBuffer(path, options, { log: silent, files });
    const far = await buffer.far.open(signal);
    const { messages } = (await far.read({ messages: 10, bytes: 1e9 }, signal)) as Batch;
    expect(messages).toHaveLength(2);
    for (const [i, expected] of stored.entries())
      for (const [field, value] of Object.entries(expected)) expect(messages[i]).toHaveProperty(field, value);
    expect(messages[0]?.origin).toEqual({ queue: 'q', bufferId: buffer.id, bufferSequence: 2 });
    await buffer.close();
  });
});
