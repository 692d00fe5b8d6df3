/** Looking at keys on disk without changing them. */
import { describeError } from '../../errors.ts';
import { type BufferReport, type BufferSize, recordsIn, sizeOfBuffer, verifyBuffer } from '../inspect.ts';
import { EntryDecoder } from './key-log.ts';

/** How many keys are remembered, and what the files take. Reads all of it. */
export async function sizeOfKeys(directory: string): Promise<BufferSize> {
  const { bytes } = await sizeOfBuffer(directory);
  return { messages: await countOf(directory), bytes };
}

/** Checks every byte, and that each record is one. */
export async function verifyKeys(directory: string): Promise<BufferReport> {
  const report = await verifyBuffer(directory);
  if (report.problems.length > 0) return report;
  try {
    return { ...report, messages: await countOf(directory) };
  } catch (error) {
    return { ...report, problems: [`${directory}: ${describeError(error)}`] };
  }
}

async function countOf(directory: string): Promise<number> {
  const entries = new EntryDecoder();
  let keys = 0;
  for await (const { buffer, start, end } of recordsIn(directory)) keys += entries.decode(buffer, start, end).keys.length;
  return keys;
}
