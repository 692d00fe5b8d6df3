/** Looking at a stage without changing it. */
import { describeError } from '../../errors.ts';
import { readCursor } from '../cursor.ts';
import { type FileSystem, realFiles } from '../fs.ts';
import { type BufferReport, type BufferSize, type DumpedMessage, recordsIn, sizeOfBuffer, verifyBuffer } from '../inspect.ts';
import { MessageDecoder } from '../record.ts';
import { EntryDecoder } from './entry.ts';

/** How many messages a stage keeps, and what its files take. Reads all of it. */
export async function sizeOfStage(directory: string, files = realFiles): Promise<BufferSize> {
  const { bytes } = await sizeOfBuffer(directory, files);
  return { messages: (await placesOf(directory, files)).size, bytes };
}

/** Checks every byte, and that each entry is one. */
export async function verifyStage(directory: string, files = realFiles): Promise<BufferReport> {
  const report = await verifyBuffer(directory, files);
  if (report.problems.length > 0) return report;
  try {
    let messages = 0;
    for await (const _ of dumpStage(directory, files)) messages++;
    return { ...report, messages };
  } catch (error) {
    return { ...report, problems: [`${directory}: ${describeError(error)}`] };
  }
}

/** The messages that a stage keeps, in the order in which they came, but for those that were written again further on. Reads all of it twice. */
export async function* dumpStage(directory: string, files = realFiles): AsyncGenerator<DumpedMessage> {
  const { state } = await readCursor(files, directory);
  const places = await placesOf(directory, files);
  const entries = new EntryDecoder();
  const messages = new MessageDecoder(state?.logId ?? '');
  for await (const { buffer, start, end, sequence } of recordsIn(directory, files)) {
    if (!places.has(sequence)) continue;
    const { entry, messageAt } = entries.read(buffer, start, end);
    const id = entry.kind === 'arrival' && entry.id !== 0 ? entry.id : sequence;
    yield { sequence: id, message: messages.decode(buffer, messageAt, end, id) };
  }
}

/** Where the messages stand that are kept. */
async function placesOf(directory: string, files: FileSystem): Promise<Set<number>> {
  const entries = new EntryDecoder();
  const places = new Set<number>();
  const copies = new Map<number, number>();
  for await (const { buffer, start, end, sequence } of recordsIn(directory, files)) {
    const { entry } = entries.read(buffer, start, end);
    if (entry.kind === 'done') for (const id of entry.ids) places.delete(copies.get(id) ?? id);
    if (entry.kind !== 'arrival') continue;
    if (entry.id !== 0) {
      places.delete(copies.get(entry.id) ?? entry.id);
      copies.set(entry.id, sequence);
    }
    places.add(sequence);
  }
  return places;
}
