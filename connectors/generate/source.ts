import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { type Batch, Either, type Header, Message, type Room, type Source, type Template } from '../../src/connector.ts';

export interface GeneratorConfig {
  readonly interval: number;
  readonly count: number | undefined;
  readonly body: Template;
  readonly size: number | undefined;
  readonly key: Template | undefined;
  readonly headers: Readonly<Record<string, Template>>;
  readonly contentType: string | undefined;
}

/** A generator that falls behind catches up with this much and lets the rest go. */
const catchUpMs = 1000;

/** Counts the messages it has made; its sources are all the same sequence. */
export class Generator {
  readonly #config: GeneratorConfig;
  readonly #headers: readonly (readonly [string, Template])[];
  #made = 0;
  #nextMs = 0;

  constructor(config: GeneratorConfig) {
    this.#config = config;
    this.#headers = Object.entries(config.headers);
  }

  open(): Source {
    const closed = new AbortController();
    return {
      read: (room, signal) => this.#read(room, signal, closed.signal),
      close: async () => closed.abort(),
    };
  }

  async #read(room: Room, signal: AbortSignal, closed: AbortSignal): Promise<Batch | null> {
    const left = (this.#config.count ?? Number.POSITIVE_INFINITY) - this.#made;
    if (left <= 0) return null;
    const due = await this.#due(signal, closed);
    if (signal.aborted || closed.aborted) return null;
    return { messages: this.#make(Math.max(1, Math.min(left, due, room.messages)), room.bytes), ack() {} };
  }

  /** Waits until a message is due and says how many are. */
  async #due(signal: AbortSignal, closed: AbortSignal): Promise<number> {
    const { interval } = this.#config;
    if (interval === 0) {
      await setImmediate(); // lets timers and sockets have their turn
      return Number.POSITIVE_INFINITY;
    }
    const now = Date.now();
    this.#nextMs = Math.max(this.#nextMs || now, now - catchUpMs);
    if (this.#nextMs > now) {
      const stop = new Either(signal, closed);
      await sleep(this.#nextMs - now, undefined, { signal: stop.signal }).catch(ignoreAbort);
      stop.drop();
    }
    return Math.max(1, Math.floor((Date.now() - this.#nextMs) / interval) + 1);
  }

  #make(count: number, bytesMax: number): Message[] {
    const messages: Message[] = [];
    const timestamp = Date.now();
    let bytes = 0;
    while (messages.length < count && (messages.length === 0 || bytes < bytesMax)) {
      const message = this.#message(timestamp);
      messages.push(message);
      bytes += message.bytes;
    }
    this.#nextMs += messages.length * this.#config.interval;
    return messages;
  }

  #message(timestamp: number): Message {
    const { body, key, size = 0, contentType } = this.#config;
    const seed = new Message({ body: null, origin: { sequence: ++this.#made }, lane: 'generate', timestamp, contentType });
    const headers: Header[] = this.#headers.map(([name, value]) => [name, value(seed)]);
    return new Message({
      body: filled(body(seed), size),
      headers,
      key: key ? Buffer.from(key(seed)) : null,
      timestamp,
      contentType,
      origin: seed.origin,
      lane: seed.lane,
    });
  }
}

function filled(text: string, size: number): Buffer {
  const bytes = Buffer.byteLength(text);
  if (bytes >= size) return Buffer.from(text);
  const body = Buffer.alloc(size, ' '); // blanks: JSON stays JSON
  body.write(text);
  return body;
}

function ignoreAbort(error: Error): void {
  if (error.name !== 'AbortError') throw error;
}
