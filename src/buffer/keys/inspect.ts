/** Looking at keys on disk without changing them. */
import { describeError } from '../../errors.ts';
import { type FileSystem, realFiles } from '../fs.ts';
import { type BufferReport, type BufferSize, recordsIn, sizeOfBuffer, verifyBuffer } from '../inspect.ts';
import { EntryDecoder } from './key-log.ts';

/** How many keys are remembered, and what the files take. Reads all of it. */
export async function sizeOfKeys(directory: string, files = realFiles): Promise<BufferSize> {
  const { bytes } = await sizeOfBuffer(directory, files);
  return { messages: await countOf(directory, files), bytes };
}

/** Checks every byte, and that each record is one. */
export async function verifyKeys(directory: string, files = realFiles): Promise<BufferReport> {
  const report = await verifyBuffer(directory, files);
  if (report.problems.length > 0) return report;
  try {
    return { ...report, messages: await countOf(directory, files) };
  } catch (error) {
    return { ...report, problems: [`${directory}: ${describeError(error)}`] };
  }
}

async function countOf(directory: string, files: FileSystem): Promise<number> {
  const entries = new EntryDecoder();
  let keys = 0;
  for await (const { buffer, start, end } of recordsIn(directory, files)) keys += entries.decode(buffer, start, end).keys.length;
  return keys;
}
