import { setTimeout as sleep } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { notConnected, propertyNames, type Sink, type SinkCan } from '../../src/connector.ts';
import { jsonLine, textLine } from './lines.ts';

export const printCan: SinkCan = {
  keepsOrder: 'lane',
  writes: 'many',
  maxWrite: { messages: 10_000, bytes: 16 * 1024 * 1024 },
  confirms: 'received',
  routed: false,
  carries: { headers: 'typed', repeats: true, key: true, properties: propertyNames, maxBytes: Number.POSITIVE_INFINITY },
  notes: ['A message counts as delivered when standard output has taken it; `format: text` shows the body alone.'],
};

/** What of standard output is used. */
export type Output = NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY'>>;

/** How long close() waits for a reader that does not read. */
const closeMs = 1000;

/** Prints one line per message, one write per batch; a write resolves when the output has taken it, and throws when it is closed. */
export function printSink(output: Output, format: 'text' | 'json'): Sink {
  const line = format === 'json' ? jsonLine : textLine(output.isTTY === true);
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => undefined); // heard by the writes that wait
  listenForErrors(output);
  let isClosed = false;
  let last: Promise<unknown> = Promise.resolve();
  return {
    async write(messages) {
      if (isClosed || !output.writable) throw notConnected('standard output is closed');
      const written = writeAll(output, Buffer.concat(messages.map(line)));
      last = written.catch(() => undefined); // the caller of write gets the error
      await Promise.race([written, closed.promise]);
      return [];
    },
    async close() {
      isClosed = true;
      await Promise.race([last, sleep(closeMs, undefined, { ref: false })]);
      closed.reject(notConnected('standard output was closed before it had taken all'));
    },
  };
}

function writeAll(output: Output, lines: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(lines, (error) => (error ? reject(notConnected('cannot write to standard output', error)) : resolve()));
  });
}

const listened = new WeakSet<Output>();

/** A closed pipe (EPIPE) is reported twice: to the write, which throws, and as an event, which would end the process. */
function listenForErrors(output: Output): void {
  if (listened.has(output)) return;
  listened.add(output);
  output.on('error', () => undefined);
}
