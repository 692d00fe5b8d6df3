import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataDirectory } from '../../src/buffer/data-directory.ts';
import { type LifeRecord, Lives } from '../../src/buffer/lives.ts';
import { silent } from './life.ts';

let parent: string;
let path: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'mqferry-lives-'));
  path = join(parent, 'data', 'lives');
});
afterEach(() => rmSync(parent, { recursive: true }));

const record: LifeRecord = {
  isRunning: true,
  pumps: [
    { underWay: ['a'], suspects: { b: 2 } },
    { underWay: [], suspects: {} },
  ],
};

function recording() {
  const lines: string[] = [];
  return { ...silent, lines, warn: (_: object, text: string) => void lines.push(text) };
}

test('what one process has saved, the next one finds; another route has lives of its own', async () => {
  const lives = new Lives(path, silent);
  const life = await lives.open('orders');
  expect(life?.last).toBeUndefined();
  await life?.save({ isRunning: true, pumps: [] });
  await life?.save(record);
  await lives.release();
  const next = new Lives(path, silent);
  expect((await next.open('orders'))?.last).toEqual(record);
  expect((await next.open('other'))?.last).toBeUndefined();
  await next.release();
  expect(readdirSync(path).sort()).toEqual(['lock', 'orders.json']);
});

test('only this user can look into it', async () => {
  const lives = new Lives(path, silent);
  await (await lives.open('orders'))?.save(record);
  expect(statSync(join(parent, 'data')).mode & 0o777).toBe(0o700);
  expect(statSync(join(path, 'orders.json')).mode & 0o777).toBe(0o600);
  await lives.release();
});

test.each(['', '{', 'null and more', '{}', '{"isRunning":true}', '{"isRunning":false,"pumps":[null]}', '{"pumps":[{"underWay":3}]}'])(
  'a file that says %j is that of a life that did not end well',
  async (text) => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'orders.json'), text);
    const lives = new Lives(path, silent);
    expect((await lives.open('orders'))?.last).toEqual({ isRunning: true, pumps: [] });
    await lives.release();
  },
);

test('one process has it; the other goes without, and says so once', async () => {
  const [first, log] = [new Lives(path, silent), recording()];
  await first.open('orders');
  const second = new Lives(path, log);
  expect(await second.open('a')).toBeUndefined();
  expect(await second.open('b')).toBeUndefined();
  expect(log.lines).toEqual([expect.stringMatching(/will not be found out.*in use by another mqferry.*--data/)]);
  await second.release();
  await first.release();
});

test('it is in nobody’s way: neither of one who needs the data directory, nor does it make the directory look used', async () => {
  const data = new DataDirectory(join(parent, 'data'), silent);
  await data.lives.open('orders');
  const other = new DataDirectory(join(parent, 'data'), silent);
  await other.claim([{ name: 'orders', isBuffered: true }]);
  await other.release();
  await data.release();
  const third = new Lives(path, silent);
  expect(await third.open('orders'), 'the first has given it back').toBeDefined();
  await third.release();
});

test('a save that fails says so, and leaves what was there', async () => {
  const lives = new Lives(path, silent);
  const life = await lives.open('orders');
  await life?.save(record);
  mkdirSync(join(path, 'orders.json.new'));
  await expect(life?.save({ isRunning: false, pumps: [] })).rejects.toMatchObject({ code: 'EISDIR' });
  expect((await lives.open('orders'))?.last).toEqual(record);
  await lives.release();
  expect(existsSync(path)).toBe(true);
});
