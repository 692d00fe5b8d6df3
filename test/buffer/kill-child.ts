/** A process to be killed: writes to a buffer and reads from it, and says on stdout what was confirmed (`w n`) and what it is about to ack (`a n`). */
import { writeSync } from 'node:fs';
import { openBuffer } from '../../src/buffer/buffer.ts';
import type { Batch } from '../../src/connector.ts';
import { Message } from '../../src/message.ts';
import { silent } from './life.ts';

const [directory, from] = process.argv.slice(2) as [string, string];
const { signal } = new AbortController();
const buffer = await openBuffer(directory, { maxBytes: 4 * 1024 * 1024, sync: 'always', everyMs: 10 }, { log: silent });
const near = await buffer.near.open(signal);
const far = await buffer.far.open(signal);
let next = Number(from);

async function produce(): Promise<never> {
  for (;;) {
    const messages = Array.from({ length: 20 }, () => new Message({ id: String(next++), body: Buffer.alloc(700, 'x') }));
    await near.write(messages);
    writeSync(1, messages.map(({ id }) => `w ${id}\n`).join(''));
  }
}

async function consume(): Promise<never> {
  for (;;) {
    const batch = (await far.read({ messages: 30, bytes: 1e6 }, signal)) as Batch;
    writeSync(1, `a ${batch.messages.at(-1)?.id}\n`);
    batch.ack();
  }
}

await Promise.all([produce(), produce(), consume()]);
