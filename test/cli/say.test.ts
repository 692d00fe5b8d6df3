import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openBuffer } from '../../src/buffer/buffer.ts';
import { Message } from '../../src/message.ts';
import { silent } from '../buffer/life.ts';
import { folder, root } from './mqferry.ts';

const program = join(root, 'src', 'cli', 'main.ts');

/** A data directory with 600 messages in the buffer of route `r`. */
async function dataDirectory(): Promise<string> {
  const data = folder();
  const options = { maxBytes: 4 * 1024 * 1024, sync: 'interval', everyMs: 1000 } as const;
  const buffer = await openBuffer(join(data, 'routes', 'r', 'buffer'), options, { log: silent });
  const near = await buffer.near.open(new AbortController().signal);
  await near.write(Array.from({ length: 600 }, (_, i) => new Message({ id: String(i), body: Buffer.alloc(400, 'x') })));
  await buffer.close();
  return data;
}

/** Runs a line of a shell in which `$mqferry` is the program. */
function shell(line: string, data: string): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, mqferry: `${process.execPath} ${program}`, MQFERRY_DATA: data };
  return promisify(execFile)('sh', ['-c', line], { env, maxBuffer: 1e8 });
}

test('a reader that is slower than the dump gets all of it', async () => {
  // The shell reads byte by byte, so the pipe is full when the dump has said its last word.
  const { stdout } = await shell('$mqferry buffer dump r | while read -r line; do echo "$line"; done', await dataDirectory());
  expect(stdout.trim().split('\n')).toHaveLength(600);
});

test('a reader that has seen enough ends the dump without a word', async () => {
  const { stdout, stderr } = await shell('$mqferry buffer dump r | head -n 1', await dataDirectory());
  expect(stdout).toContain('"id":"0"');
  expect(stderr).toBe('');
});
