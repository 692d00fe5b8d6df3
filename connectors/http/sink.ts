/** Messages that programs pull: GET hands them out, a POST of their receipts acks them. */
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Either,
  type EndContext,
  type Message,
  MqferryError,
  notConnected,
  type Refusal,
  type Sink,
  type SinkCan,
  type SinkEnd,
} from '../../src/connector.ts';
import { carries } from './carries.ts';
import type { SinkConfig } from './config.ts';
import { answer, bodyOf, countIn, jsonIn, msIn, Refused } from './http.ts';
import { expect, listen } from './listener.ts';
import { jsonOf } from './message.ts';
import { Shelf } from './shelf.ts';

const can: SinkCan = {
  keepsOrder: 'none',
  writes: 'many',
  // Each is confirmed by itself, whenever its reader acks it.
  maxWrite: { messages: 1, bytes: Number.POSITIVE_INFINITY },
  confirms: 'received',
  routed: true,
  pulled: true,
  carries,
  notes: ['http: as many messages are offered at once as the window holds; who pulls has each until it acks, or its `visibility` is over.'],
};

const messagesMax = 1000;
const waitMaxMs = 60_000;
const visibilityMaxMs = 12 * 3_600_000;
const receiptBytesMax = 256 * 1024;

export function httpSink(config: SinkConfig, _context: EndContext): SinkEnd {
  const { connection, path } = config;
  expect(connection, [`GET ${path}`, `POST ${path}/ack`, `POST ${path}/nack`]);
  return { can, open: () => HttpSink.open(config) };
}

interface Pending {
  resolve(refusals: readonly Refusal[]): void;
  reject(error: unknown): void;
}

class HttpSink implements Sink {
  readonly #shelf: Shelf;
  readonly #maxDeliveries: number;
  readonly #pending = new Set<Pending>();
  readonly #closed = new AbortController();
  #leave: () => Promise<void> = async () => undefined;

  private constructor({ visibility, maxDeliveries }: SinkConfig) {
    setMaxListeners(0, this.#closed.signal); // one for each that waits
    this.#shelf = new Shelf({ visibilityMs: visibility, maxDeliveries });
    this.#maxDeliveries = maxDeliveries;
  }

  static async open(config: SinkConfig): Promise<Sink> {
    const { connection, path } = config;
    const sink = new HttpSink(config);
    sink.#leave = await listen(connection, {
      [`GET ${path}`]: (_request, response, query) => sink.#pull(response, query),
      [`POST ${path}/ack`]: (request, response) => sink.#settle(request, response, (receipt) => sink.#shelf.ack(receipt)),
      [`POST ${path}/nack`]: (request, response) => sink.#settle(request, response, (receipt) => sink.#shelf.giveBack(receipt)),
    });
    return sink;
  }

  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    return (await Promise.all(messages.map((message) => this.#offer(message)))).flat();
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#shelf.close();
    for (const { reject } of this.#pending) reject(notConnected('this end is closed'));
    this.#pending.clear();
    await this.#leave();
  }

  #offer(message: Message): Promise<readonly Refusal[]> {
    if (this.#closed.signal.aborted) return Promise.reject(notConnected('this end is closed'));
    return new Promise((resolve, reject) => {
      const pending = { resolve, reject };
      this.#pending.add(pending);
      const ended = (how: 'acked' | 'spent') => {
        this.#pending.delete(pending);
        const error = () => new MqferryError('REFUSED', `it was handed out ${this.#maxDeliveries} times, and never acked`);
        resolve(how === 'acked' ? [] : [{ message, error: error(), retry: false }]);
      };
      this.#shelf.put({ message, attempts: 0, ended });
    });
  }

  async #pull(response: ServerResponse, query: URLSearchParams): Promise<void> {
    const max = countIn(query, 'max', messagesMax) ?? 1;
    const visibility = msIn(query, 'visibility', visibilityMaxMs);
    const isGone = new AbortController();
    response.once('close', () => isGone.abort());
    const over = new Either(isGone.signal, this.#closed.signal);
    const timer = setTimeout(() => over.abort(), msIn(query, 'wait', waitMaxMs) ?? 0);
    let taken = this.#shelf.take(max, visibility);
    while (taken.length === 0 && !over.signal.aborted) {
      await this.#shelf.arrival(over.signal);
      if (!isGone.signal.aborted) taken = this.#shelf.take(max, visibility);
    }
    clearTimeout(timer);
    over.drop();
    const messages = taken.map(({ receipt, held }) => ({ receipt, attempt: held.attempts, ...jsonOf(held.message) }));
    response.once('close', () => {
      if (!response.writableFinished) for (const { receipt } of taken) this.#shelf.giveBack(receipt, true);
    });
    answer(response, 200, { messages });
  }

  async #settle(request: IncomingMessage, response: ServerResponse, settle: (receipt: string) => boolean): Promise<void> {
    const { receipts } = jsonIn(await bodyOf(request, receiptBytesMax));
    if (!Array.isArray(receipts) || !receipts.every((one) => typeof one === 'string'))
      throw new Refused(400, '`receipts` must be a list of those that came with the messages');
    const unknown = receipts.filter((receipt) => !settle(receipt));
    answer(response, 200, { done: receipts.length - unknown.length, unknown });
  }
}
