/** Looking at a stage without changing it. */
import type { Message } from '../../message.ts';
import { readCursor } from '../cursor.ts';
import { realFiles } from '../fs.ts';
import { type BufferSize, type DumpedMessage, recordsIn, sizeOfBuffer } from '../inspect.ts';
import { MessageDecoder } from '../record.ts';
import { EntryDecoder } from './entry.ts';

/** How many messages a stage keeps, and what its files take. Reads all of it. */
export async function sizeOfStage(directory: string, files = realFiles): Promise<BufferSize> {
  const { bytes } = await sizeOfBuffer(directory, files);
  let messages = 0;
  for await (const _ of dumpStage(directory, files)) messages++;
  return { messages, bytes };
}

/** The messages that a stage keeps, in the order in which they came. */
export async function* dumpStage(directory: string, files = realFiles): AsyncGenerator<DumpedMessage> {
  const { state } = await readCursor(files, directory);
  const entries = new EntryDecoder();
  const messages = new MessageDecoder(state?.logId ?? '');
  const kept = new Map<number, () => Message>();
  for await (const { buffer, start, end, sequence } of recordsIn(directory, files)) {
    const { entry, messageAt } = entries.read(buffer, start, end);
    if (entry.kind === 'done') for (const id of entry.ids) kept.delete(id);
    if (entry.kind !== 'arrival') continue;
    const id = entry.id === 0 ? sequence : entry.id;
    kept.set(id, () => messages.decode(buffer, messageAt, end, id));
  }
  for (const [sequence, message] of [...kept].sort(([a], [b]) => a - b)) yield { sequence, message: message() };
}
