import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataDirectory } from '../../src/buffer/data-directory.ts';
import { adoptBuffer, clientId, dropBuffer, listBuffers, orphanedBuffers } from '../../src/buffer/instance.ts';
import type { BufferModel } from '../../src/config/model.ts';
import type { Batch, Log } from '../../src/connector.ts';
import { Message } from '../../src/message.ts';
import { silent } from './life.ts';

const { signal } = new AbortController();
const at = { file: 'f', line: 1, col: 1 };
const disk: BufferModel = { kind: 'disk', maxBytes: 1024 * 1024, sync: 'always', everyMs: 10, at };
let parent: string;
let path: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'mqferry-data-'));
  path = join(parent, 'data');
});
afterEach(() => rmSync(parent, { recursive: true }));

/** Leaves a buffer of this route with so many messages behind. */
async function leave(route: string, count: number): Promise<void> {
  const data = new DataDirectory(path, silent);
  const buffer = await data.openBuffer(route, disk, silent);
  const near = await buffer.near.open(signal);
  if (count > 0) await near.write(Array.from({ length: count }, (_, i) => new Message({ id: String(i), body: null })));
  await buffer.close();
  await data.release();
}

/** Leaves a queue with so many messages behind. */
async function leaveQueue(name: string, count: number): Promise<void> {
  const data = new DataDirectory(path, silent);
  const near = await data.queue(name, {}).near.open(signal);
  if (count > 0) await near.write(Array.from({ length: count }, (_, i) => new Message({ id: String(i), body: null })));
  await near.close();
  await data.release();
}

function recording(): Log & { lines: string[] } {
  const lines: string[] = [];
  return { ...silent, lines, warn: (_, text) => lines.push(text) };
}

describe('the data directory', () => {
  test('is not made when nothing needs it', async () => {
    const data = new DataDirectory(path, silent);
    await data.claim([{ name: 'orders', isBuffered: false }]);
    await (await data.openBuffer('orders', { kind: 'memory', maxMessages: 1, maxBytes: 1, at }, silent)).close();
    await data.release();
    expect(existsSync(path)).toBe(false);
  });

  test('is made for this user only, and locked, when a route has a disk buffer', async () => {
    const data = new DataDirectory(path, silent);
    await data.claim([{ name: 'orders', isBuffered: true }]);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    const other = new DataDirectory(path, silent);
    await expect(other.claim([{ name: 'orders', isBuffered: true }])).rejects.toMatchObject({ code: 'DATA_LOCKED' });
    await expect(other.claim([{ name: 'plain', isBuffered: false }])).resolves.toBeUndefined();
    await data.release();
    await other.claim([{ name: 'orders', isBuffered: true }]);
    await other.release();
  });

  test('is locked when a client id was taken from it', async () => {
    const data = new DataDirectory(path, silent);
    data.clientId('orders', 'source');
    await data.claim([{ name: 'orders', isBuffered: false }]);
    const other = new DataDirectory(path, silent);
    other.clientId('orders', 'source');
    await expect(other.claim([{ name: 'orders', isBuffered: false }])).rejects.toMatchObject({ code: 'DATA_LOCKED' });
    await data.release();
  });

  test('gives the same client id at each start, and another one to each end, route and directory', () => {
    const [first, again] = [new DataDirectory(path, silent), new DataDirectory(path, silent)];
    const elsewhere = new DataDirectory(`${path}2`, silent);
    const id = first.clientId('orders', 'source');
    expect(again.clientId('orders', 'source')).toBe(id);
    expect(
      new Set([id, first.clientId('orders', 'sink'), first.clientId('other', 'source'), elsewhere.clientId('orders', 'source')]).size,
    ).toBe(4);
    expect(readdirSync(join(path, 'routes/orders'))).toEqual(['state.json']);
  });

  test('makes client ids that MQTT 3.1.1 takes', () => {
    for (const route of ['a', 'x'.repeat(63), 'with-dash_and']) expect(clientId('0123', route, 'source')).toMatch(/^[0-9a-zA-Z]{23}$/);
  });
});

