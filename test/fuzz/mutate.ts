/** Inputs for fuzzing: whole ones, changed a little, the same for the same seed. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { randomOf } from '../buffer/sim-fs.ts';

/** Inputs of each kind: `FUZZ=1000000 npx vitest run test/fuzz` for a long look. */
export const inputs = Number(process.env['FUZZ'] ?? 20_000);
export const seed = Number(process.env['FUZZ_SEED'] ?? 1);

/** Bytes and numbers at which careless readers break. */
const edges = [0, 1, 0x7f, 0x80, 0xff];

/** One of `whole` with some of it flipped, cut out, put in, repeated, or made of an edge; now and then nothing but noise. */
export function bytesFrom(whole: readonly Buffer[], random: () => number): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  if (random() < 0.05) return Buffer.from(Array.from({ length: below(200) }, () => below(256)));
  let bytes = Buffer.from(whole[below(whole.length)] as Buffer);
  for (let edits = 1 + below(4); edits > 0; edits--) {
    const at = below(bytes.length + 1);
    const kind = below(6);
    if (kind === 0 && at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
    else if (kind === 1 && at < bytes.length) bytes[at] = edges[below(edges.length)] as number;
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(8))]);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at)]);
    else if (kind === 4) {
      const piece = bytes.subarray(at, at + below(40));
      bytes = Buffer.concat([bytes.subarray(0, at), piece, piece, bytes.subarray(at)]);
    } else if (at + 4 <= bytes.length) bytes.writeUInt32BE([0xffffffff, 0x7fffffff, 0x10000, bytes.length][below(4)] as number, at);
  }
  return bytes;
}

/** One of `whole` with words of it cut out, repeated, exchanged, or put in from `words`. */
export function textFrom(whole: readonly string[], words: readonly string[], random: () => number): string {
  const below = (limit: number) => Math.floor(random() * limit);
  let text = whole[below(whole.length)] as string;
  for (let edits = 1 + below(4); edits > 0; edits--) {
    const at = below(text.length + 1);
    const word = words[below(words.length)] as string;
    const kind = below(4);
    if (kind === 0) text = text.slice(0, at) + text.slice(at + 1 + below(6));
    else if (kind === 1) text = text.slice(0, at) + word + text.slice(at);
    else if (kind === 2) text = text.slice(0, at) + text.slice(at, at + below(30)).repeat(1 + below(3)) + text.slice(at);
    else text = text.slice(0, at) + word + text.slice(at + word.length);
  }
  return text;
}

/** What `read` makes of many inputs: it may throw an Error, and nothing else; it keeps nothing. Says the input that it stumbled over. */
export async function fuzz(count: number, make: (random: () => number) => Buffer | string, read: (input: never) => unknown): Promise<void> {
  const random = randomOf(seed);
  let before: number | undefined;
  for (let i = 0; i < count; i++) {
    const input = make(random);
    try {
      await read(input as never);
    } catch (error) {
      if (!(error instanceof Error) || isBug(error)) {
        const shown = typeof input === 'string' ? JSON.stringify(input) : input.toString('hex');
        throw new Error(`seed ${seed}, input ${i}: ${error instanceof Error ? error.stack : String(error)}\n${shown}`, { cause: error });
      }
    }
    if (i % 500 === 0) await nextTurn(); // streams that were destroyed end then
    // What the first tenth has made V8 keep is no growth.
    if (i === Math.floor(count / 10)) before = await settledBytes();
  }
  const grown = (await settledBytes()) - (before ?? 0);
  if (grown > growthMax) throw new Error(`after ${count} inputs there are ${grown} bytes more in memory than after a tenth of them`);
}

const growthMax = 16 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is in use, once what is not was given back: some of that is freed a turn after it was collected. */
async function settledBytes(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    collect();
    await nextTurn();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What a reader does not throw on purpose: it has fallen over something it did not look at. */
function isBug(error: Error): boolean {
  return (
    error instanceof TypeError ||
    error instanceof ReferenceError ||
    /Maximum call stack|Invalid array length|Array buffer allocation/.test(error.message)
  );
}
