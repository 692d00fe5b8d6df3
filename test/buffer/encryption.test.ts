import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openBuffer, type RouteBuffer } from '../../src/buffer/buffer.ts';
import { Cipher } from '../../src/buffer/cipher.ts';
import type { FileSystem } from '../../src/buffer/fs.ts';
import { dumpBuffer, sizeOfBuffer, verifyBuffer } from '../../src/buffer/inspect.ts';
import { openStage } from '../../src/buffer/stage/stage.ts';
import { systemClock } from '../../src/clock.ts';
import { Message } from '../../src/message.ts';
import { silent } from './life.ts';
import { randomOf, SimFs } from './sim-fs.ts';
import { waiting } from './stage/keepers.ts';

const { signal } = new AbortController();
const key = () => randomBytes(32).toString('base64');
const [first, second] = [key(), key()];
const secret = 'what nobody may read';

/** The same disk, with these keys or without any. */
function on(files: SimFs, keys?: string): SimFs {
  return Object.assign(files, { cipher: keys === undefined ? undefined : Cipher.of(keys) });
}

function fresh(): SimFs {
  return Object.assign(new SimFs(randomOf(1)), { shortWrites: 0 });
}

function open(files: FileSystem): Promise<RouteBuffer> {
  const tuning = { segmentBytes: 4000, frameBytes: 2000, recentBytes: 0 };
  return openBuffer('/buffer', { maxBytes: 1024 * 1024, sync: 'always', everyMs: 10 }, { log: silent, files, tuning });
}

const message = (n: number) =>
  new Message({ id: String(n), body: Buffer.from(`${secret} ${n}`.padEnd(300)), headers: [['token', secret]] });

async function put(files: FileSystem, from: number, to: number): Promise<void> {
  const buffer = await open(files);
  const near = await buffer.near.open(signal);
  for (let n = from; n < to; n++) expect(await near.write([message(n)])).toEqual([]);
  await buffer.close();
}

async function ids(files: FileSystem): Promise<number[]> {
  const buffer = await open(files);
  const far = await buffer.far.open(signal);
  const found: number[] = [];
  try {
    while (found.length < buffer.stats().messages) {
      const batch = await far.read({ messages: 7, bytes: 1e9 }, signal);
      for (const { id, body } of batch?.messages ?? []) {
        expect(body?.toString().trim()).toBe(`${secret} ${id}`);
        found.push(Number(id));
      }
    }
  } finally {
    await buffer.close();
  }
  return found;
}

async function allBytes(files: SimFs): Promise<Buffer> {
  const names = await files.list('/buffer');
  return Buffer.concat(names.map((name) => Buffer.from(files.bytesOf(`/buffer/${name}`))));
}

const numbers = (to: number) => Array.from({ length: to }, (_, n) => n);