describe('a buffer that no route uses', () => {
  test('stops the start when it holds messages, with the commands that help', async () => {
    await leave('old', 3);
    const data = new DataDirectory(path, silent);
    const claim = data.claim([{ name: 'new', isBuffered: true }]);
    await expect(claim).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/3 messages.*buffer adopt old.*buffer drop old/),
    });
    await data.release();
  });

  test('stops the start also when its route has no disk buffer any more', async () => {
    await leave('orders', 1);
    const data = new DataDirectory(path, silent);
    await expect(data.claim([{ name: 'orders', isBuffered: false }])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('does not matter when it is empty', async () => {
    await leave('old', 0);
    expect(await orphanedBuffers(path, ['new'])).toEqual([]);
  });

  test('is listed with what it holds', async () => {
    await leave('old', 3);
    await leave('new', 1);
    expect(await listBuffers(path)).toMatchObject([
      { owner: 'new', messages: 1 },
      { owner: 'old', messages: 3 },
    ]);
  });

  test('can be given to another route, which then reads it', async () => {
    await leave('old', 3);
    expect(await adoptBuffer(path, 'old', 'new')).toMatchObject({ messages: 3 });
    const data = new DataDirectory(path, silent);
    await data.claim([{ name: 'new', isBuffered: true }]);
    const buffer = await data.openBuffer('new', disk, silent);
    const batch = (await (await buffer.far.open(signal)).read({ messages: 9, bytes: 1e6 }, signal)) as Batch;
    expect(batch.messages.map(({ id }) => id)).toEqual(['0', '1', '2']);
    await buffer.close();
    await data.release();
  });

  test('is not given to a route whose buffer holds messages itself', async () => {
    await leave('old', 3);
    await leave('new', 1);
    await expect(adoptBuffer(path, 'old', 'new')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await listBuffers(path)).toMatchObject([{ messages: 1 }, { messages: 3 }]);
  });

  test('cannot be named by a path to something else, nor be given to one', async () => {
    await leave('orders', 2);
    mkdirSync(`${path}/elsewhere/buffer`, { recursive: true });
    for (const name of ['../elsewhere', '../../x', '..', '.', '', 'orders/../orders', '/tmp']) {
      await expect(dropBuffer(path, name)).rejects.toThrow(`"${name}" cannot be the name of a route: a name is a letter`);
      await expect(adoptBuffer(path, name, 'new')).rejects.toThrow('cannot be the name of a route');
      await expect(adoptBuffer(path, 'orders', name)).rejects.toThrow('cannot be the name of a route');
    }
    expect(existsSync(`${path}/elsewhere/buffer`)).toBe(true);
    expect(await listBuffers(path)).toMatchObject([{ owner: 'orders', messages: 2 }]);
  });

  test('can be dropped, and says how much that was', async () => {
    await leave('old', 3);
    expect(await dropBuffer(path, 'old')).toMatchObject({ messages: 3 });
    expect(await listBuffers(path)).toEqual([]);
    await expect(dropBuffer(path, 'old')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('a queue on disk', () => {
  test('is one for all who ask, and makes its directory for this user only, when it is opened', async () => {
    const data = new DataDirectory(path, silent);
    const queue = data.queue('alarms', {});
    expect(data.queue('alarms', { maxBytes: 1e6 })).toBe(queue);
    await data.claim([]);
    expect(existsSync(join(path, 'queues'))).toBe(false);
    const near = await queue.near.open(signal);
    await near.write([new Message({ body: null })]);
    expect(statSync(join(path, 'queues')).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, 'queues/alarms')).mode & 0o777).toBe(0o700);
    await near.close();
    await data.release();
  });

  test('locks the data directory, and is closed when that is given back', async () => {
    const data = new DataDirectory(path, silent);
    const queue = data.queue('alarms', {});
    await data.claim([]);
    const near = await queue.near.open(signal);
    const other = new DataDirectory(path, silent);
    other.queue('other', {});
    await expect(other.claim([])).rejects.toMatchObject({ code: 'DATA_LOCKED' });
    await near.write([new Message({ body: null })]);
    await data.release();
    await expect(near.write([new Message({ body: null })])).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    expect(await listBuffers(path)).toMatchObject([{ owner: 'queue:alarms', messages: 1 }]);
    await expect(other.claim([])).rejects.toMatchObject({ code: 'CONFIG_INVALID' }); // the messages of `alarms` are nobody's there
    await other.release();
  });

  test('that holds messages and that no route names stops the start, with the commands that help', async () => {
    await leaveQueue('alarms', 3);
    await leaveQueue('empty', 0);
    const data = new DataDirectory(path, silent);
    await expect(data.claim([{ name: 'alarms', isBuffered: true }])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /^the queue alarms holds 3 messages.*let one read it.*buffer adopt queue:alarms.*buffer drop queue:alarms[^\n]*$/,
      ),
    });
    await data.release();
    const named = new DataDirectory(path, silent);
    named.queue('alarms', {});
    await named.claim([]);
    await named.release();
  });

  test('is listed behind the buffers; can be given to another queue, which then reads it; can be dropped', async () => {
    await leave('orders', 1);
    await leaveQueue('alarms', 2);
    expect(await listBuffers(path)).toMatchObject([
      { owner: 'orders', messages: 1 },
      { owner: 'queue:alarms', messages: 2 },
    ]);
    expect(await adoptBuffer(path, 'queue:alarms', 'queue:all')).toMatchObject({ messages: 2 });
    await expect(dropBuffer(path, 'queue:alarms')).rejects.toThrow('the queue alarms is not in');
    const data = new DataDirectory(path, silent);
    const batch = (await (await data.queue('all', {}).far.open(signal)).read({ messages: 9, bytes: 1e6 }, signal)) as Batch;
    expect(batch.messages.map(({ id }) => id)).toEqual(['0', '1']);
    await data.release();
    expect(await dropBuffer(path, 'queue:all')).toMatchObject({ messages: 2 });
    expect(await listBuffers(path)).toMatchObject([{ owner: 'orders', messages: 1 }]);
  });

  test('cannot be named so that something else is dropped', async () => {
    await leaveQueue('alarms', 2);
    for (const name of ['queue:', 'queue:..', 'queue:../routes'])
      await expect(dropBuffer(path, name)).rejects.toThrow('cannot be the name');
    expect(await listBuffers(path)).toMatchObject([{ messages: 2 }]);
  });
});

describe('a session of a route that is gone', () => {
  test('is a warning with its name, as the broker goes on keeping messages for it', async () => {
    const id = new DataDirectory(path, silent).clientId('old', 'source');
    const log = recording();
    await new DataDirectory(path, log).claim([{ name: 'new', isBuffered: false }]);
    expect(log.lines).toEqual([expect.stringContaining(id)]);
  });
});
