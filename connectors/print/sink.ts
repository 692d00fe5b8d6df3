import { setTimeout as sleep } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { type Message, MqferryError, notConnected, propertyNames, type Refusal, type Sink, type SinkCan } from '../../src/connector.ts';
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

/**
 * Prints one line per message, one write per batch; a write resolves when the output has taken it. Throws SINK_GONE when the output has
 * ended: a process has one standard output, so there is nothing to open again.
 */
export function printSink(output: Output, format: 'text' | 'json'): Sink {
  return new PrintSink(output, format === 'json' ? jsonLine : textLine(output.isTTY === true));
}

/** How long close() waits for a reader that does not read. */
const closeMs = 1000;

class PrintSink implements Sink {
  readonly #output: Output;
  readonly #line: (message: Message) => Buffer;
  /** How to end the writes that the output has not taken. */
  readonly #pending = new Set<(error: Error) => void>();
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  readonly #lost = (cause?: Error) => this.#fail(gone(cause));

  constructor(output: Output, line: (message: Message) => Buffer) {
    this.#output = output;
    this.#line = line;
    hear(output);
    output.on('error', this.#lost).on('close', this.#lost);
  }

  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    if (this.#closing) throw notConnected('the link to standard output is closed');
    if (!this.#output.writable) throw gone();
    await new Promise<void>((resolve, reject) => {
      this.#pending.add(reject);
      this.#output.write(Buffer.concat(messages.map(this.#line)), (error) => {
        this.#pending.delete(reject);
        if (error) reject(gone(error));
        else resolve();
        if (this.#pending.size === 0) this.#idle?.();
      });
    });
    return [];
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    if (this.#pending.size > 0) await Promise.race([idle, sleep(closeMs, undefined, { ref: false })]);
    this.#fail(notConnected('standard output had not taken all when the link was closed'));
    this.#output.off('error', this.#lost).off('close', this.#lost);
  }

  #fail(error: MqferryError): void {
    for (const reject of this.#pending) reject(error);
    this.#pending.clear();
    this.#idle?.();
  }
}

function gone(cause?: Error): MqferryError {
  return new MqferryError('SINK_GONE', 'cannot write to standard output: nobody reads it any more, or it takes nothing more', { cause });
}

const heard = new WeakSet<Output>();

/** A closed pipe (EPIPE) is also an event, which would end the process if nobody heard it, even when the sink is closed. */
function hear(output: Output): void {
  if (heard.has(output)) return;
  heard.add(output);
  output.on('error', () => undefined);
}