describe('an encrypted buffer', () => {
  test('gives what was put into it, and nothing of it can be read on the disk', async () => {
    const files = on(fresh(), first);
    await put(files, 0, 40);
    expect((await allBytes(files)).includes(secret)).toBe(false);
    expect(await ids(files)).toEqual(numbers(40));
    const plain = fresh();
    await put(plain, 0, 40);
    expect((await allBytes(plain)).includes(secret), 'the test can see it').toBe(true);
  });

  test('is read with an older key, and written with the newest', async () => {
    const files = on(fresh(), first);
    await put(files, 0, 10);
    await put(on(files, `${second} ${first}`), 10, 20);
    expect(await ids(on(files, `${second},${first}`))).toEqual(numbers(20));
    const wrong = open(on(files, second));
    await expect(wrong, 'at the start, before anything is put behind it').rejects.toMatchObject({
      code: 'BUFFER_FAILED',
      message: expect.stringContaining('is encrypted with the key'),
    });
  });

  test('takes over one that was not encrypted, and goes back to it while the key is given', async () => {
    const files = fresh();
    await put(files, 0, 10);
    await put(on(files, first), 10, 20);
    expect(await ids(files)).toEqual(numbers(20));
  });

  test('does not open without a key, and says where keys come from; sizes and checks need none', async () => {
    const files = on(fresh(), first);
    await put(files, 0, 10);
    on(files);
    await expect(open(files)).rejects.toMatchObject({ code: 'BUFFER_FAILED', message: expect.stringContaining('MQFERRY_DATA_KEY') });
    expect(await sizeOfBuffer('/buffer', files)).toMatchObject({ messages: 10 });
    expect(await verifyBuffer('/buffer', files)).toMatchObject({ messages: 10, problems: [] });
    await expect(dumpBuffer('/buffer', files).next()).rejects.toMatchObject({ code: 'BUFFER_FAILED' });
    on(files, first);
    expect((await dumpBuffer('/buffer', files).next()).value).toMatchObject({ message: { id: '0' } });
  });

  test('takes no frame that another key, or nobody, has written, though every checksum fits', async () => {
    const files = on(fresh(), first);
    await put(files, 0, 3);
    const name = (await files.list('/buffer')).find((one) => one.endsWith('.seg')) as string;
    // What somebody can do who has the disk and not the key.
    const bytes = Buffer.from(files.bytesOf(`/buffer/${name}`));
    const at = 40 + 40 + 4 + 12 + 5;
    bytes[at] = (bytes[at] as number) ^ 1;
    const length = bytes.readUInt32LE(44);
    bytes.writeUInt32LE(crc32(bytes.subarray(40 + 12, 40 + length), bytes.readUInt32LE(24)), 48);
    files.setBytes(`/buffer/${name}`, bytes);
    await expect(ids(files)).rejects.toMatchObject({ code: 'BUFFER_FAILED', message: expect.stringContaining('forged') });
  });

  test('holds what it must at its limit, as encryption takes room', async () => {
    const files = on(fresh(), first);
    const buffer = await openBuffer('/buffer', { maxBytes: 64 * 1024, sync: 'always', everyMs: 10 }, { log: silent, files });
    const near = await buffer.near.open(signal);
    for (let bytes = 55_000; ; bytes += 1) {
      const [refused] = await near.write([new Message({ body: Buffer.alloc(bytes) })]);
      const far = await buffer.far.open(signal);
      if (refused) {
        expect(refused.error.code).toBe('TOO_LARGE');
        break;
      }
      (await far.read({ messages: 1, bytes: 1e9 }, signal))?.ack();
      bytes += 50;
    }
    await buffer.close();
  });
});

test('what a stage keeps is encrypted, too, and comes back after a restart', async () => {
  const files = on(fresh(), first);
  const context = { log: silent, clock: systemClock, files, tuning: { cacheBytes: 0 } };
  const openOne = () => openStage('/buffer', waiting(), { maxBytes: 1024 * 1024, maxMessages: 100 }, context);
  const stage = await openOne();
  const near = await stage.near.open(signal);
  const waits = new Message({ id: '1', body: Buffer.from(secret), headers: [['wait', 1]] });
  expect(await near.write([waits])).toEqual([]);
  await stage.close();
  expect((await allBytes(files)).includes(secret)).toBe(false);
  const again = await openOne();
  const far = await again.far.open(signal);
  const batch = await far.read({ messages: 1, bytes: 1e9 }, signal);
  expect(batch?.messages[0]?.body?.toString()).toBe(secret);
  batch?.ack();
  await again.close();
});

describe('keys', () => {
  test('are Base64 or hex, with remarks', () => {
    const text = `# the newest\n${key()}\n${randomBytes(32).toString('hex')} # of last year\n`;
    expect(() => Cipher.of(text)).not.toThrow();
  });

  test.each(['', '# none', 'short', key().slice(4), 'x'.repeat(64), `${key()} zz`])(
    'that are none are refused, without a key being said (%#)',
    (text) => {
      let said = '';
      try {
        Cipher.of(text);
      } catch (error) {
        said = (error as Error).message;
        expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
      }
      expect(said).toContain('MQFERRY_DATA_KEY');
      for (const word of text.split(/\s+/).filter((one) => one.length > 10)) expect(said).not.toContain(word);
    },
  );
});
