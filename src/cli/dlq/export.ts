import { open } from 'node:fs/promises';
import type { Message } from '../../message.ts';
import { toBeJudged } from '../../route/letter.ts';
import { Leave } from '../exit-codes.ts';
import { say } from '../say.ts';
import { lineOf } from './json-lines.ts';
import type { Letter } from './letters.ts';

/** Writes letters as JSON lines: to a new file that only its owner reads, on disk when this resolves; `-`: to standard output. Returns how many. */
export async function writeLetters(
  letters: AsyncIterable<Letter>,
  file: string,
  when: ((letter: Message) => unknown) | undefined,
): Promise<number> {
  const output = file === '-' ? undefined : await open(file, 'wx', 0o600).catch(unwritable);
  let count = 0;
  try {
    for await (const { message } of letters) {
      if (when && when(toBeJudged(message)) !== true) continue;
      const line = `${lineOf(message)}\n`;
      if (output) await output.writeFile(line);
      else await say(line);
      count++;
    }
    await output?.sync();
  } finally {
    await output?.close();
  }
  return count;
}

function unwritable(error: Error): never {
  throw new Leave('failed', `cannot write there: ${error.message}`);
}
